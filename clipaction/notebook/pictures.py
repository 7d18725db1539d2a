"""Pictures of frames, masks and noises for the notebooks: plain functions that draw on Matplotlib and return the
figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..analysis.doubtful import region_of
from ..base.files import replacing
from ..masking.conditions import describe
from ..study import Study
from ..vision.clip import to_input
from ..vision.zero_shot import zero_shot


@dataclass(frozen=True)
class Gallery:
    """One clip's frame under several conditions: names [K] and images uint8 [K, S, S, 3]."""

    names: list[str]
    images: np.ndarray


def tiles(
    images: Sequence | np.ndarray,
    titles: Sequence[str] | None = None,
    columns: int = 8,
    side: float = 1.35,
    size: float = 7,
) -> Figure:
    """Images in a grid without axes, titles above them. side: of an image, inches; size: of the titles, points."""
    rows = -(-len(images) // columns)
    shape = (columns * side, rows * (side + (0.28 if titles is not None else 0)))
    figure, axes = plt.subplots(rows, columns, figsize=shape, layout="constrained", squeeze=False)
    for k, axis in enumerate(axes.flat):
        axis.axis("off")
        if k < len(images):
            axis.imshow(images[k], interpolation="nearest")
            if titles is not None:
                axis.set_title(titles[k], fontsize=size, pad=2, parse_math=False)
    return figure


def contact_sheet(study: Study, meta: pd.DataFrame, per_class: int = 1, columns: int = 3) -> Figure:
    """`per_class` clips a class, each as a film strip of its frames, left to right in time."""
    chosen = meta.groupby("cls", sort=False).head(per_class)
    strips = [np.concatenate(list(frames), axis=1) for frames in study.store.get(chosen["row"])]
    titles = [f"{cls}{f' · {scene} scene' if scene else ''}" for cls, scene in zip(chosen["cls"], chosen["scene"])]
    rows, wide = -(-len(strips) // columns), strips[0].shape[1] / strips[0].shape[0]
    size = (columns * wide * 0.85, rows * 1.05)
    figure, axes = plt.subplots(rows, columns, figsize=size, layout="constrained", squeeze=False)
    for axis in axes.flat:
        axis.axis("off")
    for axis, strip, title in zip(axes.flat, strips, titles):
        axis.imshow(strip)
        axis.set_title(title, fontsize=7, pad=2, parse_math=False)
    return figure


def example_clip(meta: pd.DataFrame) -> pd.DataFrame:
    """One clip to show masks on, as a one-row table: the first in its usual scene, or the first."""
    usual = meta[meta["scene"] == "usual"]
    return (usual if len(usual) else meta).head(1)


def frames_under(study: Study, clip: pd.DataFrame, condition: str) -> np.ndarray:
    """All frames uint8 [T, S, S, 3] of one clip (a one-row table) under a condition."""
    return next(iter(study.masked(clip, condition)))[0]


def gallery(study: Study, clip: pd.DataFrame, names: list[str], frame: int | None = None) -> Gallery:
    """One clip (a one-row table) under several conditions; its middle frame, or the one that is named."""
    frame = study.profile.frames // 2 if frame is None else frame
    return Gallery(names, np.stack([frames_under(study, clip, name)[frame] for name in names]))


def save_gallery(study: Study, name: str, pictures: Gallery) -> None:
    """Keep a gallery as results/<profile>/masks/<name>.npz, for the figures."""
    with replacing(study.results / "masks" / f"{name}.npz") as temporary:
        np.savez_compressed(temporary, names=np.array(pictures.names), images=pictures.images)


def show(pictures: Gallery, columns: int = 8) -> Figure:
    titles = [describe(name).replace(" (", "\n(").replace(": ", ":\n") for name in pictures.names]
    return tiles(pictures.images, titles, columns)


def flipped(study: Study, meta: pd.DataFrame, found: pd.DataFrame, count: int = 3) -> Figure:
    """Clips whose answer one hidden thing flips (rows of `analysis.bias.flips`): whole, control, hidden, with CLIP's
    answers."""
    images: list[np.ndarray] = []
    titles: list[str] = []
    for row in found.head(count).itertuples():
        clip = meta[meta["clip"] == row.clip]
        images += list(gallery(study, clip, ["none", f"control:{row.condition}", row.condition]).images)
        answer = f"{describe(row.condition)}:\n{study.classes[row.pred]} ({row.p_pred:.0%} sure)"
        titles += [f"{row.cls}: right", "same mask elsewhere: right", answer]
    return tiles(images, titles, columns=3, side=2.0, size=8) if images else plt.figure(figsize=(4, 0.3))


def doubted(study: Study, checks: pd.DataFrame, count: int = 8) -> Figure:
    """Middle frames of clips whose region cannot be right (rows of `analysis.doubtful.check_regions`), the region in
    orange; at most `count` a source."""
    rows = checks[checks["doubt"] != ""].groupby("source", sort=False).head(count)
    images, middle = [], study.profile.frames // 2
    for row in rows.itertuples():
        mask = region_of(study, row.row, row.source, row.part)[middle, ..., None].numpy()
        frame, orange = study.store.frames[row.row][middle] / 255, np.array([0.9, 0.5, 0])
        images.append(frame * (1 - 0.6 * mask) + orange * 0.6 * mask)
    titles = [f"{row.clip.rpartition('/')[2]}\n{row.source}: {row.doubt}" for row in rows.itertuples()]
    return tiles(images, titles, columns=3, side=2.2, size=6.5) if images else plt.figure(figsize=(4, 0.3))


def noises(delta: torch.Tensor, classes: Sequence[str], eps: float | None = None) -> Figure:
    """Each class's noise around mid-grey; full contrast is eps (the largest amplitude when None)."""
    eps = float(delta.abs().max()) if eps is None else eps
    images = (0.5 + delta.permute(0, 2, 3, 1).cpu().numpy() / (2 * max(eps, 1e-8))).clip(0, 1)
    figure = tiles(images, list(classes)[: len(delta)], columns=6, side=1.5, size=8)
    figure.suptitle(f"learned noise, full contrast = {255 * eps:.0f}/255", fontsize=9)
    return figure


def rectangle(box: np.ndarray) -> tuple[int, int, int, int] | None:
    """Left, top, width and height of a box [S, S], 0 or 1, in pixels; None where it is empty."""
    v, u = np.flatnonzero(box.any(1)), np.flatnonzero(box.any(0))
    return (int(u[0]), int(v[0]), len(u), len(v)) if len(v) else None


def outlines(axes: Axes, boxes: np.ndarray) -> None:
    """The box [T, S, S] of each frame of a film strip, as a faint line; none where it is empty."""
    for t, found in enumerate(map(rectangle, boxes > 0.5)):
        if found:
            left, top, width, height = found
            corner = t * boxes.shape[2] + left - 0.5, top - 0.5
            axes.add_patch(Rectangle(corner, width, height, fill=False, ec="white", lw=0.8, alpha=0.6))


def judged(study: Study, frames: np.ndarray, title: str, boxes: np.ndarray | None = None) -> Figure:
    """Frames uint8 [T, S, S, 3] of one clip above CLIP's five likeliest classes, as bars. boxes: [T, S, S], outlined on
    the picture; CLIP does not see the lines."""
    scores = zero_shot(study.clip, study.head(), to_input(frames)[None])[0][0].cpu()
    p = (scores / study.clip.tau).softmax(0)
    top = p.topk(min(5, len(p)))
    figure, (strip, bars) = plt.subplots(2, 1, figsize=(7, 3.6), height_ratios=[3, 2], layout="constrained")
    strip.imshow(np.concatenate(list(frames), axis=1))
    strip.axis("off")
    strip.set_title(title, fontsize=9, parse_math=False)
    if boxes is not None:
        outlines(strip, boxes)
    names = [study.classes[i] for i in top.indices]
    bars.barh(names[::-1], top.values.numpy()[::-1], color="#4477AA")
    bars.set(xlim=(0, 1), xlabel="probability")
    return figure


def draw_masked(study: Study, clip_id: str, condition: str) -> Figure:
    """A clip under a condition, and CLIP's answer: all that the mask explorer does."""
    clip = study.meta[study.meta["clip"] == clip_id]
    title = f"{clip['cls'].iloc[0]} · {describe(condition)}"
    return judged(study, frames_under(study, clip, condition), title)
