"""The mask explorer: a clip, something hidden, and CLIP's answers before and after."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ...base.errors import UserError
from ...base.seeds import rng
from ...masking.conditions import Context, apply, check, describe
from ...masking.controls import CONTROL_WORDS, CONTROLS
from ...masking.fills import FILL_WORDS, hide
from ...masking.regions import SOURCES
from ...masking.shapes import SHAPES
from ...profiles.load import extend
from ...study import Study
from . import drawings
from .clips import Clips, OpenClip, listed, read
from .knobs import START, condition_name, controls, mended
from .panels import Answer, change, coloured, heat, jpegs, judge, panel, sharp
from .quiz import Question, questions
from .widget import Explorer

REMEMBERED = 200  # views, of 0.2 MB each
CODE = """study = open_study("{profile}")  # from clipaction.study import open_study
clip = study.meta[study.meta["clip"] == "{clip}"]
frames = next(study.masked(clip, "{condition}"))[0]  # uint8 [T, S, S, 3]"""

NO_CODE = (
    "A drawn mask is a condition when it is kept, a video of your own a clip with ./run_all.sh --data DIR; "
    "another seed is another run: --set seed=1"
)


class MaskExplorer(Explorer):
    """Choose a clip and a mask; see both pictures, both answers and what changed.

    explorer.add_prompt("a photo of a person fencing.") lets a sentence compete with the classes;
    explorer.add_video("clip.mp4") opens a video of one's own. Shapes and region sources that are registered in a
    notebook cell are offered, too."""

    def __init__(self, study: Study, **knobs: Any):
        self.study, self.known = study, Clips(study)
        self.prompts: dict[str, torch.Tensor] = {}
        self.bits = np.zeros((study.clip.size,) * 2, bool)
        sweep = read(study, "predictions/masking.parquet")
        self.flipped = {} if sweep is None else flips(sweep)
        self.asked: list[Question] = [] if sweep is None else questions(sweep, study.profile.seed)
        self.at, self.right, self.guess = 0, 0, -1
        self.seen: dict[tuple, dict] = {}
        self.clean: dict[tuple, Answer] = {}
        for path in sorted(self.folder.glob("*.py")):
            extend(path)
        first = study.clips("test")["clip"].iloc[0]
        super().__init__(size=study.clip.size)
        with self.hold_sync():
            self.clips = listed(study)
            self.look({**START, "clip": first, **knobs})
            self.show_question()

    @property
    def folder(self) -> Path:
        return self.study.results / "drawn"

    # what the page asks for

    def look(self, knobs: dict, buffers: Sequence[bytes] = ()) -> None:
        """Show what the knobs spell; buffers: the drawn mask, a byte a pixel, where it has changed."""
        clip = self.known.open(knobs["clip"])
        if buffers:
            self.bits = check_frames(clip, np.frombuffer(buffers[0], np.uint8))
            self.seen.clear()
        knobs = mended(self.study, clip, knobs)
        known = controls(self.study, clip, knobs)
        shown = {control["name"]: control["value"] for control in known}  # the other knobs have no effect
        chosen = SHAPES.get(knobs["shape"]), SOURCES.get(knobs["source"])  # the objects: both may be registered anew
        key = clip.row, *shown.items(), *self.prompts, *chosen
        if key not in self.seen:
            if len(self.seen) == REMEMBERED:
                self.seen.clear()
            before = self.before(clip)
            self.seen[key] = view(self.study, clip, START | shown, before, self.bits, self.prompts, self.flipped)
        if self.scene.get("row") != clip.row:
            self.scene = {"clip": clip.name, "row": clip.row, "video": clip.video, "seconds": clip.seconds}
        self.controls, self.knobs, self.view = known, knobs, {**self.seen[key], "ticket": self.view.get("ticket", 0)}

    def before(self, clip: OpenClip) -> Answer:
        """CLIP's answer to the clean frames."""
        key = clip.row, *self.prompts
        if key not in self.clean:
            self.clean[key] = judge(self.study, clip.frames, self.prompts)
        return self.clean[key]

    def do_keep(self, buffers: list[bytes], name: str) -> str:
        """The drawn mask becomes a shape."""
        clip = self.known.open(self.knobs["clip"])
        bits = check_frames(clip, np.frombuffer(buffers[0], np.uint8))
        condition = drawings.add(name, bits)
        file = drawings.save(self.folder, name, bits)
        self.look({**self.knobs, "what": "shape", "shape": name, "percent": drawings.percent_of(bits)})
        return (
            f'kept as {condition}. In a sweep: study.evaluate(test, [condition], "masking") in notebook 03, or\n'
            f"./run_all.sh --from 03 --set extensions=[{file}] --set masking.also=[{condition}]"
        )

    def do_prompt(self, _: list[bytes], text: str) -> None:
        self.add_prompt(text)

    def do_video(self, buffers: list[bytes], name: str) -> None:
        """A video that the reader chose in the page."""
        path = self.study.results / "videos" / Path(name).name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(buffers[0])
        self.add_video(path)

    def do_guess(self, _: list[bytes], choice: int) -> None:
        if self.guess < 0:
            self.guess = choice
            self.right += choice == self.asked[self.at].right
            self.show_question()

    def do_next(self, _: list[bytes]) -> None:
        if self.guess >= 0 and self.at + 1 < len(self.asked):
            self.at, self.guess = self.at + 1, -1
            self.show_question()

    # what a notebook cell asks for

    def add_prompt(self, sentence: str) -> None:
        """Let a sentence compete with the classes."""
        self.prompts[sentence] = self.study.clip.encode_text([sentence])[0].clone()
        self.look(self.knobs)

    def add_video(self, path: Path | str) -> None:
        """Open a video of one's own. Raises UserError when it cannot be read."""
        clip = self.known.add(path)
        facts = {"clip": clip.name, "cls": clip.cls, "scene": "", "right": None}
        self.clips = [facts, *(other for other in self.clips if other["clip"] != clip.name)]
        self.look({**self.knobs, "clip": clip.name})

    def show_question(self) -> None:
        """The present question, and its numbers once it was answered."""
        if not self.asked:
            self.quiz = {"reason": "The questions come from notebook 03's sweep; run it first."}
            return
        question, locked = self.asked[self.at], self.guess >= 0
        answered = self.at + locked
        self.quiz = {
            "number": self.at + 1,
            "of": len(self.asked),
            "text": question.text,
            "options": question.options,
            "answer": [question.right, self.guess, question.numbers] if locked else None,
            "score": f"{self.right} of {answered} right" if answered else "",
        }


