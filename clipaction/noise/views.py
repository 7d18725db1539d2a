"""What noise, gates and rivals learn from: training frames, scene-swapped and masked, and the validation clips that
choose."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base.errors import UserError
from ..evaluate.judge import labelled_batches
from ..masking.plan import SQUARE
from ..masking.regions.truth import CHANNELS, coverage_of
from ..vision.clip import clips_to_input
from ..vision.zero_shot import encode_clips
from .probe import linear_probe


class TrainingFrames:
    """Frames with what is needed to swap scenes and to mask: uint8 frames [N, S, S, 3], labels [N], the clip of each
    frame (ids) and, where regions are known, the coverage of actor and prop uint8 [N, S, S] (region) and clean plates
    [N, S, S, 3]."""

    def __init__(
        self,
        frames: np.ndarray,
        labels: np.ndarray,
        ids: list[str],
        region: np.ndarray | None = None,
        plates: np.ndarray | None = None,
    ):
        self.frames, self.labels, self.ids, self.region, self.plates = frames, np.asarray(labels), ids, region, plates

    def clips_a_class(self) -> int:
        """The most clips that any class has."""
        ids = np.asarray(self.ids)
        return max(len(set(ids[self.labels == c])) for c in np.unique(self.labels))

    def fewer(self, clips: int) -> TrainingFrames:
        """The frames of the first `clips` clips of every class. Scenes are then swapped among these frames only."""
        ids, chosen = np.asarray(self.ids), []
        for c in np.unique(self.labels):
            chosen += list(dict.fromkeys(ids[self.labels == c]))[:clips]
        index = np.flatnonzero(np.isin(ids, chosen))
        region = None if self.region is None else self.region[index]
        plates = None if self.plates is None else self.plates[index]
        return TrainingFrames(self.frames[index], self.labels[index], [self.ids[i] for i in index], region, plates)

    def view(self, index: np.ndarray, rng: np.random.Generator, swap: float, mask: float) -> torch.Tensor:
        """Frames [B, 3, S, S] in [0, 1]: each gets another frame's scene with probability `swap`, a black box of 5 to
        50 % of the frame with probability `mask`; the batch is mirrored half of the time."""
        x = self.frames[index].astype(np.float32) / 255
        if self.region is not None:
            scenes = self.frames if self.plates is None else self.plates
            for i in np.flatnonzero(rng.random(len(index)) < swap):
                cover = self.region[index[i]].astype(np.float32)[..., None] / 255
                scene = scenes[rng.integers(len(scenes))].astype(np.float32) / 255
                x[i] = cover * x[i] + (1 - cover) * scene
        size = x.shape[1]
        for i in np.flatnonzero(rng.random(len(index)) < mask):
            side = np.sqrt(rng.uniform(0.05, 0.5))
            sides = size * side * np.exp(rng.uniform(-0.4, 0.4) * np.array([1, -1]))
            h, w = np.clip(np.round(sides).astype(int), 1, size)
            v, u = rng.integers(0, size - h + 1), rng.integers(0, size - w + 1)
            x[i, v : v + h, u : u + w] = 0
        if rng.random() < 0.5:
            x = x[:, :, ::-1]
        return torch.from_numpy(np.ascontiguousarray(x)).permute(0, 3, 1, 2)

    def without_actor(self, index: np.ndarray) -> torch.Tensor:
        """The same frames [B, 3, S, S] without their actor: the clean plate, or the region in black."""
        if self.plates is not None:
            x = self.plates[index].astype(np.float32) / 255
        else:
            assert self.region is not None
            x = (
                self.frames[index].astype(np.float32)
                / 255
                * (1 - self.region[index].astype(np.float32)[..., None] / 255)
            )
        return torch.from_numpy(x).permute(0, 3, 1, 2)


def training_frames(study, meta: pd.DataFrame) -> TrainingFrames:
    """Every frame of the clips of `meta`, with actor-and-prop regions and clean plates where there is truth."""
    rows, store = meta["row"].to_numpy(), study.store

    def flat(array: np.ndarray | None) -> np.ndarray | None:
        return None if array is None else np.asarray(array[rows]).reshape(-1, *array.shape[2:])

    parts, repeat = flat(store.parts), store.frames.shape[1]
    region = None
    if parts is not None:
        region = parts[:, CHANNELS["actor+prop"]].astype(np.uint16).sum(1).clip(max=255).astype(np.uint8)
    frames = flat(store.frames)
    assert frames is not None
    labels, ids = meta["label"].to_numpy().repeat(repeat), meta["clip"].repeat(repeat).tolist()
    return TrainingFrames(frames, labels, ids, region, flat(store.plates))


def check_disjoint(train: pd.DataFrame, val: pd.DataFrame, test: pd.DataFrame) -> None:
    """UserError where a clip or a group is in two splits: nothing may be learned or chosen on a test clip's people or
    place."""
    for column in ("clip", "group"):
        sets = [set(part[column]) for part in (train, val, test)]
        if sum(map(len, sets)) != len(set.union(*sets)):
            raise UserError(
                f"a {column} is in two splits, so training data would leak into the test; check the data set's groups"
            )


def validation_batches(study, meta: pd.DataFrame) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Validation clips as (images [n, T, 3, S, S] in [0, 1], labels [n]): whole, behind a 30 % square and, where
    truth is known, in another clip's scene."""
    rows, labels = meta["row"].to_numpy(), torch.tensor(meta["label"].tolist())
    for condition in ("none", SQUARE):
        yield from labelled_batches(study, meta, condition)
    if study.store.plates is not None:
        other = np.roll(rows, len(rows) // 2 + 1)  # clips are sorted by class: another action's
        for i in range(0, len(rows), 16):
            cover = coverage_of("actor+prop", np.asarray(study.store.parts[rows[i : i + 16]]))[:, :, None]
            scene = clips_to_input(study.store.plates[other[i : i + 16]])
            yield torch.lerp(scene, clips_to_input(study.store.get(rows[i : i + 16])), cover), labels[i : i + 16]


@dataclass(frozen=True)
class Views:
    """Embedded views, from which gates and rivals are learned: `train` [n, D] as noise is trained on them
    (scene-swapped, masked), and `val` [m, D] of the frames of `validation_batches`, with their labels; `classes`
    counts the classes."""

    train: torch.Tensor
    train_labels: torch.Tensor
    val: torch.Tensor
    val_labels: torch.Tensor
    classes: int

    @cached_property
    def probe(self) -> torch.Tensor:
        """A linear probe [C, D + 1] fitted to them: its weights and, last, its bias."""
        arrays = (self.train, self.train_labels, self.val, self.val_labels)
        train, labels, val, val_labels = (tensor.cpu().numpy() for tensor in arrays)
        weight, bias = linear_probe(train, labels, val, val_labels, self.classes)
        return torch.from_numpy(np.column_stack([weight, bias])).float().to(self.train.device)


@torch.no_grad()
def embed_views(study, data: TrainingFrames, val: pd.DataFrame) -> Views:
    """`noise.views` views of every training frame, and those of `validation_batches`, embedded."""
    clip, config = study.clip, study.profile.noise
    generator = np.random.default_rng([study.profile.seed, 11])
    order = np.tile(np.arange(len(data.labels)), config.views)
    batches = np.array_split(order, max(1, len(order) // study.profile.batch))
    train = [
        clip.encode_image(data.view(index, generator, config.swap, config.mask))
        for index in tqdm(batches, desc="embedding training views", unit="batch", leave=False)
    ]
    chosen, labels = [], []
    for x, y in validation_batches(study, val):
        chosen.append(encode_clips(clip, x).flatten(0, 1))
        labels.append(y.repeat_interleave(x.shape[1]))
    return Views(
        train=torch.cat(train).to(clip.device),
        train_labels=torch.from_numpy(data.labels[order]).to(clip.device),
        val=torch.cat(chosen).to(clip.device),
        val_labels=torch.cat(labels).to(clip.device),
        classes=study.n_source,
    )
