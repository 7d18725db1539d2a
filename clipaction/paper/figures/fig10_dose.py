"""fig10: what measures and methods do at known doses of scene bias."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...analysis.dose_response import MEASURES, OWN, levels, response
from ...demo.batches import USUAL_CAPTIONS
from ...demo.dose import DOSES
from ...demo.plan import USUAL_SHARE
from ..drawing import error, note, percent_axis
from ..items import Drawn, figure
from ..results import INTERVALS, Results
from ..style import BLACK, BLUE, GREEN, GREY, RED, WIDTH

OF_METHODS = ("accuracy", "background", "scene_gap")
SKILLS = {"usual": (GREEN, "s"), "isolated": (BLACK, "o")}  # colour, marker
DODGE = 0.013  # between the methods of one dose
OWN_AT = 1.0  # where the model of no known dose stands on the axis of doses: a step beyond the last
OWN_IS = (
    f"own: the demo's model, apart, with {USUAL_SHARE:.0%} coupled scenes and, unlike the others, {USUAL_CAPTIONS:.0%} "
    "false captions"
)


HOW = (  # where there are none
    "Models with known doses are made for the demo's classes by `python -m clipaction.demo.train --dose <dose>`, once "
    "for each of 0, 0.25, 0.5 and 0.75."
)


@figure("fig10", "Known doses of scene bias: what each measure and each method makes of them")
def fig10(results: Results) -> Drawn:
    values = results.maybe("dose.parquet")
    if values is None:
        drawing = Figure((WIDTH, 1.5))
        note(drawing.subplots(), "there are no models with known doses of bias for these data")
        empty = pd.DataFrame(columns=["method", "measure", "model", "value"])
        return Drawn(drawing, empty, f"Doses of scene bias: not measured. {HOW} {results.facts()}")
    data, slopes = levels(values), response(values).set_index(["method", "measure"])
    drawing = Figure((WIDTH, 6.3))
    axes = drawing.subplots(3, 3).ravel()
    alone = data[data["method"] == "none"]
    bias = [name for name, (_, sign) in MEASURES.items() if sign]
    for panel, measure in zip(axes, bias):
        rows = alone[alone["measure"] == measure]
        if rows.empty:
            note(panel, "no such clips in this profile")
            continue
        draw_line(panel, rows, RED if MEASURES[measure][1] > 0 else BLUE, "o")
        finish(panel, MEASURES[measure][0], in_words(slopes.loc[("none", measure)]))
    for measure, look in SKILLS.items():
        draw_line(
            axes[5], alone[alone["measure"] == measure], *look, label=MEASURES[measure][0].removeprefix("accuracy ")
        )
    finish(axes[5], "accuracy, to compare what they learned")
    axes[5].legend(loc="best", handlelength=1.5)
    names = results.in_order(data["method"].unique())
    middle = (len(names) - 1) / 2
    for panel, measure in zip(axes[6:], OF_METHODS):
        for i, name in enumerate(names):
            rows, method = data[(data["method"] == name) & (data["measure"] == measure)], results.method(name)
            draw_line(panel, rows, method.colour, method.marker, label=method.label, shift=DODGE * (i - middle))
        finish(panel, f"with methods: {MEASURES[measure][0]}")
    for panel in (axes[1], axes[7]):
        panel.axhline(1 / len(results.classes), color=GREY, lw=0.8, ls=":")
    for panel in axes[6:]:
        panel.set_xlabel("dose: coupled scenes in training, %")
    drawing.legend(*axes[6].get_legend_handles_labels(), loc="outside lower center", ncols=len(names))
    caption = (
        "Compact CLIPs that differ only in how often scene and action went together in training (the dose), judged on "
        "the same clips. Red: should rise with the dose; blue: should fall. r: correlation with the dose over the "
        "models of known dose; detects: the smallest difference in dose that these clips tell with 80 % power. Bottom: "
        f"what methods leave; each is learned anew for each model, with few steps. {OWN_IS}. Dotted: chance. "
        f"{INTERVALS} {results.facts(values)}"
    )
    return Drawn(drawing, data, caption)


def draw_line(
    axes: Axes, rows: pd.DataFrame, colour: str, marker: str, label: str | None = None, shift: float = 0
) -> None:
    """The models of known dose joined by a line, and the profile's own model apart from them, hollow."""
    known, own = rows[rows["dose"].notna()].sort_values("dose"), rows[rows["model"] == OWN]
    look: dict[str, Any] = {"color": colour, "lw": 1.2, "elinewidth": 0.8, "ms": 4, "label": label}
    for part, at, form in ((known, known["dose"], f"{marker}-"), (own, [OWN_AT], marker)):
        if len(part):
            bars = error(part["low"], part["value"], part["high"])
            fill: dict[str, Any] = {} if part is known else {"mfc": "white", "label": None}
            axes.errorbar(np.add(at, shift), part["value"], yerr=bars, fmt=form, **look | fill)


def finish(axes: Axes, title: str, text: str = "") -> None:
    """Title, ticks, and what was computed of the panel."""
    ticks = (*DOSES, OWN_AT)
    axes.set_title(textwrap.fill(title, 34), fontsize=7)
    axes.set_xticks(ticks, [*(f"{100 * tick:.0f}" for tick in ticks[:-1]), "own"])
    axes.axvline(0.875, color="#D8D8D8", lw=0.8)
    axes.margins(y=0.18)
    percent_axis(axes.yaxis)
    axes.text(0.02, 0.97, text, transform=axes.transAxes, va="top", fontsize=6.5, color="#444444")


def in_words(slope: pd.Series) -> str:
    """'r = 0.98; detects 12 points'."""
    detected = "no response" if np.isnan(slope["detectable"]) else f"detects {100 * slope['detectable']:.0f} points"
    return f"r = {slope['pearson']:.2f}; {detected}".replace("-", "−")
