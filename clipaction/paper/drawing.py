"""Small helpers for axes, and how a figure becomes files."""

from __future__ import annotations

import textwrap
from pathlib import Path

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.axis import Axis
from matplotlib.figure import Figure
from numpy.typing import ArrayLike

from ..base.files import replacing
from .style import GREY, RC


def percent_axis(axis: Axis) -> None:
    """Shares from 0 to 1 are written as 0 to 100."""
    axis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0, symbol=""))


def note(axes: Axes, text: str) -> None:
    """An empty panel that says why it is empty."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, textwrap.fill(text, 36), ha="center", va="center", color=GREY, transform=axes.transAxes)


def show(axes: Axes, image: np.ndarray, title: str = "") -> None:
    """An image [H, W, 3], uint8 or float in [0, 1], without ticks and with a small title."""
    axes.imshow(image)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=6.5, fontweight="normal", loc="center", pad=3)


def error(low: ArrayLike, value: ArrayLike, high: ArrayLike) -> np.ndarray:
    """[2, n] distances for errorbar; 0 where the interval is unknown."""
    return np.nan_to_num(np.clip([np.subtract(value, low), np.subtract(high, value)], 0, None))


def label_points(axes: Axes, points: np.ndarray, names: list[str], busy: np.ndarray) -> None:
    """Writes each name beside its point [n, 2], where it meets fewest other names, edges and `busy` points [m, 2]."""
    figure = axes.get_figure()
    assert isinstance(figure, Figure)
    figure.draw_without_rendering()
    scale, edge = axes.transData.transform, axes.get_window_extent()
    taken = [np.array([x - 3, y - 3, x + 3, y + 3]) for x, y in scale(busy)]
    for (x, y), name in sorted(zip(scale(points).tolist(), names)):
        lines = name.split("\n")
        width, height = 3.9 * max(map(len, lines)) * figure.dpi / 72, 7.5 * len(lines) * figure.dpi / 72
        box = min(places(x, y, width, height), key=lambda place: cost(place[0], taken, edge) + place[1])[0]
        taken.append(box)
        left, middle = axes.transData.inverted().transform((box[0], box[1] + height / 2))
        axes.text(left, middle, name, fontsize=6.3, va="center", color="#444444")


def places(x: float, y: float, width: float, height: float) -> list[tuple[np.ndarray, int]]:
    """(box, distance) of a text at eight places around a point, near and far, in pixels.

    A box is left, bottom, right, top.
    """
    found = []
    for far in (5, 12):
        for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
            left = x + dx * far + (0 if dx > 0 else -width if dx < 0 else -width / 2)
            bottom = y + dy * far - height / 2
            found.append((np.array([left, bottom, left + width, bottom + height]), far))
    return found


def cost(box: np.ndarray, taken: list[np.ndarray], edge) -> float:
    """The area that a box shares with taken ones, and 30 for each pixel outside the axes."""
    shared = [
        max(0, min(box[2], b[2]) - max(box[0], b[0])) * max(0, min(box[3], b[3]) - max(box[1], b[1])) for b in taken
    ]
    outside = max(0, edge.x0 - box[0]) + max(0, box[2] - edge.x1) + max(0, edge.y0 - box[1]) + max(0, box[3] - edge.y1)
    return sum(shared) + 30 * outside


def save_figure(figure: Figure, stem: Path) -> list[Path]:
    """stem.png (200 dpi) and stem.pdf, without dates: the same figure gives the same bytes."""
    figure.set_dpi(RC["savefig.dpi"])
    with mpl.rc_context(RC):
        for _ in range(2):  # the second pass knows how much room images of a fixed shape leave
            figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, alike for both files
    paths = []
    for kind, metadata in (
        ("png", {"Software": None}),
        ("pdf", dict.fromkeys(("CreationDate", "Creator", "Producer"))),
    ):
        path = stem.with_suffix(f".{kind}")
        with replacing(path) as temporary, mpl.rc_context(RC):
            figure.savefig(temporary, format=kind, metadata=metadata)
        paths.append(path)
    return paths
