"""fig04: which classes zero-shot CLIP confuses, and how often its answer depends on the frame or the prompt."""

from __future__ import annotations

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from ...evaluate.summaries import confusion
from ..drawing import error, percent_axis
from ..items import Drawn, figure
from ..looks import SCENE_LABELS, SCENES, class_label
from ..results import INTERVALS, Results
from ..scores import interval
from ..selections import scopes
from ..style import BLACK, WIDTH

MANY = 30  # classes beyond which the confusion matrix has no numbers and no names
MEASURES = {
    "disagree_frames": "frames that disagree\nwith their clip",
    "template_agreement": "prompt templates\nthat disagree",
    "offset_agreement": "frame offsets\nthat disagree",
}


@figure("fig04", "Confusion and instability")
def fig04(results: Results) -> Drawn:
    home, classes = results.home("zero_shot"), results.classes
    counts = confusion(home, len(classes))
    true, predicted = np.divmod(np.arange(len(classes) ** 2), len(classes))
    words = np.array(classes)
    cells = {"panel": "confusion", "cls": words[true], "predicted": words[predicted], "n_clips": counts.ravel()}
    instability = measured(results, home)
    drawing = Figure((WIDTH, 3.9))
    left, right = drawing.subplots(1, 2, width_ratios=[1.55, 1])
    draw_confusion(left, counts, classes)
    draw_instability(right, instability)
    caption = (
        "Zero shot. a: confusion, coloured by the share of the true class. b: share of a clip's frames whose answer "
        "is not the clip's; share of prompt templates that disagree with the templates' own majority; clips for which "
        f"the even and the odd frames give different answers. {INTERVALS} {results.facts(home)}"
    )
    return Drawn(drawing, pd.concat([pd.DataFrame(cells), instability]), caption)


def measured(results: Results, home: pd.DataFrame) -> pd.DataFrame:
    """Each measure of instability, of all clips and of each kind of scene, with its interval."""
    unstable, records = results.table("instability.parquet"), []
    for _, scene, rows in scopes(results, home, None):
        mine = unstable[unstable["clip"].isin(rows["clip"])]
        for name in MEASURES:
            share = mine[name] if name.startswith("disagree") else 1 - mine[name]
            key = {"panel": "instability", "scene": scene, "measure": name, "n_clips": len(mine)}
            records.append(key | interval(share, mine["group"]))
    return pd.DataFrame(records)


def draw_confusion(axes: Axes, counts: np.ndarray, classes: list[str]) -> None:
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    axes.imshow(share, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    if len(classes) <= MANY:
        for i, j in np.argwhere(counts):
            ink = "white" if share[i, j] > 0.55 else BLACK
            axes.text(j, i, counts[i, j], ha="center", va="center", fontsize=5.5, color=ink)
        places, labels = range(len(classes)), [class_label(name) for name in classes]
        axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=6)
        axes.set_yticks(places, labels, fontsize=6)
    axes.set(title="a  Confusion, clips (rows: true class)", xlabel="answer")
    axes.grid(False)
    axes.tick_params(length=0)


def draw_instability(axes: Axes, table: pd.DataFrame) -> None:
    scenes = list(dict.fromkeys(table["scene"]))
    for k, scene in enumerate(scenes):
        rows, (colour, marker) = table[table["scene"] == scene], SCENES[scene]
        y = np.arange(len(rows)) + 0.16 * (k - (len(scenes) - 1) / 2)
        bars = error(rows["low"], rows["value"], rows["high"])
        label = SCENE_LABELS[scene]
        axes.errorbar(rows["value"], y, xerr=bars, fmt=marker, color=colour, lw=1, ms=4, label=label)
    axes.set_yticks(range(len(MEASURES)), MEASURES.values())
    axes.invert_yaxis()
    axes.set(title="b  Instability", xlabel="share, %", xlim=(0, None))
    axes.grid(axis="y", visible=False)
    percent_axis(axes.xaxis)
    if len(scenes) > 1:
        axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