def flips(sweep: pd.DataFrame) -> dict[str, list[str]]:
    """The clips whose answer changes under each condition of a sweep."""
    rows = sweep[sweep["level"] == "clip"]
    answers = rows.pivot(index="clip", columns="condition", values="pred")
    return {name: answers.index[answers["none"] != answers[name]].tolist() for name in answers}


def view(
    study: Study,
    clip: OpenClip,
    knobs: Mapping[str, Any],
    before: Answer,
    bits: np.ndarray | None = None,
    prompts: Mapping[str, torch.Tensor] | None = None,
    flipped: Mapping[str, list[str]] | None = None,
) -> dict:
    """What the knobs show of a clip: two panels, clean and masked, and the change in words.

    before: CLIP's answer to the clean frames. bits: the drawn mask, bool [S, S]. flipped: the clips whose answer
    changes, by condition. The pictures are JPEG files, all else numbers and words."""
    shown, title = frames_of(study, clip, knobs, bits)
    after = judge(study, shown, prompts)
    names = [*study.classes[: study.n_source], *(prompts or {})]
    own, classes = knobs["pixels"] == "own", study.n_source
    pictures = [clip.own, sharp(clip.own, clip.frames, shown)] if own else [clip.frames, shown]
    panels = [
        panel(name, picture, answer, names, classes, clip.label)
        for name, picture, answer in zip(("as it is", title), pictures, (before, after))
    ]
    if knobs["heat"]:
        target = int(before.clip[:classes].argmax()) if clip.label is None else clip.label
        for each, frames in zip(panels, (clip.frames, shown)):
            each["heat"] = jpegs(coloured(heat(study, frames, target)), quality=70)
    words, state = change(before, after, names, clip.label)
    condition = condition_name(knobs)
    code = CODE.format(profile=study.profile.name, clip=clip.name, condition=condition)
    return {
        "panels": panels,
        "change": words,
        "state": state,
        "blocky": not own,
        "code": NO_CODE if knobs["what"] == "draw" or clip.row < 0 or knobs["seed"] else code,
        "flips": None if knobs["what"] == "draw" or knobs["seed"] else (flipped or {}).get(condition),
    }


def frames_of(
    study: Study, clip: OpenClip, knobs: Mapping[str, Any], bits: np.ndarray | None
) -> tuple[np.ndarray, str]:
    """The frames uint8 [T, S, S, 3] that the knobs make of a clip, and the mask in words."""
    seed = study.profile.seed + knobs["seed"]
    if knobs["what"] != "draw":
        condition = condition_name(knobs)
        check(condition)
        return masked(study, clip, condition, seed), describe(condition)
    assert bits is not None
    mask = torch.from_numpy(bits).float().expand(len(clip.frames), -1, -1)
    if knobs["control"] and bits.any():
        mask = CONTROLS[knobs["control"]](mask, rng(seed, clip.name, "drawn"))
    filled = f", {FILL_WORDS[knobs['fill']]}" if knobs["fill"] else ""
    words = f"{CONTROL_WORDS[knobs['control']]}drawn, {100 * bits.mean():.1f} %{filled}"
    return hide(torch.from_numpy(clip.frames), mask > 0.5, knobs["fill"]).numpy(), words


def masked(study: Study, clip: OpenClip, condition: str, seed: int | None = None) -> np.ndarray:
    """The clip's frames uint8 [T, S, S, 3] under a condition. Raises UserError where it is impossible."""
    found = {name: partial(finder, clip.row, clip.frames) for name, finder in study.finders.items()}
    seed = study.profile.seed if seed is None else seed
    return np.asarray(apply(condition, clip.frames, Context(clip.name, seed, clip.parts, clip.plates, found)))


def check_frames(clip: OpenClip, bits: np.ndarray) -> np.ndarray:
    """A drawn mask as bool [S, S]. Raises UserError when it has not the frames' size."""
    size = clip.frames.shape[1]
    if bits.size != size * size:
        raise UserError(f"the drawn mask has {bits.size} pixels, the frames {size} x {size}; clear it and draw again")
    return bits.reshape(size, size) > 0
