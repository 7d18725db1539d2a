"""What the noise explorer says beside its pictures: every protocol's answer, a class's attack rate, the code."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ...analysis.attack import total_rates
from ...evaluate.methods import find_method
from ...noise.protocols import HEADLINE, REAL
from ...study import Study
from ...vision.clip import clips_to_input
from .clips import OpenClip

NONE, CLASS, MINE = "none", "class", "mine"  # of the knob 'noise', beside the names of methods
NO_CODE = "Protocols add their noise at full strength; this picture is noisy_frames(study, setup, frames, method, ...)"
CODE = """study = open_study("{profile}")
setup = setup_of(study, load_learned(study))  # both from clipaction.noise.learning
x = clips_to_input(study.store.get(study.meta.loc[study.meta["clip"] == "{clip}", "row"]))
scores = build_protocols(setup)["{method}"](x)[0]  # of clips [1, C]; from clipaction.noise.protocols"""


def code_of(study: Study, clip: OpenClip, knobs: Mapping[str, Any]) -> str:
    """The lines that give the same answer."""
    if knobs["method"] in (CLASS, MINE) or (knobs["strength"] != 1 and knobs["method"] != NONE):
        return NO_CODE
    return CODE.format(profile=study.profile.name, clip=clip.name, method=knobs["method"])


def answers(study: Study, protocols: Mapping[str, Any], clip: OpenClip, classes: Sequence[str]) -> list[dict]:
    """Every fast label-free protocol's answer to the clip."""
    rows = []
    for name, protocol in protocols.items():
        p = (protocol(clips_to_input(clip.frames[None]))[0][0] / study.clip.tau).softmax(-1).cpu()
        best = int(p.argmax())
        kind = "true" if best == clip.label else "other"
        entry = find_method(name)
        label = f"{entry.label}, {REAL}" if entry.section == REAL else entry.label
        rows.append({"method": label, "name": classes[best], "p": float(p[best]), "kind": kind})
    return rows


def attack_words(attacks: pd.DataFrame | None, method: str, of: str) -> str:
    """How many clips of other classes a class's own noise turns into that class, by notebook 04."""
    if attacks is None or method not in (CLASS, "gated", HEADLINE):
        return ""
    if method != CLASS:
        rates = total_rates(attacks)["rate"]
        return (
            f"A class's noise turns {rates[method]:.1%} of other classes' clips into it ({rates['none']:.1%} without)."
        )
    rows = attacks[attacks["cls"] == of].set_index("variant")
    (turned, of_all), without = rows.loc["naive", ["successes", "of"]], rows.loc["none", "successes"]
    return (
        f"The naive noise of {of} turns {turned:.0f} of {of_all:.0f} clips of other classes into {of} (without noise: "
        f"{without:.0f})."
    )
