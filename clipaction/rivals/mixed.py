"""Mixtures: the answers of two methods together, weighted as is best on validation clips (`evaluate.mixing`).

Nothing is built for them: their answers are arithmetic on the answers of their parts."""

from __future__ import annotations

from typing import Any

from ..evaluate.methods import METHODS, Method
from ..noise.protocols import REAL

WITH_PROBE = "noise + probe"


def mixture(name: str, label: str, parts: tuple[str, str], **facts: Any) -> None:
    """Registers the mixture of two methods, by their names."""
    known = {"labels": "training", "section": WITH_PROBE} | facts
    METHODS[name] = Method(name, label, kind="mixture", parts=parts, **known)


mixture("clip+probe", "CLIP + probe", ("none", "probe"), section="rivals", colour="green", marker="o")
mixture("clip+probe-both", "CLIP + probe, whole and isolated", ("none", "probe-both"), section="rivals", colour="green")
mixture("anchored+probe", "anchored + probe", ("anchored", "probe"), colour="blue", marker="s")
mixture(
    "anchored-class+probe", "anchored, class-specific + probe", ("anchored-class", "probe"), colour="blue", marker="*"
)
mixture("gated+probe", "gated + probe", ("gated", "probe"), colour="sky", marker="s")
mixture("shared+probe", "shared + probe", ("shared", "probe"), colour="orange", marker="D")
mixture(
    "anchored+probe-both", "anchored + probe, whole and isolated", ("anchored", "probe-both"), colour="blue", marker="P"
)
mixture("clip+probe-real", "CLIP + probe", ("none", "probe-real"), section=REAL, colour="pink", marker="h")
mixture(
    "anchored-class-real+probe",
    "anchored, class-specific + probe",
    ("anchored-class-real", "probe-real"),
    section=REAL,
    colour="pink",
    marker="s",
)
