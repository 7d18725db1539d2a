"""fig05: whether confidence says when to trust an answer, before and after noise, and at a fitted temperature."""

from __future__ import annotations

import textwrap
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from ...evaluate.calibration import calibration_interval, reliability_curve
from ...evaluate.predictions import correct
from ...evaluate.summaries import summarise
from ...masking.conditions import describe
from ...noise.protocols import HEADLINE
from ..drawing import error, percent_axis
from ..items import Drawn, figure
from ..results import INTERVALS, Results
from ..scores import fitting
from ..selections import noise_conditions, order
from ..style import GREY, WIDTH
from ..typeset import pct

SHOWN = ("none", HEADLINE, "shared")  # the first two also as reliability curves
MEASURES = (("ece", "c  Calibration error", "ECE, %"), ("nll", "d  Negative log-likelihood", "NLL, nats"))
AS_IT_IS, FITTED = "as it is", "temperature fitted on validation clips"
FILLS = ((GREY, AS_IT_IS), ("white", FITTED))


@figure("fig05", "Reliability before and after noise, calibration error and likelihood, also at a fitted temperature")
def fig05(results: Results) -> Drawn:
    noise, calibrated = results.home("noise"), results.home("calibrated")
    conditions = list(noise_conditions(noise).values())
    drawing = Figure((WIDTH, 5.6))
    top, bottom = drawing.subfigures(2, 1, height_ratios=[1, 0.95], squeeze=False).ravel()
    curves = []
    for axes, name, letter in zip(top.subplots(1, 2), SHOWN, "ab"):
        rows, label = noise[(noise["method"] == name) & (noise["condition"] == "none")], results.method(name).label
        curves.append(draw_reliability(axes, results, rows, name, f"{letter}  {label[0].upper()}{label[1:]}"))
    measured, panels = measures(noise, calibrated, conditions), bottom.subplots(1, 2, sharey=True)
    for axes, measure in zip(panels, MEASURES):
        draw_measure(axes, results, measured, conditions, measure)
    panels[0].set_yticks(range(len(conditions)), [textwrap.fill(describe(name), 16) for name in conditions])
    handles = panels[0].get_legend_handles_labels()[0]
    handles += [Line2D([], [], color=GREY, marker="o", mfc=fill, ls="", label=label) for fill, label in FILLS]
    bottom.legend(handles=handles, loc="outside lower center", ncols=len(handles), columnspacing=1.2)
    caption = (
        f"Reliability before (a) and after (b) {results.method(SHOWN[1]).label}, unmasked clips; shaded: share of the "
        "clips in each bin of confidence; bars of a and b: 95 % Wilson. c: expected calibration error of the answers, "
        "which is never below 0 and comes out too large on few clips; its interval is corrected for that; "
        "d: mean negative log-likelihood of the true class, a proper score of the whole distribution. Filled: as it "
        f"is; hollow: at one temperature a method and condition, {fitting(calibrated)}. "
        f"{INTERVALS} {results.facts(noise[noise['method'].isin(SHOWN)])}"
    )
    return Drawn(drawing, pd.concat([*curves, measured]), caption)


def draw_reliability(axes: Axes, results: Results, rows: pd.DataFrame, method: str, title: str) -> pd.DataFrame:
    """Accuracy against confidence in ten bins; returns a row a bin, NaN where a bin is empty."""
    look, bins = results.method(method), pd.DataFrame({"low": np.linspace(0, 0.9, 10)}).round(6)
    curve = reliability_curve(rows["p_pred"], correct(rows))
    curve = bins.merge(curve.assign(low=curve["low"].round(6)), how="left").assign(high=bins["low"] + 0.1)
    count = curve["n"].fillna(0)
    axes.plot([0, 1], [0, 1], color=GREY, lw=0.8, ls=":")
    axes.bar(curve["low"] + 0.05, count / len(rows), width=0.09, color=look.colour, alpha=0.18)
    bars = error(curve["acc_low"], curve["accuracy"], curve["acc_high"])
    x, y = curve["confidence"], curve["accuracy"]
    axes.errorbar(x, y, yerr=bars, fmt=look.marker, color=look.colour, lw=0.9, ms=4.5, ls="-", clip_on=False)
    ece = calibration_interval(rows["p_pred"], correct(rows), rows["group"])
    axes.text(0, 1.02, f"ECE {pct(*ece)} %", transform=axes.transAxes)
    label = "accuracy, %" if method == SHOWN[0] else ""
    axes.set(xlabel="confidence, %", ylabel=label, xlim=(0, 1), ylim=(0, 1.02), box_aspect=1)
    axes.set_title(title, pad=15)
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    return curve.assign(panel="reliability", method=method, n=count).rename(columns={"n": "n_clips"})


def measures(noise: pd.DataFrame, calibrated: pd.DataFrame, conditions: list[str]) -> pd.DataFrame:
    """ECE and NLL with intervals: a row a method, condition and kind of temperature (columns panel and scaled)."""
    parts = []
    for scaled, rows in ((AS_IT_IS, noise), (FITTED, calibrated)):
        shown = rows[rows["method"].isin(SHOWN)]
        parts.append(summarise(shown, ["method", "condition"]).assign(scaled=scaled, panel="measures"))
    table = order(pd.concat(parts), method=SHOWN, condition=conditions, scaled=[AS_IT_IS, FITTED])
    limits = [f"{name}{end}" for name, _, _ in MEASURES for end in ("", "_low", "_high")]
    return table[["panel", "method", "condition", "scaled", "n_clips", *limits]]


def draw_measure(
    axes: Axes, results: Results, table: pd.DataFrame, conditions: list[str], measure: tuple[str, str, str]
) -> None:
    """One measure of each method under each condition, as it is and, hollow, at its fitted temperature."""
    name, title, label = measure
    methods = [method for method in SHOWN if method in set(table["method"])]
    for row in table.itertuples():
        look, fitted = results.method(row.method), row.scaled == FITTED
        value, low, high = (getattr(row, f"{name}{end}") for end in ("", "_low", "_high"))
        at = conditions.index(row.condition) + 0.27 * (methods.index(row.method) - 1) + 0.12 * fitted - 0.06
        size: dict[str, Any] = {"lw": 0.7, "ms": 4, "mfc": "white"} if fitted else {"lw": 1.1, "ms": 4.5}
        first = not fitted and row.condition == conditions[0]
        bars, named = error([low], [value], [high]), look.label if first else None
        axes.errorbar(value, at, xerr=bars, fmt=look.marker, color=look.colour, label=named, **size)
    axes.set(xlabel=label, xlim=(0, None), ylim=(len(conditions) - 0.5, -0.5))
    axes.set_title(title)
    axes.grid(axis="y", visible=False)
    for at in np.arange(len(conditions) - 1) + 0.5:
        axes.axhline(at, color="#E6E6E6", lw=0.6)
    if name == "ece":
        percent_axis(axes.xaxis)
