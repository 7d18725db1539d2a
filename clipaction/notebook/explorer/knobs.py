"""The knobs of the mask explorer: what can be chosen, what cannot and why, and the condition that they spell."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...masking.fills import FILL_WORDS, FILLS
from ...masking.masks import MOTIONS, PLACEMENTS
from ...masking.regions import PARTS, SOURCES, gives
from ...masking.shapes import SHAPES
from ...study import Study
from .clips import OpenClip

Knobs = dict[str, Any]

WHAT = {"none": "whole frame", "shape": "shape", "hide": "hide a part", "keep": "isolate a part", "draw": "draw"}
CONTROLS = {"": "no: this mask", "control": "same mask elsewhere", "cells": "as much in random cells"}
PIXELS = {"own": "the video's pixels", "model": "the model's pixels"}
GRAINS = {"silhouette": "silhouette", "box": "box", "plate": "clean plate"}
START: Knobs = {
    "what": "shape",
    "shape": "square",
    "percent": 30,
    "placement": "centre",
    "motion": "still",
    "part": "actor+prop",
    "source": "truth",
    "grain": "silhouette",
    "control": "",
    "fill": "",
    "seed": 0,
    "heat": False,
    "pixels": "own",
}
# Which knobs have an effect, in the order in which they are shown. One on the left is never ruled out by one on its
# right: that one gives way.
SHOWN = {
    "none": (),
    "shape": ("shape", "percent", "placement", "motion", "fill", "seed"),
    "hide": ("part", "source", "percent", "grain", "control", "fill", "seed"),
    "keep": ("part", "source", "percent", "grain", "control", "fill", "seed"),
    "draw": ("control", "fill", "seed"),
}
SPACED = {"actor+prop": "actor and prop", "relevant": "most relevant pixels"}


def condition_name(knobs: Mapping[str, Any]) -> str:
    """The condition that the knobs spell. A drawn mask has none until it is kept under a name."""
    fill = f"/{knobs['fill']}" if knobs["fill"] else ""
    if knobs["what"] == "shape":
        return f"shape:{knobs['shape']}:{knobs['percent']:g}:{knobs['placement']}:{knobs['motion']}{fill}"
    if knobs["what"] not in ("hide", "keep"):
        return "none"
    part, source = knobs["part"], knobs["source"]
    if part == "relevant":
        share = max(1, round(knobs["percent"]))
        part = "relevant" if share == 20 else f"relevant{share}"  # 20 % is what the sweep calls relevant
        at = "" if source == "relevance" else f"@{source}"
    else:
        at = "" if source == "truth" else f"@{source}"
    control = f"{knobs['control']}:" if knobs["control"] else ""
    return f"{control}{knobs['what']}:{part}:{knobs['grain']}{at}{fill}"


def impossible(study: Study, clip: OpenClip, knobs: Mapping[str, Any]) -> str:
    """Why these knobs make no mask for this clip, in a few words; '' where they do."""
    if knobs["what"] not in ("hide", "keep"):
        return ""
    part, source, grain = knobs["part"], knobs["source"], knobs["grain"]
    if source == "truth" and clip.parts is None:
        return "exact masks are known for the demo's clips alone"
    if not gives(source, part):
        return f"{source} does not find {SPACED.get(part, part)}"
    if clip.row < 0 and source not in ("motion", "relevance") and SOURCES[source].finder:
        return f"{source} knows the data set's clips alone"
    if knobs["what"] == "keep" and part == "text":
        return "text alone is no picture"
    if grain == "box" and part == "relevant":
        return "scattered pixels have no box"
    if grain == "plate":
        if knobs["what"] == "keep":
            return "a plate shows the scene without the part; there is nothing to isolate"
        if source != "truth" or clip.plates is None:
            return "plates are known for the demo's clips, with exact masks"
        if part == "background":
            return "there is nothing behind the background"
        if knobs["control"]:
            return "a plate has no control of its own"
        if knobs["fill"]:
            return "a plate is filled with the scene"
    return ""


def options(study: Study, knob: str) -> dict[Any, str]:
    """What a menu or row of buttons offers: {value: its label}."""
    left_out = {"detector", "boxes"} - set(study.profile.regions.sources)  # they need weights and a file
    return {
        "what": WHAT,
        "shape": {name: name for name in SHAPES},
        "placement": {name: name for name in PLACEMENTS},
        "motion": {name: name for name in MOTIONS},
        "part": {name: SPACED.get(name, name) for name in PARTS},
        "source": {name: name for name in SOURCES if name not in left_out},
        "grain": GRAINS,
        "control": CONTROLS,
        "fill": {"": "black", **{name: FILL_WORDS[name] for name in FILLS}},
        "pixels": PIXELS,
    }[knob]


NEUTRAL = {"grain": "silhouette", "control": "", "fill": ""}
LATER = {"what": ("part", "source", "grain", "control", "fill"), "part": ("source", "grain", "control", "fill")}
LATER |= {"source": ("grain", "control", "fill"), "grain": ("control", "fill"), "control": ("fill",)}


def reason_against(study: Study, clip: OpenClip, knobs: Mapping[str, Any], knob: str, value: Any) -> str:
    """Why an option cannot be chosen; '' where it can, if need be with other values of later knobs."""
    trial = {**knobs, knob: value}
    for later in LATER.get(knob, ()):
        if not impossible(study, clip, trial):
            return ""
        if later in NEUTRAL:
            trial[later] = NEUTRAL[later]
        else:
            fit = (
                other
                for other in options(study, later)
                if not impossible(study, clip, trial | NEUTRAL | {later: other})
            )
            trial[later] = next(fit, trial[later])
    return impossible(study, clip, trial)


def mended(study: Study, clip: OpenClip, knobs: Mapping[str, Any]) -> Knobs:
    """The nearest knobs that make a mask for this clip: those on the right give way to those on the left."""
    knobs = dict(knobs)
    for knob in ("part", "source", "grain", "control", "fill"):
        if not impossible(study, clip, knobs):
            break
        if reason_against(study, clip, knobs, knob, knobs[knob]):
            allowed = [value for value in options(study, knob) if not reason_against(study, clip, knobs, knob, value)]
            knobs[knob] = allowed[0]
    return knobs


LABELS = {"what": "", "percent": "area, %", "placement": "place", "source": "found by", "grain": "as"}
LABELS |= {"heat": "where it looks", "pixels": "shown in"}  # the other labels are the knobs' own names


def controls(study: Study, clip: OpenClip, knobs: Mapping[str, Any]) -> list[dict]:
    """The knobs to show, each with its value and what can be chosen: what the front end makes elements of."""
    shown = ["what", *SHOWN[knobs["what"]], "pixels", "heat"]
    if knobs["what"] in ("hide", "keep") and knobs["part"] != "relevant":
        shown.remove("percent")
    if not drawn_at_random(knobs):
        shown = [name for name in shown if name != "seed"]
    return [control(study, clip, knobs, name) for name in shown]


def drawn_at_random(knobs: Mapping[str, Any]) -> bool:
    """Whether another seed gives another mask."""
    if knobs["what"] == "shape":
        shape = SHAPES[knobs["shape"]]
        return knobs["placement"] == "random" or knobs["motion"] == "moving" or shape.anew or shape.variants > 1
    return bool(knobs["control"])


def control(study: Study, clip: OpenClip, knobs: Mapping[str, Any], name: str) -> dict:
    """One knob for the front end."""
    known: dict[str, Any] = {"name": name, "label": LABELS.get(name, name), "value": knobs[name]}
    if name == "percent":
        return known | {"kind": "slider", "min": 1, "max": 90, "step": 1}
    if name == "seed":
        return known | {"kind": "slider", "min": 0, "max": 20, "step": 1}
    if name == "heat":
        return known | {"kind": "check", "reason": ""}
    choices = [
        {"value": value, "label": label, "reason": reason_against(study, clip, knobs, name, value)}
        for value, label in options(study, name).items()
    ]
    return known | {"kind": "buttons" if name == "what" else "menu", "options": choices}
