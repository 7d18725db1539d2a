"""The noise explorer: a clip, a noise, the noise alone, and CLIP's answers before and after."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Event, Thread
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F

from ...evaluate.methods import find_method
from ...noise.apply import action_boxes, anchored, isolate, with_anchored_noise
from ...noise.frames import in_other_scenes, region_source, training_frames
from ...noise.gates import gate_weights, gated_noise
from ...noise.learning import load_learned, recipe_config, setup_of
from ...noise.parameters import add
from ...noise.protocols import HEADLINE, Setup, build_protocols
from ...noise.training import train
from ...study import Study
from ...vision.clip import clips_to_input
from ..pictures import rectangle
from .answers import CLASS, MINE, NONE, answers, attack_words, code_of
from .clips import Clips, OpenClip, listed, read
from .knobs import PIXELS
from .panels import change, coloured, heat, jpegs, judge, panel, sharp
from .widget import Explorer

ANCHORED = (HEADLINE, "anchored")
NOISES = {
    NONE: "none",
    HEADLINE: "anchored, class-specific",
    "anchored": "anchored",
    "gated": "gated",
    "shared": "shared",
    CLASS: "one class's (naive)",
}
START: dict[str, Any] = {"method": HEADLINE, "of": "", "strength": 1.0, "heat": False, "pixels": "own"}
# A noise that is trained in the explorer. At the profiles' learning rate, made for larger batches, so few steps would
# end no better than they began.
LIVE = {"steps": 40, "batch": 32, "lr": 0.05, "validate_every": 1, "patience": 40}
LIVE_CLIPS = 24  # validation clips, a frame each, that its curve is of


class NoiseExplorer(Explorer):
    """Choose a clip, a noise and how strong it is; see the noise, both answers, and every protocol's answer beside
    them. 'one class's' adds the naive noise of any class, also a wrong one. A small noise can be trained here; then it
    is in the row of noises as 'yours'. Notebook 04 must have run."""

    def __init__(self, study: Study, **knobs: Any):
        self.study, self.known = study, Clips(study)
        self.setup = setup_of(study, load_learned(study))
        self.attacks = read(study, "noise/attack.parquet")
        self.protocols = {
            name: protocol
            for name, protocol in build_protocols(self.setup).items()
            if not (find_method(name).uses_label or find_method(name).slow)
        }
        self.stopped = Event()
        self.thread: Thread | None = None
        first = study.clips("test")["clip"].iloc[0]
        super().__init__(accepts=False)
        with self.hold_sync():
            self.clips = listed(study)
            label = f"train a noise of your own ({LIVE['steps']} steps)"
            self.training = {"label": label, "running": False, "loss": []}
            self.look({**START, "clip": first, "of": study.classes[0], **knobs})

    def look(self, knobs: dict, buffers: Sequence[bytes] = ()) -> None:
        """Show what the knobs say."""
        clip = self.known.open(knobs["clip"])
        found = view(self.study, self.setup, self.protocols, clip, knobs, self.attacks)
        self.scene = {"clip": clip.name, "video": clip.video, "seconds": clip.seconds}
        self.controls, self.knobs = controls(self.study, self.setup, knobs), dict(knobs)
        self.view = {**found, "ticket": self.view.get("ticket", 0)}

    def do_train(self, _: list[bytes]) -> None:
        """Train a small noise, in a thread, so that the knobs still move; or stop it."""
        if self.thread is not None and self.thread.is_alive():
            self.stopped.set()
            return
        self.stopped.clear()
        self.thread = Thread(target=self.train, daemon=True)
        self.thread.start()

    def train(self) -> None:
        """One anchored noise for all classes, by cross-entropy alone; stopped, it keeps what it has learned. Shown is
        the cross-entropy of frames that it does not learn from, first without noise."""
        study, losses = self.study, []
        config = recipe_config(study.profile.noise, "anchored").model_copy(update=LIVE)

        def watch(rows: list[dict]) -> None:
            self.lock.release()  # between two steps the page has its turn: both use the one model
            time.sleep(0.005)
            self.lock.acquire()
            losses.append(-rows[-1]["val"])
            self.training = {**self.training, "running": True, "loss": list(losses)}
            if self.stopped.is_set():
                raise Stopped

        kept: list[torch.Tensor] = []

        def keep(delta: torch.Tensor) -> float:
            kept.append(delta.clone())
            scores = anchored(study.clip, study.head(), x, delta, config.anchor)[0]
            return -F.cross_entropy(scores / study.clip.tau, labels.to(scores.device)).item()

        self.training = {**self.training, "running": True, "loss": []}
        note = ""
        arguments = config, "anchored", study.profile.seed, keep, "yours"
        with self.lock:
            try:
                x, labels = unlearned(study)
                data = training_frames(study, study.clips("train"))
                losses.append(-keep(torch.zeros(2, *x.shape[2:], device=study.clip.device)))  # without noise
                train(study.clip, study.head(), data, *arguments, watch=watch)
            except Stopped:
                pass
            except Exception as error:  # it has no cell to appear in
                note = f"the training failed: {error}"
        with self.lock, self.hold_sync():
            self.training, self.note = {**self.training, "running": False}, note
            if kept:
                self.setup = replace(self.setup, noises={**self.setup.noises, MINE: kept[-1]})
                self.look({**self.knobs, "method": MINE})


def unlearned(study: Study) -> tuple[torch.Tensor, torch.Tensor]:
    """A frame each of some validation clips, in another clip's scene where regions are known: images [n, 1, 3, S, S] in
    [0, 1], and labels [n]. A training does not learn from them."""
    val = study.clips("val")
    some = val.iloc[:: max(1, len(val) // LIVE_CLIPS)].reset_index(drop=True)
    swapped = in_other_scenes(study, some, region_source(study))
    frames = study.store.get(some["row"]) if swapped is None else swapped
    return clips_to_input(frames[:, :1]), torch.tensor(some["label"].tolist())


class Stopped(Exception):
    """The reader stopped the training."""


def controls(study: Study, setup: Setup, knobs: Mapping[str, Any]) -> list[dict]:
    """The knobs that have an effect, for the front end."""
    offered = NOISES | ({MINE: "yours"} if MINE in setup.noises else {})
    noises = [{"value": value, "label": label, "reason": ""} for value, label in offered.items()]
    classes = [{"value": name, "label": name, "reason": ""} for name in study.classes[: study.n_source]]
    pixels = [{"value": value, "label": label, "reason": ""} for value, label in PIXELS.items()]
    known: dict[str, dict[str, Any]] = {
        "method": {"label": "noise", "kind": "buttons", "options": noises},
        "of": {"label": "class", "kind": "menu", "options": classes},
        "strength": {"label": "strength", "kind": "slider", "min": 0, "max": 2, "step": 0.1},
        "pixels": {"label": "shown in", "kind": "menu", "options": pixels},
        "heat": {"label": "where it looks", "kind": "check", "reason": ""},
    }
    hidden = {NONE: {"of", "strength"}, CLASS: set()}.get(knobs["method"], {"of"})
    return [{"name": name, "value": knobs[name], **facts} for name, facts in known.items() if name not in hidden]


def noisy_frames(
    study: Study, setup: Setup, frames: np.ndarray, method: str, strength: float = 1.0, of: str | None = None
) -> tuple[np.ndarray, np.ndarray | None, torch.Tensor | None]:
    """Frames uint8 [T, S, S, 3] of a clip with noise; the boxes [T, S, S] where it is put, if it is anchored; and the
    gate's weights [T, K], if it has a gate. of: the class whose naive noise is added by the method 'class'."""
    x, boxes, weights = clips_to_input(frames[None]), None, None
    noises, gate = setup.noises, setup.gates.get(method)
    if method == CLASS:
        noisy = add(x[0], strength * noises["naive"][study.classes.index(of or study.classes[0])])
    elif method == "gated":
        weights = gate_weights(study.clip.encode_image(x[0]), study.head(), gate, study.clip.tau)
        noisy = add(x[0], strength * gated_noise(study.clip, study.head(), x[0], noises["gated"], gate))
    elif method in (*ANCHORED, MINE):
        boxes = action_boxes(x, setup.source)[0]
        if gate is not None:
            seen = study.clip.encode_image(isolate(x[0], boxes))
            weights = gate_weights(seen, study.head(), gate, study.clip.tau)
        noisy = with_anchored_noise(study.clip, study.head(), x, strength * noises[method], setup.source, gate)[0]
    else:
        noisy = add(x[0], strength * noises["shared"]) if method == "shared" else x[0]
    shown = (noisy.permute(0, 2, 3, 1).cpu().numpy() * 255 + 0.5).astype(np.uint8)
    return shown, None if boxes is None else boxes.cpu().numpy(), weights


