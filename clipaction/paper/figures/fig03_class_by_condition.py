"""fig03: which class loses how much under which condition."""

from __future__ import annotations

import textwrap

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluate.predictions import correct
from ...masking.conditions import Condition, parse
from ..drawing import percent_axis
from ..items import Drawn, figure
from ..looks import class_label
from ..results import Results
from ..scores import clips_a_class
from ..style import BLACK, RED, WIDTH
from ..typeset import NOTHING

MANY = 30  # classes beyond which only those that lose most are drawn
KINDS = ("shape", "hide", "keep")
ALL = "all classes"


@figure("fig03", "Class × condition: the drop of accuracy")
def fig03(results: Results) -> Drawn:
    masking, bias = results.home("masking"), results.table("bias.parquet")
    chosen, middle = conditions_shown(masking)
    data = changes(masking, results.classes, chosen)
    change = data.pivot(index="cls", columns="condition", values="change")
    change = change.loc[data["cls"].unique(), [c.name for c in chosen]]
    counts = masking[masking["condition"] == "none"].groupby("cls").size()
    if many := len(change) - 1 > MANY:
        change = change.loc[[*change.drop(ALL).mean(axis=1).nsmallest(MANY).index, ALL]]
    drawing = Figure((WIDTH, 1.9 + 0.19 * len(change)))
    axes = drawing.subplots()
    image = draw_map(axes, change, chosen, middle)
    if len(bias):
        answers = bias.set_index("cls").reindex(change.index[:-1])
        draw_answers(axes, answers, len(chosen) - 0.3)
        rows = answers.reset_index()[["cls", "into", "into_share", "n_clips"]].fillna({"n_clips": 0})
        data = pd.concat([data, rows.astype({"n_clips": int}).assign(condition="actor gone")])
    bar = drawing.colorbar(image, ax=axes, fraction=0.03, pad=0.01, label="change of accuracy, points")
    percent_axis(bar.ax.yaxis)
    few = f" The {MANY} classes that lose most; all are in the csv." if many else ""
    last = (
        " Right: each class's commonest answer with actor and prop gone, and its share; "
        "red: the place alone still gives it away."
    )
    caption = (
        "Change of accuracy of each class under each condition against the same clips unmasked, in points."
        f"{few}{last if len(bias) else ''} {results.left_out()}{results.facts(masking)} {clips_a_class(counts)}"
    )
    return Drawn(drawing, data, caption)


def conditions_shown(masking: pd.DataFrame) -> tuple[list[Condition], float | None]:
    """The columns of the map, and the percentage of its shapes: the middle one of those that the rows have."""
    named = [c for c in map(parse, masking["condition"].unique()) if c.kind != "none" and not c.fill]
    percents = sorted({c.percent for c in named if c.kind == "shape"})
    middle = percents[len(percents) // 2] if percents else None
    sources = [c.source for c in named if c.kind in ("hide", "keep")]

    def wanted(c: Condition) -> bool:
        if c.kind == "shape":
            return (c.percent, c.placement, c.motion) == (middle, "centre", "still")
        usual = c.grain == ("box" if c.kind == "hide" else "silhouette") or (c.grain == "plate" and "actor" in c.part)
        return usual and not c.control and c.source in (*sources[:1], "relevance")

    chosen = sorted(filter(wanted, named), key=lambda c: (KINDS.index(c.kind), c.grain == "plate"))
    return chosen, middle


def changes(masking: pd.DataFrame, classes: list[str], chosen: list[Condition]) -> pd.DataFrame:
    """Accuracy minus that of the same clips unmasked, in columns cls, condition, change, n_clips: for each condition a
    row a class, and one for all. NaN where a class has no clip."""
    rows, tables = masking.assign(right=correct(masking)), []
    whole = rows[rows["condition"] == "none"]
    order = pd.Index([*(name for name in classes if name in set(whole["cls"])), ALL], name="cls")
    for name in (c.name for c in chosen):
        masked = rows[rows["condition"] == name]
        same = whole[whole["clip"].isin(masked["clip"])]  # not all, where a region cannot be right
        after, before = (pd.concat([side, side.assign(cls=ALL)]).groupby("cls")["right"] for side in (masked, same))
        table = pd.DataFrame({"change": after.mean() - before.mean(), "n_clips": after.size()}).reindex(order)
        tables.append(table.fillna({"n_clips": 0}).astype({"n_clips": int}).assign(condition=name).reset_index())
    return pd.concat(tables)[["cls", "condition", "change", "n_clips"]]


def draw_map(axes: Axes, change: pd.DataFrame, chosen: list[Condition], middle: float | None):
    """The heat map with its numbers; returns the image, for the colour bar."""
    values = change.to_numpy()
    limit = max(0.1, np.nanmax(np.abs(values)))
    image = axes.imshow(change, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    for (i, j), value in np.ndenumerate(values):
        text = f"{100 * value:+.0f}".replace("-", "−") if abs(value) >= 0.005 else "0"
        text = NOTHING if np.isnan(value) else text
        ink = "white" if abs(value) > 0.62 * limit else BLACK
        axes.text(j, i, text, ha="center", va="center", fontsize=5.5 if len(text) < 4 else 4.4, color=ink)
    axes.set_xticks(range(len(chosen)), map(column_label, chosen), rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(change)), [class_label(name) for name in change.index])
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.axhline(len(change) - 1.5, color="white", lw=2)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    shapes = "" if middle is None else f"black shapes, {middle:g} % of the frame"
    for kind, label in zip(KINDS, (shapes, "feature hidden", "isolation: only this is left")):
        places = [j for j, c in enumerate(chosen) if c.kind == kind]
        if places:
            left, wrapped = places[0] - 0.5, textwrap.fill(label, max(10, int(2.7 * len(places))))
            axes.text(left, -0.75, wrapped, va="bottom", fontweight="bold", fontsize=7)
            axes.axvline(left, color="white", lw=3)
    return image


def column_label(c: Condition) -> str:
    if c.kind == "shape":
        return c.shape
    return c.part.replace("+", " + ") + (f", {c.grain}" if c.kind == "hide" else "")


def draw_answers(axes: Axes, answers: pd.DataFrame, x: float) -> None:
    """Beside the map: what each class is taken for when actor and prop are gone; nothing where it has no clip."""
    axes.text(x, -0.75, "actor gone:\nthe answer is", va="bottom", fontweight="bold", fontsize=7)
    for i, row in enumerate(answers.itertuples()):
        itself, text = row.into == row.Index, NOTHING
        if row.n_clips > 0:  # not NaN: all its regions may be doubted
            text = f"{'still itself' if itself else class_label(row.into)}, {100 * row.into_share:.0f} %"
        axes.text(x, i, text, va="center", fontsize=5.5, color=RED if itself else BLACK)
