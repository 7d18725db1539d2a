"""fig02: how accuracy and confidence fall as more of the frame is masked, a line a shape."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure
from matplotlib.lines import Line2D

from ...evaluate.predictions import correct
from ...masking.conditions import describe
from ...masking.shapes import SHAPES
from ..drawing import error, percent_axis, show
from ..items import Drawn, figure
from ..looks import shape_looks
from ..results import INTERVALS, Results
from ..scores import interval
from ..selections import order, shape_names
from ..style import GREY, WIDTH

DASHES = (0, (4, 2))


@figure("fig02", "Accuracy and confidence against masked area, one line a shape")
def fig02(results: Results) -> Drawn:
    masking, strip = results.home("masking"), results.arrays("masks/strip.npz")
    data = curves(masking)
    drawing = Figure((WIDTH, 4.4))
    top, bottom = drawing.subfigures(2, 1, height_ratios=[3.1, 1.3], squeeze=False).ravel()
    draw_curves(top, data, chance=1 / len(results.classes))
    panels = np.atleast_1d(bottom.subplots(1, len(strip["names"])))
    for axes, name, image in zip(panels, strip["names"], strip["images"]):
        show(axes, image, describe(str(name)))
    none = masking[masking["condition"] == "none"]
    caption = (
        "Accuracy and confidence against masked area. Solid: centred and still; dashed: placed at random. "
        f"Below: a frame at each percentage. {INTERVALS} {results.facts(none)}"
    )
    return Drawn(drawing, data, caption)


def curves(masking: pd.DataFrame) -> pd.DataFrame:
    """Accuracy and confidence with intervals, a row a shape, placement and percentage; 0 % is the unmasked clip."""
    names, records = shape_names(masking).query("motion == 'still'"), []
    rows = dict(list(masking.groupby("condition")))
    for (shape, placement), cells in names.groupby(["shape", "placement"]):
        for percent, name in [(0, "none"), *zip(cells["percent"], cells["condition"])]:
            part = rows[name]
            record = {"shape": shape, "placement": placement, "percent": percent, "n_clips": len(part)}
            for what, values in (("acc", correct(part)), ("confidence", part["p_pred"])):
                found = interval(values, part["group"])
                record |= {what: found["value"], f"{what}_low": found["low"], f"{what}_high": found["high"]}
            records.append(record)
    return order(pd.DataFrame(records).sort_values(["shape", "placement", "percent"]), shape=SHAPES)


def draw_curves(panel: SubFigure, data: pd.DataFrame, chance: float) -> None:
    looks = shape_looks(dict.fromkeys(data["shape"]))
    shapes = list(looks)
    for axes, what, label in zip(
        panel.subplots(1, 2), ("acc", "confidence"), ("a  Accuracy, %", "b  Confidence in the answer, %")
    ):
        for (shape, placement), line in data.groupby(["shape", "placement"], sort=False):
            colour, marker = looks[shape]
            aside = 0.6 * (shapes.index(shape) - (len(shapes) - 1) / 2)  # side by side, so that intervals stay legible
            x = line["percent"] + aside * (line["percent"] > 0)
            if placement == "centre":
                bars = error(line[f"{what}_low"], line[what], line[f"{what}_high"])
                axes.errorbar(x, line[what], bars, color=colour, marker=marker, lw=1.2, elinewidth=0.8, label=shape)
            else:
                axes.plot(x, line[what], color=colour, alpha=0.55, lw=0.8, ls=DASHES)
        axes.set(
            xlabel="masked area, % of the frame", title=label, ylim=(0, 1), xticks=sorted(data["percent"].unique())
        )
        percent_axis(axes.yaxis)
        if what == "acc":
            axes.axhline(chance, color=GREY, lw=0.8, ls=":")
            axes.text(axes.get_xlim()[0], chance, " chance", va="bottom", color=GREY, fontsize=6.5)
    handles = axes.get_legend_handles_labels()[0]
    handles.append(Line2D([], [], color=GREY, lw=0.8, ls=DASHES, label="placed at random"))
    columns = min(9, len(handles))
    panel.legend(handles=handles, loc="outside lower center", ncols=columns, columnspacing=1.2, handlelength=1.8)
