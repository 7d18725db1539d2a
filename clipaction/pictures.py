"""Pictures of frames, masks and noises for the notebooks: plain functions that draw on Matplotlib and return the figure."""

from __future__ import annotations

import time
from dataclasses import dataclass
from io import BytesIO
from threading import Lock

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from IPython.display import Image, Markdown, display
from matplotlib.figure import Figure

from . import conditions
from .clip import to_input
from .noise import plain
from .study import Study


@dataclass(frozen=True)
class Gallery:
    """One clip's frame under several conditions: names [K] and images uint8 [K, S, S, 3]."""

    names: list[str]
    images: np.ndarray


def tiles(images, titles=None, columns: int = 8, side: float = 1.35, size: float = 7) -> Figure:
    """Images in a grid without axes; titles above them."""
    rows = -(-len(images) // columns)
    figure, axes = plt.subplots(rows, columns, figsize=(columns * side, rows * (side + (0.28 if titles is not None else 0))), layout="constrained", squeeze=False)
    for k, axis in enumerate(axes.flat):
        axis.axis("off")
        if k < len(images):
            axis.imshow(images[k], interpolation="nearest")
            if titles is not None:
                axis.set_title(titles[k], fontsize=size, pad=2)
    return figure


def contact_sheet(study: Study, meta: pd.DataFrame, per_class: int = 1, columns: int = 3) -> Figure:
    """`per_class` clips a class, each as a film strip of its frames, left to right in time."""
    chosen = meta.groupby("cls", sort=False).head(per_class)
    strips = [np.concatenate(list(frames), axis=1) for frames in study.store.get(chosen["row"])]
    titles = [f"{cls}{f' · {scene} scene' if scene else ''}" for cls, scene in zip(chosen["cls"], chosen["scene"])]
    rows, wide = -(-len(strips) // columns), strips[0].shape[1] / strips[0].shape[0]
    figure, axes = plt.subplots(rows, columns, figsize=(columns * wide * 0.85, rows * 1.05), layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, strip, title in zip(axes.flat, strips, titles):
        axis.imshow(strip)
        axis.set_title(title, fontsize=7, pad=2)
    return figure


def example_clip(meta: pd.DataFrame) -> pd.DataFrame:
    """One clip to show masks on, as a one-row table: the first whose scene is its own, or the first."""
    usual = meta[meta["scene"] == "usual"]
    return (usual if len(usual) else meta).head(1)


def masked(study: Study, clip: pd.DataFrame, names: list[str], frame: int | None = None) -> Gallery:
    """One clip (a one-row table) under several conditions; its middle frame, or the one named."""
    frame = study.profile.frames // 2 if frame is None else frame
    return Gallery(names, np.stack([frames_under(study, clip, name)[frame] for name in names]))


def frames_under(study: Study, clip: pd.DataFrame, condition: str) -> np.ndarray:
    """All frames [T, S, S, 3] of one clip (a one-row table) under a named condition."""
    return next(iter(study.masked(clip, condition)))[0]


def show(gallery: Gallery, columns: int = 8) -> Figure:
    return tiles(gallery.images, [conditions.describe(name).replace(" (", "\n(").replace(": ", ":\n") for name in gallery.names], columns)


def flips(study: Study, meta: pd.DataFrame, found: pd.DataFrame, count: int = 3) -> Figure:
    """Clips whose answer one hidden thing flips (rows of `experiments.flips`): whole, control, hidden, with the model's answers."""
    images, titles = [], []
    for row in found.head(count).itertuples():
        clip = meta[meta["clip"] == row.clip]
        images += list(masked(study, clip, ["none", f"control:{row.condition}", row.condition]).images)
        titles += [f"{row.cls}: right", "same mask elsewhere: right", f"{conditions.describe(row.condition)}:\n{study.classes[row.pred]} ({row.p_pred:.0%} sure)"]
    return tiles(images, titles, columns=3, side=2.0, size=8) if images else plt.figure(figsize=(4, 0.3))


def noises(delta: torch.Tensor, classes, eps: float | None = None) -> Figure:
    """Each class's noise around mid-grey, stretched so that eps (the largest amplitude when None) is full contrast."""
    eps = float(delta.abs().max()) if eps is None else eps
    images = (0.5 + delta.permute(0, 2, 3, 1).cpu().numpy() / (2 * max(eps, 1e-8))).clip(0, 1)
    figure = tiles(images, list(classes)[: len(delta)], columns=6, side=1.5, size=8)
    figure.suptitle(f"learned noise, full contrast = {255 * eps:.0f}/255", fontsize=9)
    return figure


class LiveCurves:
    """The curves of trainings that run side by side, drawn in the notebook as they grow: `watch=LiveCurves()`, and `show` when they are done."""

    def __init__(self, pause: float = 10.0):
        self.rows, self.pause, self.drawn, self.lock = {}, pause, time.monotonic(), Lock()
        self.handle = display(Markdown("*the curves appear as soon as there is something to see*"), display_id=True)

    def __call__(self, variant: str, rows: list[dict]) -> None:
        with self.lock:  # trainings run in threads
            self.rows[variant] = rows
            if time.monotonic() - self.drawn > self.pause:
                self.show(pd.concat([pd.DataFrame(rows).assign(variant=name) for name, rows in self.rows.items()]))
                self.drawn = time.monotonic()

    def show(self, table: pd.DataFrame) -> None:
        png = BytesIO()  # and not the figure: a notebook draws it only once pyplot has made another
        curves(table).savefig(png, format="png", dpi=100)
        self.handle.update(Image(png.getvalue()))


def curves(table: pd.DataFrame) -> Figure:
    """Training loss (thin: every step; thick: running mean) and validation score of each variant."""
    figure = Figure(figsize=(8, 2.6), layout="constrained")
    axes = figure.subplots(1, 2)
    for name, rows in table.groupby("variant"):
        line = axes[0].plot(rows["step"], rows["ce"].rolling(15, min_periods=1).mean(), label=name)[0]
        axes[0].plot(rows["step"], rows["ce"], color=line.get_color(), alpha=0.2, lw=0.6)
        val = rows.dropna(subset="val") if "val" in rows else rows.head(0).assign(val=[])
        axes[1].plot(val["step"], -val["val"], "o-", ms=3, color=line.get_color())
    axes[0].set(xlabel="step", ylabel="cross-entropy (training views)")
    axes[1].set(xlabel="step", ylabel="cross-entropy (validation clips)")
    axes[0].legend(frameon=False, fontsize=8)
    return figure


def judged(study: Study, frames: np.ndarray, title: str) -> Figure:
    """Frames [T, S, S, 3] of one clip above the model's five likeliest classes, as bars."""
    scores = plain(study.clip, study.head(), to_input(frames)[None])[0][0].cpu()
    p = (scores / study.clip.tau).softmax(0)
    top = p.topk(min(5, len(p)))
    figure, (strip, bars) = plt.subplots(2, 1, figsize=(7, 3.6), height_ratios=[3, 2], layout="constrained")
    strip.imshow(np.concatenate(list(frames), axis=1))
    strip.axis("off")
    strip.set_title(title, fontsize=9)
    names = [study.classes[i] for i in top.indices]
    bars.barh(names[::-1], top.values.numpy()[::-1], color="#4477AA")
    bars.set(xlim=(0, 1), xlabel="probability")
    return figure


def draw_masked(study: Study, clip_id: str, condition: str) -> Figure:
    """A clip under a named condition, and what CLIP makes of it: all that the mask explorer does."""
    clip = study.meta[study.meta["clip"] == clip_id]
    return judged(study, frames_under(study, clip, condition), f"{clip['cls'].iloc[0]} · {conditions.describe(condition)}")
