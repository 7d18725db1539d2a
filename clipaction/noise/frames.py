"""Training frames, with what is needed to swap their scenes and to mask them."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import torch
from scipy import ndimage

from ..base.arrays import Rows, on_disk
from ..masking import regions
from ..masking.regions.geometry import box
from ..masking.regions.truth import coverage_of


class TrainingFrames:
    """Frames with what is needed to swap scenes and to mask: uint8 frames [N, S, S, 3] (an array, or rows of the frame
    store), labels [N], the clip of each frame (ids; every clip has the same number of frames, one after the other).
    Where regions are known, the coverage of actor and prop uint8 [N, S, S] (region) and the scenes without them uint8
    [N, S, S, 3] (plates). anchor: where the action is by a label-free region source, uint8 [N, S, S], for anchored
    noise."""

    def __init__(
        self,
        frames: np.ndarray | Rows,
        labels: np.ndarray,
        ids: list[str],
        region: np.ndarray | None = None,
        plates: np.ndarray | None = None,
        anchor: np.ndarray | None = None,
    ):
        self.frames, self.labels, self.ids, self.region, self.plates = frames, np.asarray(labels), ids, region, plates
        self.anchor = anchor

    @property
    def length(self) -> int:
        """Frames a clip."""
        return len(self.ids) // max(len(set(self.ids)), 1)

    @property
    def clip_labels(self) -> np.ndarray:
        """The label of each clip [number of clips]."""
        return self.labels[:: self.length]

    def clips_a_class(self) -> int:
        """The most clips that any class has."""
        ids = np.asarray(self.ids)
        return max(len(set(ids[self.labels == c])) for c in np.unique(self.labels))

    def fewer(self, clips: int) -> TrainingFrames:
        """The frames of the first `clips` clips of every class. Scenes are then swapped among these frames only."""
        ids, chosen = np.asarray(self.ids), []
        for c in np.unique(self.labels):
            chosen += list(dict.fromkeys(ids[self.labels == c]))[:clips]
        return self.at(np.flatnonzero(np.isin(ids, chosen)))

    def of_classes(self, classes: int) -> TrainingFrames:
        """The frames of the first `classes` classes only."""
        return self.at(np.flatnonzero(self.labels < classes))

    def at(self, index: np.ndarray) -> TrainingFrames:
        """The frames at `index` only."""
        arrays = [None if a is None else a[index] for a in (self.region, self.plates, self.anchor)]
        return TrainingFrames(Rows(self.frames, index), self.labels[index], [self.ids[i] for i in index], *arrays)

    def view(self, index: np.ndarray, rng: np.random.Generator, swap: float, mask: float) -> torch.Tensor:
        """Frames [B, 3, S, S] in [0, 1]: each gets another frame's scene with probability `swap`, a black box of 5 to
        50 % of the frame with probability `mask`; the batch is mirrored half of the time."""
        return self.anchored_view(index, rng, swap, mask)[0]

    def anchored_view(
        self, index: np.ndarray, rng: np.random.Generator, swap: float, mask: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """The same frames, and m [B, S, S] in [0, 1]: the box of what is left of their anchor behind the black box."""
        x, m = self._compose(np.asarray(index)[:, None], rng, swap, mask)
        return x[:, 0], box(m[:, 0])

    def clip_view(self, clips: np.ndarray, rng: np.random.Generator, swap: float, mask: float) -> torch.Tensor:
        """Whole clips [B, T, 3, S, S] in [0, 1], `clips` their numbers: one scene and one black box a clip."""
        rows = np.asarray(clips)[:, None] * self.length + np.arange(self.length)
        return self._compose(rows, rng, swap, mask)[0]

    def _compose(
        self, rows: np.ndarray, rng: np.random.Generator, swap: float, mask: float
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Views [B, T, 3, S, S] of the frames at rows [B, T], and what is left of their anchors [B, T, S, S]."""
        x, frames = unit(self.frames[rows]), rows.shape[1]
        m = torch.zeros(x.shape[:-1]) if self.anchor is None else unit(self.anchor[rows])
        if self.region is not None:
            scenes: np.ndarray | Rows = self.frames if self.plates is None else self.plates
            moved = np.flatnonzero(rng.random(len(rows)) < swap)
            first = frames * rng.integers(len(scenes) // frames, size=len(moved))
            scene, cover = unit(scenes[first[:, None] + np.arange(frames)]), unit(self.region[rows[moved]])
            x[moved] = torch.lerp(scene, x[moved], cover[..., None])
        size = x.shape[2]
        for i in np.flatnonzero(rng.random(len(rows)) < mask):
            side = np.sqrt(rng.uniform(0.05, 0.5))
            sides = size * side * np.exp(rng.uniform(-0.4, 0.4) * np.array([1, -1]))
            h, w = np.clip(np.round(sides).astype(int), 1, size)
            v, u = rng.integers(0, size - h + 1), rng.integers(0, size - w + 1)
            x[i, :, v : v + h, u : u + w] = m[i, :, v : v + h, u : u + w] = 0
        if rng.random() < 0.5:
            x, m = x.flip(3), m.flip(3)
        return x.permute(0, 1, 4, 2, 3), m

    def without_actor(self, index: np.ndarray) -> torch.Tensor:
        """The same frames [B, 3, S, S] without their actor: the clean plate, or the region in black."""
        if self.plates is not None:
            x = unit(self.plates[index])
        else:
            assert self.region is not None
            x = unit(self.frames[index]) * (1 - unit(self.region[index])[..., None])
        return x.permute(0, 3, 1, 2)


def region_source(study) -> str:
    """The region source that training takes actor and prop from: 'truth' where there is one, else the profile's
    first other one that finds them; '' if none does."""
    if study.store.parts is not None:
        return "truth"
    others = [name for name in study.profile.regions.sources if name != "truth"]
    return next((name for name in others if regions.gives(name, "actor+prop")), "")


def training_frames(study, meta: pd.DataFrame, source: str | None = None) -> TrainingFrames:
    """Every frame of the clips of `meta`, with regions of actor and prop and scenes without them.

    source: the region source that finds them; that of `region_source` when None. With 'truth' masks and scenes are
    exact. With another, a clip's scene is what its other frames show behind the region (`scene_behind`). With ''
    nothing is known of regions, and scenes are not swapped."""
    rows, store, at = meta["row"].to_numpy(), study.store, study.profile.noise.anchor
    source = region_source(study) if source is None else source
    repeat = store.frames.shape[1]
    labels, ids = meta["label"].to_numpy().repeat(repeat), meta["clip"].repeat(repeat).tolist()
    frames, anchor = Rows(store.frames, rows), found_regions(study, rows, at)
    region, plates = None, None
    if source == "truth":
        region = on_disk(anchor.shape, study.results)
        for found, row in zip(region, rows):
            found[:] = as_bytes(coverage_of("actor+prop", store.parts[row]))
        plates = None if store.plates is None else np.asarray(store.plates[rows])
    elif source:
        region = anchor if source == at else found_regions(study, rows, source)
        plates = on_disk(frames.shape, study.results)
        for i, mask in enumerate(region):
            plates[i] = scene_behind(frames[i], mask)
    single = Rows(store.frames, rows.repeat(repeat), np.tile(np.arange(repeat), len(rows)))
    return TrainingFrames(single, labels, ids, *(a if a is None else flat(a) for a in (region, plates, anchor)))


def flat(array: np.ndarray) -> np.ndarray:
    """[clips, T, ...] as [clips x T, ...]."""
    return array.reshape(-1, *array.shape[2:])


def in_other_scenes(study, meta: pd.DataFrame, source: str) -> np.ndarray | None:
    """The clips of `meta` (sorted by class), each in the scene of another class's clip: uint8 [n, T, S, S, 3]. Regions
    and scenes as in `training_frames`; None where no source finds them."""
    data, count = training_frames(study, meta, source), len(meta)
    if data.region is None or data.plates is None:
        return None
    found = on_disk((count, data.length, *data.frames.shape[1:]), study.results)
    for i in range(count):
        own, other = (slice(k * data.length, (k + 1) * data.length) for k in (i, (i + count // 2 + 1) % count))
        scene, frames, region = (
            torch.from_numpy(a).float() for a in (data.plates[other], data.frames[own], data.region[own])
        )
        found[i] = torch.lerp(scene, frames, region[..., None] / 255).round().byte().numpy()
    return found


def found_regions(study, rows: np.ndarray, source: str) -> np.ndarray:
    """Actor and prop of the unmasked clips at `rows` by a region source: uint8 [n, T, S, S]."""
    store, finder = study.store, study.finders.get(source)
    found = on_disk((len(rows), *store.frames.shape[1:4]), study.results)
    if finder:
        finder.find(rows.tolist(), store.frames)
    for i, row in enumerate(rows):
        frames = np.asarray(store.frames[row])
        maps = {source: partial(finder, int(row), frames)} if finder else {}
        parts = None if store.parts is None else store.parts[row]
        found[i] = as_bytes(regions.region("actor+prop", source, regions.Evidence(frames, parts, maps)))
    return found


def unit(values: np.ndarray) -> torch.Tensor:
    """uint8 as float32 in [0, 1]."""
    return torch.from_numpy(values).float().div_(255)


def as_bytes(mask: torch.Tensor) -> np.ndarray:
    """A soft mask in [0, 1] as uint8."""
    return mask.mul(255).round().byte().cpu().numpy()


def scene_behind(frames: np.ndarray, region: np.ndarray) -> np.ndarray:
    """A clip's scene [T, S, S, 3] without its region [T, S, S] (uint8): each pixel as the clip's other frames show it,
    and where all of them cover it, the surroundings, blurred."""
    seen = 1 - region.astype(np.float32)[..., None] / 255
    shown = seen.sum(0)
    mean = (seen * frames).sum(0) / np.maximum(shown, 1e-3)
    known = np.minimum(shown, 1)
    width = (len(mean[0]) / 8, len(mean[0]) / 8, 0)
    around = ndimage.gaussian_filter(known * mean, width) / np.maximum(ndimage.gaussian_filter(known, width), 1e-3)
    behind = known * mean + (1 - known) * around
    return np.clip(seen * frames + (1 - seen) * behind, 0, 255).round().astype(np.uint8)
