"""Training curves, also while they grow."""

from __future__ import annotations

import time
from io import BytesIO
from threading import Lock

import pandas as pd
from IPython.display import Image, Markdown, display
from matplotlib.figure import Figure


def curves(table: pd.DataFrame) -> Figure:
    """Cross-entropy on training views (a running mean) and on validation clips, of each variant."""
    figure = Figure(figsize=(8, 3), layout="constrained")
    axes = figure.subplots(1, 2)
    table = table if "ce" in table else table.assign(ce=float("nan"))  # a loss may go without it
    for name, rows in table.groupby("variant"):
        line = axes[0].plot(rows["step"], rows["ce"].rolling(15, min_periods=1).mean(), lw=1.3, label=name)[0]
        val = rows.dropna(subset="val") if "val" in rows else rows.head(0).assign(val=[])
        axes[1].plot(val["step"], -val["val"], "o-", ms=3, color=line.get_color())
    axes[0].set(xlabel="step", ylabel="cross-entropy (training views)")
    axes[1].set(xlabel="step", ylabel="cross-entropy (validation clips)")
    figure.legend(loc="outside lower center", ncols=4, frameon=False, fontsize=8)
    return figure


class LiveCurves:
    """The curves of trainings that run side by side, drawn in the notebook while they grow: `watch=LiveCurves()`,
    then `show`."""

    def __init__(self, pause: float = 15.0):
        self.rows: dict[str, list[dict]] = {}
        self.pause, self.drawn, self.lock = pause, time.monotonic(), Lock()
        self.handle = display(Markdown("*the curves appear after a few seconds*"), display_id=True)

    def __call__(self, variant: str, rows: list[dict]) -> None:
        with self.lock:  # trainings run in threads
            self.rows[variant] = rows
            if time.monotonic() - self.drawn > self.pause:
                self.show(pd.concat([pd.DataFrame(rows).assign(variant=name) for name, rows in self.rows.items()]))
                self.drawn = time.monotonic()

    def show(self, table: pd.DataFrame) -> None:
        png = BytesIO()  # not the figure itself: a notebook draws that only when pyplot makes the next one
        curves(table).savefig(png, format="png", dpi=100)
        if self.handle is not None:  # None outside a notebook
            self.handle.update(Image(png.getvalue()))
