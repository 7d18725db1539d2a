"""How methods, mask shapes, scenes and noises are drawn and named.

A method's look is registered with the method (`evaluate.methods`), a shape's with the shape (`masking.shapes`). What
this process has not registered is drawn all the same, with a look of its own.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import cycle

from matplotlib.markers import MarkerStyle

from ..evaluate.methods import METHODS, Method
from ..masking.shapes import SHAPES
from .style import BLACK, BLUE, GREEN, ORANGE, PALETTE, RED, colour

Look = tuple[str, str]  # colour, marker

SCENES: dict[str, Look] = {"all": (BLACK, "o"), "usual": (GREEN, "s"), "random": (ORANGE, "D"), "other": (RED, "^")}
SCENE_LABELS = {"all": "all", "usual": "usual scene", "random": "random scene", "other": "another action's scene"}
NOISE_VARIANTS = {"gated": (BLUE, "-"), "shared": (ORANGE, "--"), "naive": (RED, ":")}  # colour, line
KINDS = ("protocol", "rival", "network")
MARKERS = "os^DvPXhp"  # of shapes that do not say theirs


def shape_looks(names: Iterable[str]) -> dict[str, Look]:
    """The look of each mask shape; those without one of their own take the palette's colours and MARKERS in turn."""
    spare = cycle(zip(PALETTE.values(), MARKERS))
    found = {}
    for name in names:
        shape = SHAPES.get(name)
        own = (shape.colour, shape.marker) if shape else ("", "")
        default = ("", "") if all(own) else next(spare)
        found[name] = colour(own[0] or default[0]), marker(own[1] or default[1])
    return found


def marker(name: str) -> str:
    """The name of a Matplotlib marker if it is one, else a dot."""
    return name if name in MarkerStyle.markers else "."


def kind_rank(method: Method) -> int:
    """Protocols before rivals before networks, whatever was imported first."""
    return KINDS.index(method.kind) if method.kind in KINDS else len(KINDS)


def registered_looks() -> list:
    """What the registries say about looks and order, for cache keys."""
    known = sorted(METHODS.values(), key=kind_rank)
    methods = [[m.name, m.label, m.kind, m.colour, m.marker, m.labels, m.uses_label] for m in known]
    return [methods, [[shape.name, shape.colour, shape.marker] for shape in SHAPES.values()]]


def class_label(name: str) -> str:
    """BoxingPunchingBag -> Boxing Punching Bag."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")
