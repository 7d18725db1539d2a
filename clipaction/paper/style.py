"""The palette and the one Matplotlib style of all figures.

The colours are Okabe and Ito's, which colour-blind readers can tell apart. The font DejaVu Sans comes with Matplotlib.
So a figure is the same on every machine.
"""

from __future__ import annotations

from typing import Any

from matplotlib.colors import is_color_like

WIDTH = 7.2  # inches: the text width of a page with two columns
PALETTE = {
    "black": "#222222",
    "orange": "#E69F00",
    "sky": "#56B4E9",
    "green": "#009E73",
    "yellow": "#9A9000",
    "blue": "#0072B2",
    "red": "#D55E00",
    "pink": "#CC79A7",
    "grey": "#8A8A8A",
}
BLACK, ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PINK, GREY = PALETTE.values()
RC: dict[Any, Any] = {
    "font.family": "DejaVu Sans",
    "font.size": 7.5,
    "axes.titlesize": 8,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.labelsize": 7.5,
    "xtick.labelsize": 7,
    "ytick.labelsize": 7,
    "legend.fontsize": 7,
    "legend.frameon": False,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 0.6,
    "xtick.major.width": 0.6,
    "ytick.major.width": 0.6,
    "axes.edgecolor": "#444444",
    "text.color": BLACK,
    "axes.labelcolor": BLACK,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "grid.linewidth": 0.6,
    "lines.linewidth": 1.4,
    "lines.markersize": 4,
    "figure.dpi": 100,
    "savefig.dpi": 200,
    "pdf.fonttype": 42,
    "svg.hashsalt": "clipaction",
    "figure.constrained_layout.use": True,
    "image.interpolation": "bicubic",
    "text.parse_math": False,  # a class may be called $cash$
}


def colour(name: str) -> str:
    """The hex value of a palette name; another colour that Matplotlib knows as it is; grey for anything else."""
    return PALETTE.get(name) or (name if is_color_like(name) else GREY)
