"""fig08: how much of the accuracy the background alone earns, a dot a class."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluate.summaries import background_reliance
from ...masking.conditions import describe
from ...noise.protocols import HEADLINE
from ..drawing import label_points, note, percent_axis
from ..items import Drawn, figure
from ..looks import class_label
from ..results import INTERVALS, Results
from ..scores import clips_a_class
from ..selections import noise_conditions, order
from ..style import BLACK, BLUE, GREY, RED, SKY, WIDTH

MANY = 30  # classes beyond which only those that rely most on the background are drawn
ALL = "all classes"
SIDES = ("none", HEADLINE)
BESIDE = "gated"  # drawn thinner
ARROW = {"arrowstyle": "-|>,head_width=0.18,head_length=0.35", "lw": 0.9, "shrinkA": 0, "shrinkB": 0, "color": BLUE}
COLUMNS = ["cls", "method", "n_clips", "n_groups", "reliance", "reliance_low", "reliance_high", "acc", "confidence"]


@figure("fig08", "Background reliance against accuracy, a dot a class, with arrows from no noise to the headline's")
def fig08(results: Results) -> Drawn:
    noise = results.home("noise")
    hidden = noise_conditions(noise).get("hide")
    drawing = Figure((WIDTH, 4.4))
    if hidden is None:
        note(drawing.subplots(), "no region source of this profile can remove the actor")
        empty = pd.DataFrame(columns=["cls", "method", "reliance", "acc"])
        return Drawn(drawing, empty, f"Background reliance: not measured. {results.facts(noise)}")
    shown = noise[noise["method"].isin([*SIDES, BESIDE])]
    data = measured(shown, hidden, results.classes)
    axes = drawing.subplots()
    draw(axes, results, data, describe(hidden))
    drawing.legend(*axes.get_legend_handles_labels(), loc="outside lower right", ncols=4)
    counts = data.loc[data["cls"] != ALL, "n_clips"]
    caption = (
        "Background reliance (what accuracy is left with actor and prop gone) against accuracy; arrows run from no "
        f"noise to the headline ({results.method(HEADLINE).label}), thin lines to {results.method(BESIDE).label}. "
        f"Up and to the left is better; dotted: chance. {INTERVALS} {results.facts(shown)} {clips_a_class(counts)}"
    )
    return Drawn(drawing, data, caption)


def measured(rows: pd.DataFrame, hidden: str, classes: list[str]) -> pd.DataFrame:
    """Reliance and accuracy of each class and of all, a row a method."""
    whole = background_reliance(rows, hidden, by="method").assign(cls=ALL)
    data = pd.concat([background_reliance(rows, hidden, by=("cls", "method")), whole], ignore_index=True)
    return order(data, cls=classes, method=[*SIDES, BESIDE])[COLUMNS]


def draw(axes: Axes, results: Results, data: pd.DataFrame, hidden: str) -> None:
    chance = 1 / len(results.classes)
    spot = data.pivot(index="cls", columns="method", values=["reliance", "acc"])
    moves = spot.loc[[name for name in results.classes if name in spot.index]]
    if len(moves) > MANY:
        moves = moves.loc[moves["reliance"]["none"].nlargest(MANY).index]
    start, end, other = (np.column_stack([moves["reliance"][m], moves["acc"][m]]) for m in (*SIDES, BESIDE))
    axes.plot([0, 1], [0, 1], color="#D8D8D8", lw=0.8, zorder=0)
    axes.axvline(chance, color=GREY, lw=0.8, ls=":")
    axes.axhline(chance, color=GREY, lw=0.8, ls=":")
    for a, b, c in zip(start, end, other):
        axes.plot(*zip(a, c), color=SKY, lw=0.5, zorder=1.5)
        axes.annotate("", b, a, arrowprops=ARROW)
    axes.plot(*other.T, "D", color=SKY, ms=2.2, ls="", zorder=1.5)
    axes.plot(*start.T, results.method("none").marker, color=BLACK, ms=4, label="a class, no noise", ls="")
    whole = spot.loc[ALL].unstack()
    a, b, c = (whole[m][["reliance", "acc"]].to_numpy(float) for m in (*SIDES, BESIDE))
    axes.plot(*zip(a, c), color=RED, lw=0.8)
    axes.plot(*c, "D", color=RED, ms=3)
    axes.annotate("", b, a, arrowprops=ARROW | {"lw": 2, "color": RED})
    axes.plot(*a, "o", color=RED, ms=6, label=ALL)
    axes.set(xlabel=f"background reliance: accuracy with {hidden}, %", ylabel="accuracy, unmasked, %")
    drawn = np.concatenate([start, end, other])
    low, high = drawn.min(0), drawn.max(0)
    axes.set_xlim(max(min(low[0], chance) - 0.05, -0.02), min(high[0] + 0.12, 1.06))
    axes.set_ylim(low[1] - 0.06, min(high[1] + 0.06, 1.04))
    percent_axis(axes.xaxis)
    percent_axis(axes.yaxis)
    tails, heads = np.vstack([start, a]), np.vstack([end, b])
    busy = np.concatenate([tails + k * (heads - tails) for k in np.linspace(0, 1, 9)])
    together: dict[tuple, list[str]] = {}  # classes at one point share a label
    for name, at in zip(moves.index, start.round(3).tolist()):
        together.setdefault(tuple(at), []).append(class_label(name))
    label_points(axes, np.array(list(together)), ["\n".join(names) for names in together.values()], busy)
    axes.plot([], [], color=BLUE, marker=">", ms=4, lw=0.9, label=f"to {results.method(HEADLINE).label}")
    axes.plot([], [], color=SKY, marker="D", ms=2.2, lw=0.5, label=f"to {results.method(BESIDE).label}")
    axes.text(chance, axes.get_ylim()[0], " chance", ha="left", va="bottom", color=GREY, fontsize=6.5)
