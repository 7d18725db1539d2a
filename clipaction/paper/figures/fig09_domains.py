"""fig09: every method in every domain, with its interval."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluate.summaries import summarise
from ...masking.conditions import describe
from ..drawing import error, percent_axis
from ..items import Drawn, figure
from ..results import INTERVALS, Results
from ..selections import by_section, noise_conditions, order
from ..style import BLACK, GREY, WIDTH

SHARED, EVERY = "ward, shared classes", "ward, all its classes"
COLUMNS = ["part", "method", "condition", "n_clips", "n_groups", "acc", "acc_low", "acc_high", "confidence"]


@figure("fig09", "Domains × methods: accuracy with its interval")
def fig09(results: Results) -> Drawn:
    rows = rows_by_part(results)
    names = noise_conditions(rows)
    shown = rows[rows["condition"].isin([names[kind] for kind in ("none", "shape") if kind in names])]
    data = summarise(shown, ["part", "method", "condition"])
    sections, parts = by_section(results, data["method"]), [results.place, SHARED, EVERY]
    methods = [name for names in sections.values() for name in names]
    data = order(data, part=parts, method=methods, condition=names.values())[COLUMNS]
    parts, lines = list(dict.fromkeys(data["part"])), lines_of(sections)
    drawing = Figure((WIDTH, 0.9 + 0.21 * len(lines)))
    widths = [1.4, *[1] * (len(parts) - 1)]  # most methods are tested at home alone
    panels = drawing.subplots(1, len(parts), sharey=True, sharex=True, width_ratios=widths)
    for axes, part in zip(np.atleast_1d(panels), parts):
        classes = results.run["classes"] if part.startswith("ward") else results.classes
        draw(axes, results, data[data["part"] == part], lines, chance=1 / len(classes))
    smaller = f"; small: {describe(names['shape'])}" if "shape" in names else ""
    split = "home test" + (" and ward" if len(parts) > 1 else "")
    caption = (
        f"Domains and methods. Large: unmasked{smaller}. Vertical line: CLIP without noise; dotted: chance; hollow and "
        f"grey: told the label, for orientation only. {INTERVALS} {results.facts(shown, split)}"
    )
    return Drawn(drawing, data, caption)


def rows_by_part(results: Results) -> pd.DataFrame:
    """Predictions of all methods with a column `part`.

    A ward clip of a shared class is in two parts if its method knows all of the ward's classes.
    """
    rows = [results.home("noise").assign(part=results.place)]
    if results.maybe("predictions/baselines.parquet") is not None:
        rows.append(results.home("baselines").assign(part=results.place))
    for step in ("ward", "baselines"):
        ward = results.ward(step)
        if ward is not None:
            shared = ward["cls"].isin(results.classes)
            rows.append(ward[shared].assign(part=SHARED))
            every = ward[ward["method"].isin(ward.loc[~shared, "method"])]
            rows.append(every.assign(part=EVERY))
    return pd.concat(rows, ignore_index=True)


def lines_of(sections: dict[str, list[str]]) -> list[tuple[str, str]]:
    """(section, method) of each line, from the top; a section's own line, its heading, has no method."""
    lines = []
    for section, names in sections.items():
        lines += [(section, "")] * bool(section) + [(section, name) for name in names]
    return lines


def draw(axes: Axes, results: Results, data: pd.DataFrame, lines: list[tuple[str, str]], chance: float) -> None:
    """One part: a line a method, unmasked above masked, and a line a section's heading."""
    places = {name: y for y, (_, name) in enumerate(lines) if name}
    for row in data.itertuples():
        look, clean = results.method(row.method), row.condition == "none"
        y = places[row.method] + (-0.14 if clean else 0.18)
        bars, inside = error([row.acc_low], [row.acc], [row.acc_high]), "white" if look.uses_label else look.colour
        size: dict[str, Any] = {"lw": 1.1, "ms": 4.2, "alpha": 1} if clean else {"lw": 0.7, "ms": 2.8, "alpha": 0.55}
        axes.errorbar(row.acc, y, xerr=bars, fmt=look.marker, color=look.colour, mfc=inside, zorder=3, **size)
    for value in data[(data["method"] == "none") & (data["condition"] == "none")]["acc"]:
        axes.axvline(value, color=BLACK, lw=0.6, alpha=0.4, zorder=1)
    axes.axvline(chance, color=GREY, lw=0.8, ls=":")
    title = f"{data['part'].iloc[0]}\nn = {data['n_clips'].max()}"
    axes.set(title=title, xlabel="accuracy, %", xlim=(0, 1.03), ylim=(len(lines) - 0.5, -0.6))
    labels = [results.method(name).label if name else section for section, name in lines]
    axes.set_yticks(range(len(lines)), labels)
    for y, (tick, (_, name)) in enumerate(zip(axes.get_yticklabels(), lines)):
        if name:
            tick.set_color(GREY if results.method(name).uses_label else BLACK)
        else:
            tick.set(fontweight="bold", color=BLACK)
            axes.axhline(y - 0.5, color="#D8D8D8", lw=0.6, zorder=0)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="y", visible=False)
    percent_axis(axes.xaxis)