@torch.inference_mode()
def view(
    study: Study,
    setup: Setup,
    protocols: Mapping[str, Any],
    clip: OpenClip,
    knobs: Mapping[str, Any],
    attacks: pd.DataFrame | None,
) -> dict:
    """What the knobs show of a clip: clean, noise alone, noisy; the gate's weights, every protocol's answer, and what
    is known of a class's noise."""
    method, classes = knobs["method"], list(study.classes[: study.n_source])
    shown, boxes, weights = noisy_frames(study, setup, clip.frames, method, knobs["strength"], knobs["of"])
    before, after = judge(study, clip.frames), judge(study, shown)
    own = knobs["pixels"] == "own"
    pictures = [clip.own, sharp(clip.own, clip.frames, shown)] if own else [clip.frames, shown]
    panels = [panel("as it is", pictures[0], before, classes, len(classes), clip.label)]
    if method != NONE:
        panels.append({"title": "the noise alone, twice as strong", "frames": jpegs(amplified(shown, clip.frames))})
        if weights is not None:
            panels[-1] |= {"title": "the noise alone, x 2; below: the gate", "bars": bars(weights, classes)}
        panels.append(panel(NOISES.get(method, "yours"), pictures[1], after, classes, len(classes), clip.label))
        if boxes is not None:
            panels[-1]["boxes"] = [outline(box) for box in boxes]
    if knobs["heat"]:
        for each, frames in zip((panels[0], panels[-1]), (clip.frames, shown)):
            each["heat"] = jpegs(coloured(heat(study, frames, clip.label or 0)), quality=70)
    words, state = change(before, after, classes, clip.label)
    return {
        "panels": panels,
        "change": words if method != NONE else f"{classes[int(before.clip.argmax())]} {before.clip.max():.2f}",
        "state": state,
        "blocky": not own,
        "code": code_of(study, clip, knobs),
        "table": answers(study, protocols, clip, classes),
        "words": attack_words(attacks, method, knobs["of"]),
    }


def amplified(noisy: np.ndarray, clean: np.ndarray, factor: float = 2.0) -> np.ndarray:
    """What was added to frames, `factor` times as strong, around mid-grey: uint8 [T, S, S, 3]."""
    return (128 + factor * (noisy.astype(np.float32) - clean)).clip(0, 255).astype(np.uint8)


def bars(weights: torch.Tensor, classes: Sequence[str], most: int = 5) -> list[dict]:
    """The largest of a gate's weights [T, K], averaged over frames."""
    mean = weights.mean(0).cpu().numpy()
    return [{"name": classes[k], "p": float(mean[k]), "kind": "other"} for k in mean.argsort()[::-1][:most]]


def outline(box: np.ndarray) -> list[float] | None:
    """x, y, width and height of a box [S, S], as shares of the frame; None where it is empty."""
    found = rectangle(box)
    return None if found is None else [each / len(box) for each in found]
