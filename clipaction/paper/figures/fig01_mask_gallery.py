"""fig01: what the conditions of this paper look like."""

from __future__ import annotations

import textwrap

import pandas as pd
from matplotlib.figure import Figure

from ...masking.conditions import describe
from ..drawing import show
from ..items import Drawn, figure
from ..results import Results
from ..style import WIDTH


@figure("fig01", "Mask gallery: one frame under the conditions of this paper")
def fig01(results: Results) -> Drawn:
    gallery = results.arrays("masks/gallery.npz")
    names, images = [str(name) for name in gallery["names"]], gallery["images"]
    columns = min(6, len(names))
    rows = -(-len(names) // columns)
    titles = [textwrap.fill(describe(name), 23) for name in names]
    lines = max(title.count("\n") for title in titles)
    drawing = Figure((WIDTH, rows * (WIDTH / columns + 0.18 + 0.1 * lines)))
    grid = drawing.subplots(rows, columns, squeeze=False).ravel()
    for axes, title, image in zip(grid, titles, images):
        show(axes, image, "\n" * (lines - title.count("\n")) + title)
    for axes in grid[len(names) :]:
        axes.set_axis_off()
    brightness, black = images.mean((1, 2, 3)) / 255, (images == 0).all(-1).mean((1, 2))
    data = pd.DataFrame({"condition": names, "brightness": brightness, "black": black})
    caption = f"Mask gallery: one frame of a test clip under the conditions of this paper. {results.facts()}"
    return Drawn(drawing, data, caption)
