"""How figures and tables look and what things are called: one Matplotlib style, one colour and marker a method, one label a condition.

Colours are Okabe and Ito's, which colour-blind readers can tell apart; every line also has a marker of its own. DejaVu Sans comes with
Matplotlib, so a figure is the same on every machine. What uses the label is grey and hollow, wherever it is drawn.
"""

from __future__ import annotations

import os
import re
import textwrap
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from matplotlib.figure import Figure

WIDTH = 7.2  # inches: a text width of two columns
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK = "#222222 #E69F00 #56B4E9 #009E73 #F0E442 #0072B2 #D55E00 #CC79A7".split()
GREY = "#8A8A8A"
RC = {
    "font.family": "DejaVu Sans", "font.size": 7.5, "axes.titlesize": 8, "axes.titleweight": "bold", "axes.titlelocation": "left",
    "axes.labelsize": 7.5, "xtick.labelsize": 7, "ytick.labelsize": 7, "legend.fontsize": 7, "legend.frameon": False,
    "axes.spines.top": False, "axes.spines.right": False, "axes.linewidth": 0.6, "xtick.major.width": 0.6, "ytick.major.width": 0.6,
    "axes.edgecolor": "#444444", "text.color": BLACK, "axes.labelcolor": BLACK, "xtick.color": "#444444", "ytick.color": "#444444",
    "axes.grid": True, "axes.axisbelow": True, "grid.color": "#E6E6E6", "grid.linewidth": 0.6, "lines.linewidth": 1.4,
    "lines.markersize": 4, "figure.dpi": 100, "savefig.dpi": 200, "pdf.fonttype": 42, "svg.hashsalt": "clipaction",
    "figure.constrained_layout.use": True, "image.interpolation": "bicubic",
}  # fmt: skip


class Method(NamedTuple):
    label: str
    colour: str
    marker: str
    labels: str = "none"  # which labels it used: none, training, the clip's own
    uses_label: bool = False  # of the clip it answers for: an upper bound, never a result


METHODS = {
    "clip": Method("CLIP", BLACK, "o"),
    "none": Method("CLIP, no noise", BLACK, "o"),
    "gated": Method("gated noise", BLUE, "D", "training"),
    "hypothesis": Method("hypothesis", SKY, "^", "training"),
    "shortlist-3": Method("shortlist-3", SKY, "v", "training"),
    "shared": Method("one shared noise", ORANGE, "s", "training"),
    "random": Method("random noise", GREY, "X"),
    "shuffled": Method("shuffled classes", GREY, "P", "training"),
    "naive-hypothesis": Method("naive noise, hypothesis", RED, "<", "training"),
    "offset": Method("per-class offset", GREEN, "h", "training"),
    "probe": Method("linear probe", GREEN, "*", "training"),
    "prompts": Method("tuned prompts", GREEN, ">", "training"),
    "cnn": Method("frame CNN", PINK, "p", "training"),
    "cnn-gru": Method("CNN + GRU", PINK, "d", "training"),
    "oracle": Method("oracle (uses the label)", GREY, "o", "the clip's own", True),
    "naive-oracle": Method("naive oracle (uses the label)", GREY, "s", "the clip's own", True),
}
SHAPES = {  # colour, marker
    "square": (BLUE, "s"), "circle": (ORANGE, "o"), "ellipse": (GREEN, "h"), "triangle": (RED, "^"), "stripes": (PINK, "D"),
    "frame": (SKY, "P"), "border": (SKY, "P"), "patches": (BLACK, "X"), "blob": (GREY, "v"),
}  # fmt: skip
SCENES = {"all": (BLACK, "o"), "usual": (GREEN, "s"), "random": (ORANGE, "D"), "other": (RED, "^")}
SCENE_LABELS = {"all": "all", "usual": "usual scene", "random": "random scene", "other": "another action's scene"}
NOISE_VARIANTS = {"gated": (BLUE, "-"), "shared": (ORANGE, "--"), "naive": (RED, ":")}


