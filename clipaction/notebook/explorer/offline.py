"""The mask explorer as one HTML file: the same page, with the answers to a few clips computed before. It opens by a
double click, without a network and without Python."""

from __future__ import annotations

import base64
import io
import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from tqdm.auto import tqdm

from ...base import parallel
from ...base.files import write_text
from ...masking.conditions import parse
from ...masking.plan import plan
from ...study import Study
from .clips import Clips, OpenClip, listed, read
from .knobs import START, Knobs, condition_name, controls, mended
from .masks import view
from .panels import files, judge
from .quiz import questions
from .widget import HERE

FEW = 5  # clips in the page
LEFT_OUT = ("pixels", "heat", "seed")  # knobs that the page does not have
ELSEWHERE = "only in the notebook"


def save(study: Study, path: Path) -> Path:
    """Write the page of a study's test clips, under the conditions of its sweep, to `path`."""
    write_text(path, page(study))
    return path


def page(study: Study) -> str:
    """The page as a text."""
    known, chosen = Clips(study), examples(study)
    opened = [known.open(name) for name in chosen]
    spelled = ((name, knobs_of(name)) for name in plan(study.profile))
    states = {name: knobs for name, knobs in spelled if knobs is not None}
    for source in {parse(name).source for name in plan(study.profile)} & set(study.finders):
        # relevance listens to the model's layers, so it is found before several threads use the model
        study.finders[source].find([clip.row for clip in opened], study.store.frames)
    before = {clip.name: judge(study, clip.frames) for clip in opened}
    bar = tqdm(total=len(opened) * len(states), desc="explorer.html", unit="view", leave=False)

    def answer(item: tuple[OpenClip, Knobs]) -> dict:
        clip, knobs = item
        found = view(study, clip, {**knobs, "clip": clip.name}, before[clip.name])
        bar.update()
        return lighter(found, clip)

    items = [(clip, knobs) for clip in opened for knobs in states.values()]
    views = parallel.each(answer, items, study.clip.device)
    bar.close()
    sweep = read(study, "predictions/masking.parquet")
    data = {
        "clips": [facts for facts in listed(study) if facts["clip"] in chosen],
        "scenes": {clip.name: {"clip": clip.name, "video": [text(file) for file in clip.video]} for clip in opened},
        "clean": {clip.name: [text(file) for file in webp(clip.frames)] for clip in opened},
        "states": [{"knobs": knobs, "controls": offered(study, opened[0], knobs, states)} for knobs in states.values()],
        "views": {clip.name: views[i * len(states) : (i + 1) * len(states)] for i, clip in enumerate(opened)},
        "questions": [] if sweep is None else [vars(question) for question in questions(sweep, study.profile.seed)],
    }
    parts = {name: (HERE / file).read_text() for name, file in FILES.items()}
    parts["front"] = parts["front"].replace("export default", "const front =")
    answers = json.dumps(data, separators=(",", ":")).replace("<", "\\u003c")
    return PAGE.format(title=study.profile.title, data=answers, **parts)


FILES = {"css": "front.css", "front": "front.js", "offline": "offline.js"}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Explore masks · {title}</title>
<style>
body {{ margin: 12px; font: 14px/1.5 system-ui, sans-serif; }}
{css}
@media (prefers-color-scheme: dark) {{
  body {{ color: #e8e8e8; background: #181818; }}
  .clipaction {{
    --text: #e8e8e8; --soft: #a8a8a8; --line: #555; --back: #181818; --raised: #2c2c2c; --orange: #ff9d4d;
  }}
}}
</style>
<h1>Explore masks</h1>
<p>What CLIP answers when a part of the picture is hidden. The answers were computed before, for a few clips of
{title}; the notebook <code>explore_masks</code> has all clips, and masks that you draw.</p>
<div id="explorer"></div>
<script>const DATA = {data};</script>
<script type="module">
{front}
{offline}
</script>
</html>
"""


def examples(study: Study) -> list[str]:
    """FEW test clips of different classes; where scenes are known, of every kind of scene."""
    test = study.clips("test")
    kinds = [rows for _, rows in test.groupby("scene", sort=False)]
    found: list[pd.Series] = []
    for k in range(FEW):
        rows = kinds[k % len(kinds)]
        rows = rows[~rows["cls"].isin([clip["cls"] for clip in found])]
        if len(rows):
            found.append(rows.iloc[(k * len(rows)) // FEW])
    return [clip["clip"] for clip in found]


def knobs_of(name: str) -> Knobs | None:
    """The knobs that spell a condition; None where none do."""
    c = parse(name)
    part, percent = c.part, c.percent or START["percent"]
    if part.startswith("relevant"):
        part, percent = "relevant", int(part.removeprefix("relevant") or 20)
    known = {"shape": c.shape, "placement": c.placement, "motion": c.motion, "part": part, "grain": c.grain}
    known |= {"source": c.source, "control": c.control, "fill": c.fill}
    knobs = {**START, "what": c.kind, "percent": percent, **{key: value for key, value in known.items() if value}}
    knobs["pixels"] = "model"
    spelled = condition_name(knobs)
    return knobs if spelled == name else None


def offered(study: Study, clip: OpenClip, knobs: Knobs, states: Mapping[str, Knobs]) -> list[dict]:
    """The controls of one state. Each option knows the number of the state that it leads to (`to`), or why there is
    none."""
    numbers = {condition_name(each): number for number, each in enumerate(states.values())}
    shown = []
    for control in controls(study, clip, knobs):
        if control["name"] in LEFT_OUT:
            continue
        if control["name"] == "percent":
            values = sorted({each["percent"] for each in states.values()})
            options = [{"value": value, "label": f"{value:g}", "reason": ""} for value in values]
            control = {**control, "kind": "menu", "options": options}
        for option in control["options"]:
            to = nearest(study, clip, {**knobs, control["name"]: option["value"]}, control["name"], states, numbers)
            option |= {"to": to, "reason": option["reason"] or ("" if to is not None else ELSEWHERE)}
        if sum(not option["reason"] for option in control["options"]) > 1:
            shown.append(control)
    return shown


def nearest(
    study: Study, clip: OpenClip, knobs: Knobs, moved: str, states: Mapping[str, Knobs], numbers: Mapping[str, int]
) -> int | None:
    """The state that the knobs lead to; where the page does not have it, the first one that shares the knob just moved
    and all that stand left of it."""
    found = numbers.get(condition_name(mended(study, clip, knobs)))
    if found is not None and list(states.values())[found][moved] == knobs[moved]:
        return found
    order = ["what", "shape", "part", "source", "grain", "control", "placement", "percent", "motion", "fill"]
    fixed = order[: order.index(moved) + 1]
    for number, state in enumerate(states.values()):
        if all(state[name] == knobs[name] for name in fixed if name != "shape" or knobs["what"] == "shape"):
            return number
    return None


def lighter(found: dict, clip: OpenClip) -> dict:
    """A view without what the page has once: the clean frames; the others as WebP in base64."""
    clean, shown = found["panels"]
    frames = np.stack([np.asarray(Image.open(io.BytesIO(file))) for file in shown["frames"]])
    shown = {**shown, "frames": [text(file) for file in webp(frames)]}
    return {**found, "panels": [{**clean, "frames": []}, shown], "flips": None, "blocky": False}


def webp(frames: np.ndarray) -> list[bytes]:
    """Frames uint8 [T, H, W, 3] as WebP files, a third of JPEG's size."""
    return files(frames, "WEBP", quality=80)


def text(file: bytes) -> str:
    return base64.b64encode(file).decode()
