"""Mixtures: the answers of two methods together, weighted as is best on validation clips (`evaluate.mixing`).

Nothing is built for them: their answers are arithmetic on the answers of their parts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from ..evaluate.methods import METHODS, Method
from ..evaluate.mixing import mixtures
from ..noise.protocols import REAL

WITH_PROBE = "noise + probe"


def mixture(name: str, label: str, parts: tuple[str, str], **facts: Any) -> Method:
    """The mixture of two methods, by their names."""
    known = {"labels": "training", "section": WITH_PROBE} | facts
    return Method(name, label, kind="mixture", parts=parts, **known)


MIXTURES = (
    mixture("clip+probe", "CLIP + probe", ("none", "probe"), section="rivals", colour="green", marker="o"),
    mixture(
        "clip+probe-both", "CLIP + probe, whole and isolated", ("none", "probe-both"), section="rivals", colour="green"
    ),
    mixture("anchored+probe", "anchored + probe", ("anchored", "probe"), colour="blue", marker="s"),
    mixture(
        "anchored-class+probe",
        "anchored, class-specific + probe",
        ("anchored-class", "probe"),
        colour="blue",
        marker="*",
    ),
    mixture("gated+probe", "gated + probe", ("gated", "probe"), colour="sky", marker="s"),
    mixture("shared+probe", "shared + probe", ("shared", "probe"), colour="orange", marker="D"),
    mixture(
        "anchored+probe-both",
        "anchored + probe, whole and isolated",
        ("anchored", "probe-both"),
        colour="blue",
        marker="P",
    ),
    mixture(
        "anchored-class+probe-both",
        "anchored, class-specific + probe, whole and isolated",
        ("anchored-class", "probe-both"),
        colour="blue",
        marker="X",
    ),
    mixture("clip+probe-real", "CLIP + probe", ("none", "probe-real"), section=REAL, colour="pink", marker="h"),
    mixture(
        "anchored-class-real+probe",
        "anchored, class-specific + probe",
        ("anchored-class-real", "probe-real"),
        section=REAL,
        colour="pink",
        marker="s",
    ),
)
for method in MIXTURES:
    METHODS[method.name] = method


def with_mixtures(
    rows: pd.DataFrame, validated: pd.DataFrame, kinds: Sequence[str], scenes: Mapping[str, str]
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """These prediction rows and those of all mixtures, and the mixtures' weights.

    validated: rows of validation clips, of which those under `kinds` and in another scene choose the weights. scenes:
    what the condition in another scene is called, 'given' for most methods and 'real' for those that learned as on
    real videos."""
    tables: list[pd.DataFrame] = [rows]
    weights: list[pd.DataFrame] = []
    for name, scene in scenes.items():
        wanted = {each: method for each, method in METHODS.items() if (method.section == REAL) == (name == "real")}
        mixed, chosen = mixtures(wanted, validated[validated["condition"].isin([*kinds, scene])], rows)
        tables, weights = [*tables, mixed], [*weights, chosen]
    return pd.concat(tables, ignore_index=True), pd.concat(weights, ignore_index=True)
