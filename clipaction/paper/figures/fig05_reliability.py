"""fig05: whether confidence says when to trust an answer, before and after noise."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluate.calibration import calibration_interval, reliability_curve
from ...evaluate.predictions import correct
from ...masking.conditions import describe
from ..drawing import error, percent_axis
from ..items import Drawn, figure
from ..results import INTERVALS, Results
from ..selections import noise_conditions
from ..style import GREY, WIDTH
from ..typeset import pct


@figure("fig05", "Reliability before and after noise, with the calibration error")
def fig05(results: Results) -> Drawn:
    noise = results.home("noise")
    conditions = list(noise_conditions(noise).values())
    drawing = Figure((WIDTH, 2.75))
    before, after, errors = drawing.subplots(1, 3)
    curves = []
    for axes, name, title in ((before, "none", "a  No noise"), (after, "gated", "b  Gated noise")):
        rows = noise[(noise["method"] == name) & (noise["condition"] == "none")]
        curves.append(draw_reliability(axes, results, rows, name, title))
    measured = draw_errors(errors, results, noise, conditions)
    drawing.legend(*errors.get_legend_handles_labels(), loc="outside lower right", ncols=3)
    rows = noise[(noise["method"] == measured["method"].iloc[-1]) & (noise["condition"] == conditions[-1])]
    caption = (
        "Reliability before (a) and after (b) gated noise, unmasked clips; shaded: share of the clips in each bin of "
        "confidence; bars of a and b: 95 % Wilson. c: expected calibration error by condition. "
        f"{INTERVALS} {results.facts(rows)}"
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
    axes.errorbar(x, y, yerr=bars, fmt=look.marker, color=look.colour, lw=0.9, ms=4.5, ls="-")
    ece = calibration_interval(rows["p_pred"], correct(rows), rows["group"])
    axes.text(0, 1.02, f"ECE {pct(*ece)} %", transform=axes.transAxes)
    label = "accuracy, %" if method == "none" else ""
    axes.set(xlabel="confidence, %", ylabel=label, xlim=(0, 1), ylim=(0, 1.02), box_aspect=1)
    axes.set_title(title, pad=15)
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    return curve.assign(panel="reliability", method=method, n=count).rename(columns={"n": "n_clips"})


def draw_errors(axes: Axes, results: Results, noise: pd.DataFrame, conditions: list[str]) -> pd.DataFrame:
    """The calibration error of each method under each condition; returns a row a dot."""
    methods, records = [name for name in ("none", "gated", "shared") if name in set(noise["method"])], []
    for k, method in enumerate(methods):
        look = results.method(method)
        for y, condition in enumerate(conditions):
            rows = noise[(noise["method"] == method) & (noise["condition"] == condition)]
            ece, low, high = calibration_interval(rows["p_pred"], correct(rows), rows["group"])
            key = {"panel": "ece", "method": method, "condition": condition, "n_clips": len(rows)}
            records.append(key | {"ece": ece, "ece_low": low, "ece_high": high})
            bars, label = error([low], [ece], [high]), None if y else look.label
            at = y + 0.17 * (k - 1)
            axes.errorbar(ece, at, xerr=bars, fmt=look.marker, color=look.colour, lw=1, ms=4.5, label=label)
    axes.set_yticks(range(len(conditions)), [textwrap.fill(describe(name), 16) for name in conditions])
    axes.set(xlabel="ECE, %", xlim=(0, None), ylim=(len(conditions) - 0.5, -0.5), box_aspect=1)
    axes.set_title("c  Calibration error", pad=15)
    axes.grid(axis="y", visible=False)
    percent_axis(axes.xaxis)
    return pd.DataFrame(records)