def method(name: str) -> Method:
    known = METHODS["shortlist-3"]._replace(label=name) if name.startswith("shortlist") else Method(name, GREY, ".")
    return METHODS.get(name, known)


def in_order(names) -> list[str]:
    """Method names in the order of METHODS, unknown ones last, alphabetically."""
    known = list(METHODS)
    return sorted(set(names), key=lambda name: (known.index(name) if name in known else len(known), name))


def class_label(name: str) -> str:
    """BoxingPunchingBag -> Boxing Punching Bag."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).replace("_", " ")


def percent_axis(axis) -> None:
    axis.set_major_formatter(mpl.ticker.PercentFormatter(1, decimals=0, symbol=""))


def note(axes, text: str) -> None:
    """An empty panel that says why."""
    axes.set_axis_off()
    axes.text(0.5, 0.5, textwrap.fill(text, 36), ha="center", va="center", color=GREY, transform=axes.transAxes)


def show(axes, image: np.ndarray, title: str = "", **kind) -> None:
    axes.imshow(image, **kind)
    axes.set(xticks=[], yticks=[])
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.set_title(title, fontsize=6.5, fontweight="normal", loc="center", pad=3)


def error(low, value, high) -> np.ndarray:
    """[2, n] distances for errorbar; none where the interval is unknown."""
    return np.nan_to_num(np.clip([np.subtract(value, low), np.subtract(high, value)], 0, None))


def label_points(axes, points: np.ndarray, names: list[str], busy: np.ndarray) -> None:
    """Writes each name beside its point, at whichever of eight places meets the fewest other names, points and edges."""
    figure = axes.figure
    figure.draw_without_rendering()
    scale, edge = axes.transData.transform, axes.get_window_extent()
    taken = [np.array([x - 3, y - 3, x + 3, y + 3]) for x, y in scale(busy)]
    for (x, y), name in sorted(zip(scale(points).tolist(), names)):
        lines, best = name.split("\n"), None
        width, height = 3.9 * max(map(len, lines)) * figure.dpi / 72, 7.5 * len(lines) * figure.dpi / 72
        for far in (5, 12):
            for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1)):
                u = x + dx * far + (0 if dx > 0 else -width if dx < 0 else -width / 2)
                v = y + dy * far - height / 2
                box = np.array([u, v, u + width, v + height])
                overlap = [max(0, min(box[2], b[2]) - max(box[0], b[0])) * max(0, min(box[3], b[3]) - max(box[1], b[1])) for b in taken]
                outside = max(0, edge.x0 - box[0]) + max(0, box[2] - edge.x1) + max(0, edge.y0 - box[1]) + max(0, box[3] - edge.y1)
                cost = sum(overlap) + 30 * outside + far
                if best is None or cost < best[0]:
                    best = cost, box
        taken.append(best[1])
        spot = axes.transData.inverted().transform((best[1][0], best[1][1] + height / 2))
        axes.text(*spot, name, fontsize=6.3, va="center", color="#444444")


def save(figure: Figure, stem: Path) -> list[Path]:
    """stem.png (200 dpi) and stem.pdf, without dates: the same figure gives the same bytes. Written aside, then renamed."""
    paths = []
    figure.set_dpi(RC["savefig.dpi"])
    with mpl.rc_context(RC):
        for _ in range(2):  # the second pass knows how much room images of a fixed shape leave
            figure.draw_without_rendering()
    figure.set_layout_engine("none")  # laid out once, alike for both
    for kind, metadata in (("png", {"Software": None}), ("pdf", {"CreationDate": None, "Creator": None, "Producer": None})):
        path = stem.with_suffix(f".{kind}")
        aside = path.with_suffix(".tmp")
        with mpl.rc_context(RC):
            figure.savefig(aside, format=kind, metadata=metadata)
        os.replace(aside, path)
        paths.append(path)
    return paths
