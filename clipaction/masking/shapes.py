"""What a percentage mask looks like: each shape is a function that ranks the pixels of a frame.

    @shape("square", colour="blue", marker="s")
    def square(grid):
        v, u = grid.box(fill=1.0)
        return np.maximum(abs(v), abs(u))

The k lowest pixels of the returned field [H, W] are the mask, so the masked area is exact by construction. A new
shape needs only such a function, here or in a notebook cell; from then on profiles, conditions, figures and explorers
know its name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ..base.registry import Registry
from .cells import random_cells

STRIPES = 5  # bars across the frame


@dataclass(frozen=True)
class Grid:
    """What a shape is drawn on: a frame of `size` (H, W) pixels, of which `k` are to be covered.

    variant: 0 to `variants` - 1, drawn at random. turn: 1 where the mask is turned upside down (only at random places).
    rng and central: only for shapes drawn anew for every clip; central is 1 for centred masks and 0 for masks anywhere.
    """

    size: tuple[int, int]
    k: int
    variant: int = 0
    turn: int = 0
    rng: np.random.Generator | None = field(default=None, compare=False)
    central: float = 0.0

    # The centre lies a little off the grid's symmetry. Then no two sides tie, and pixels are added a row or a column
    # at a time.
    @cached_property
    def v(self) -> np.ndarray:
        """[H, 1]: rows from the centre, in pixels."""
        return np.arange(self.size[0])[:, None] + 0.5 - self.size[0] / 2 - 0.03

    @cached_property
    def u(self) -> np.ndarray:
        """[1, W]: columns from the centre, in pixels."""
        return np.arange(self.size[1])[None] + 0.5 - self.size[1] / 2 - 0.07

    def box(self, fill: float, ratio: float = 1.0) -> tuple[np.ndarray, np.ndarray]:
        """v [H, 1] and u [1, W] from -1 to 1 over the box that a shape of k pixels needs when it fills the share
        `fill` of it.

        The box keeps its ratio (width over height) as long as it fits into the frame, and is stretched when it does
        not."""
        h, w = self.size
        area = max(self.k, 1) / fill
        wide = min(w, np.sqrt(area * ratio))
        high = min(h, area / wide)
        wide = min(w, area / high)
        return self.v / (high / 2), self.u / (wide / 2)


@dataclass(frozen=True)
class Shape:
    """A registered shape: its field, how it is drawn in figures, and how it may be placed.

    variants: how many different ones there are. wraps: it has no outline and moves around the frame's edges. outside:
    the mask is what lies outside the field's lowest pixels. anew: drawn for every clip from `grid.rng`; such a field
    may be the mask itself."""

    name: str
    field: Callable[[Grid], np.ndarray]
    colour: str = ""
    marker: str = ""
    variants: int = 1
    wraps: bool = False
    outside: bool = False
    anew: bool = False


SHAPES: Registry[Shape] = Registry("mask shape")


def shape(
    name: str,
    colour: str = "",
    marker: str = "",
    variants: int = 1,
    wraps: bool = False,
    outside: bool = False,
    anew: bool = False,
) -> Callable[[Callable[[Grid], np.ndarray]], Callable[[Grid], np.ndarray]]:
    """Registers the decorated function as a mask shape; the arguments are the fields of Shape."""

    def add(function: Callable[[Grid], np.ndarray]) -> Callable[[Grid], np.ndarray]:
        SHAPES[name] = Shape(name, function, colour, marker, variants, wraps, outside, anew)
        return function

    return add


@shape("square", colour="blue", marker="s")
def square(grid: Grid) -> np.ndarray:
    v, u = grid.box(fill=1.0)
    return np.maximum(np.abs(v), np.abs(u))


@shape("circle", colour="orange", marker="o")
def circle(grid: Grid) -> np.ndarray:
    return np.hypot(*grid.box(fill=np.pi / 4))


@shape("ellipse", colour="green", marker="h")
def ellipse(grid: Grid) -> np.ndarray:
    return np.hypot(*grid.box(fill=np.pi / 4, ratio=1.5))


@shape("triangle", colour="red", marker="^")
def triangle(grid: Grid) -> np.ndarray:
    v, u = grid.box(fill=0.5)
    return np.maximum(v, 2 * np.abs(u) - v)


@shape("stripes", colour="pink", marker="D", wraps=True)
def stripes(grid: Grid) -> np.ndarray:
    """Five bars: upright, or lying when turned."""
    across = (grid.v / grid.size[0] if grid.turn else grid.u / grid.size[1]) * STRIPES
    return np.abs((across + STRIPES / 2) % 1 - 0.5) + 1e-6 * across + 0 * (grid.u + grid.v)


@shape("border", colour="sky", marker="P", outside=True)
def border(grid: Grid) -> np.ndarray:
    """A frame around the picture, equally wide on every side. The field ranks the hole inside it."""
    return np.maximum(np.abs(grid.v) - grid.size[0] / 2, np.abs(grid.u) - grid.size[1] / 2)


@shape("patches", colour="black", marker="X", wraps=True, anew=True)
def patches(grid: Grid) -> np.ndarray:
    """Scattered square cells, the mask itself; more of them near the centre when the mask is centred."""
    assert grid.rng is not None
    return random_cells([grid.k], grid.size, grid.rng, grid.central)[0]


@shape("blob", colour="grey", marker="v", variants=16)
def blob(grid: Grid) -> np.ndarray:
    """A closed curve with a wavy radius; each variant has its own waves."""
    rng = np.random.default_rng(grid.variant)
    waves = [(n, rng.normal(0, 0.35 / n), rng.uniform(0, 2 * np.pi)) for n in range(2, 8)]

    def radius(angle: np.ndarray) -> np.ndarray:
        return np.exp(sum(c * np.cos(n * angle + p) for n, c, p in waves))

    angle = np.arange(720) * np.pi / 360
    y, x = radius(angle) * np.sin(angle), radius(angle) * np.cos(angle)
    fill = np.pi * np.mean(radius(angle) ** 2) / (np.ptp(y) * np.ptp(x))
    v, u = grid.box(fill, np.ptp(x) / np.ptp(y))
    y, x = (y.min() + y.max() + v * np.ptp(y)) / 2, (x.min() + x.max() + u * np.ptp(x)) / 2
    return np.hypot(y, x) / radius(np.arctan2(y, x))
