"""fig07: where in the frame the model's relevance lies, before and after noise."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure

from ...noise.protocols import HEADLINE
from ..drawing import error, note, percent_axis, show
from ..items import Drawn, figure
from ..looks import class_label
from ..results import INTERVALS, Results
from ..scores import interval
from ..style import GREY, WIDTH
from ..typeset import pct

MANY = 30  # classes that are drawn at most; all are in the csv
EXAMPLES = 4
SIDES = ("none", HEADLINE)
BESIDE = ("anchored", "gated")  # over all classes only


@figure("fig07", "Relevance before and after the headline's noise")
def fig07(results: Results) -> Drawn:
    table = results.table("relevance.parquet")
    if table.empty:
        drawing = Figure((WIDTH, 1.5))
        note(
            drawing.subplots(), "relevance on actor and prop needs their true masks, which this data set does not have"
        )
        empty = pd.DataFrame(columns=["cls", "method", "n_clips", "value"])
        return Drawn(drawing, empty, f"Relevance: not measured. {results.facts()}")
    examples = results.arrays("relevance.npz")
    count = len(examples["clips"])
    chosen = np.unique(np.linspace(0, count - 1, EXAMPLES).round().astype(int))  # spread over the classes
    classes = [name for name in results.classes if name in set(table["cls"])]
    data = shares(table, classes)
    drawing = Figure((WIDTH, 0.55 + 1.12 * len(chosen)))
    left, right = drawing.subfigures(1, 2, width_ratios=[1, 1.05], squeeze=False).ravel()
    draw_examples(left, table, examples, chosen)
    draw_shares(right.subplots(), results, data, [*classes[:MANY], "all"])
    right.legend(loc="outside upper center", ncols=3, columnspacing=1, handletextpad=0.4)
    others = [f"{results.method(row.method).label} {pct(row.value)} %" for row in data.itertuples() if row.cls == "all"]
    caption = (
        "Relevance towards the true class (attention weighted by its gradient, Chefer et al. 2021) in the middle "
        "frame, before and after the headline's noise: examples, with the share that falls on actor and prop, and the "
        f"mean share of every class. All classes: {'; '.join(others)}. {INTERVALS} {results.facts(table)}"
    )
    return Drawn(drawing, data, caption)


def shares(table: pd.DataFrame, classes: list[str]) -> pd.DataFrame:
    """Mean share of relevance on actor and prop with its interval, and of the area; a row a class and method, and rows
    of 'all' classes, where other methods stand, too."""
    beside = [method for method in BESIDE if method in set(table["method"])]
    wanted = [(name, method) for name in classes for method in SIDES]
    records = []
    for name, method in [*wanted, *(("all", method) for method in (*SIDES, *beside))]:
        rows = table[(table["method"] == method) & ((table["cls"] == name) | (name == "all"))]
        key = {"cls": name, "method": method, "n_clips": len(rows)}
        records.append(key | interval(rows["share"], rows["group"]) | {"area": rows["area"].mean()})
    return pd.DataFrame(records)


def draw_examples(panel: SubFigure, table: pd.DataFrame, examples: dict[str, np.ndarray], chosen: np.ndarray) -> None:
    """A row an example: the frame, and the relevance of the frame and of the noisy frame, with its share on actor and
    prop."""
    grid = panel.subplots(len(chosen), 3, squeeze=False)
    share = table.set_index(["clip", "method"])["share"]
    for i, example in enumerate(chosen):
        clip = examples["clips"][example]
        frame, noisy = (examples[key][example].astype(float) / 255 for key in ("frames", "noisy"))
        show(grid[i, 0], frame, "" if i else "frame")
        name = table.loc[table["clip"] == clip, "cls"]
        label = textwrap.fill(class_label(name.iloc[0]), 18) if len(name) else ""
        grid[i, 0].set_ylabel(label, fontsize=6.5)
        columns = zip(grid[i, 1:], (frame, noisy), ("before", "after"), SIDES, ("no noise", "with noise"))
        for axes, seen, key, method, title in columns:
            show(axes, overlay(seen, examples[key][example]), "" if i else title)
            if (clip, method) in share.index:
                text, at = f"{100 * share[clip, method]:.0f} %", axes.transAxes
                axes.text(0.97, 0.04, text, color="white", ha="right", transform=at, fontsize=6.5, fontweight="bold")


def overlay(frame: np.ndarray, relevance: np.ndarray) -> np.ndarray:
    """A grey frame [H, W, 3] on which relevance [H, W] glows, least to most."""
    heat = relevance - relevance.min()
    heat = (heat / max(heat.max(), 1e-9))[..., None]
    glow, grey = mpl.colormaps["inferno"](heat[..., 0])[..., :3], 0.35 + 0.5 * frame.mean(-1, keepdims=True)
    return (1 - 0.75 * heat) * grey + 0.75 * heat * glow


def draw_shares(axes: Axes, results: Results, data: pd.DataFrame, classes: list[str]) -> None:
    """A line a class from before to after; the last one, of all classes, has intervals and small marks of other
    methods."""
    for y, name in enumerate(classes):
        rows = [data[(data["cls"] == name) & (data["method"] == method)].iloc[0] for method in SIDES]
        whole = name == "all"
        axes.plot([row["value"] for row in rows], [y, y], color="#C8C8C8", lw=1.2, zorder=1)
        axes.plot(rows[0]["area"], y, "|", color=GREY, ms=7, label="share of the area" if whole else None)
        for row, method in zip(rows, SIDES):
            bars, look = error([row["low"]], [row["value"]], [row["high"]]) if whole else None, results.method(method)
            size, label = (5.5, look.label) if whole else (4, None)
            axes.errorbar(row["value"], y, xerr=bars, fmt=look.marker, color=look.colour, ms=size, lw=1.2, label=label)
    for row in data[(data["cls"] == "all") & ~data["method"].isin(SIDES)].to_dict("records"):
        look = results.method(row["method"])
        axes.plot(row["value"], len(classes) - 1, look.marker, color=look.colour, ms=3, alpha=0.6, label=look.label)
    axes.set_yticks(range(len(classes)), [*map(class_label, classes[:-1]), "all classes"])
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.axhline(len(classes) - 1.5, color=GREY, lw=0.5)
    axes.set(ylim=(len(classes) - 0.4, -0.6), xlim=(0, None), xlabel="share of relevance on actor and prop, %")
    axes.grid(axis="y", visible=False)
    percent_axis(axes.xaxis)
