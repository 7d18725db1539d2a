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
from .style import BLACK, BLUE, GREEN, GREY, ORANGE, PALETTE, PINK, RED, SKY, colour

Look = tuple[str, str]  # colour, marker

SCENES: dict[str, Look] = {"all": (BLACK, "o"), "usual": (GREEN, "s"), "random": (ORANGE, "D"), "other": (RED, "^")}
SCENE_LABELS = {"all": "all", "usual": "usual scene", "random": "random scene", "other": "another action's scene"}
NOISES: dict[str, tuple[str, str, str]] = {  # of `noise.learning.RECIPES`: colour, line, label
    "none": (BLACK, "-", "no noise"),
    "anchored-class": (BLUE, "-", "anchored, class-specific"),
    "anchored": (BLUE, "--", "anchored"),
    "anchored-class-real": (PINK, "-", "anchored, class-specific, as on real videos"),
    "gated": (SKY, "-", "gated"),
    "posterior": (SKY, "--", "gated by CLIP's posterior"),
    "hypothesis": (SKY, ":", "hypothesis"),
    "shared": (ORANGE, "-", "shared"),
    "naive": (RED, ":", "naive"),
}
KINDS = ("protocol", "rival", "mixture", "network")
FACTS = ("name", "label", "kind", "colour", "marker", "labels", "uses_label", "section", "needs")  # of a method
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


def noise_look(name: str) -> tuple[str, str, str]:
    """Colour, line and label of a noise by its name; another one is grey."""
    return NOISES.get(name, (GREY, "-.", name))


def kind_rank(method: Method) -> int:
    """Protocols before rivals, mixtures and networks, whatever was imported first."""
    return KINDS.index(method.kind) if method.kind in KINDS else len(KINDS)


def registered_looks() -> list:
    """What the registries say about looks and order, for cache keys."""
    known = sorted(METHODS.values(), key=kind_rank)
    methods = [[getattr(method, fact) for fact in FACTS] for method in known]
    return [methods, [[shape.name, shape.colour, shape.marker] for shape in SHAPES.values()]]


def class_label(name: str) -> str:
    """BoxingPunchingBag -> Boxing Punching Bag."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")
