"""What gates and rivals learn from: training frames, scene-swapped, masked and embedded, and the validation clips that
choose."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base import parallel
from ..base.cache import Step
from ..base.errors import UserError
from ..base.tensors import kept_tensors, save_tensors
from ..evaluate.judge import labelled_batches
from ..masking.batches import masked_batches
from ..masking.conditions import check
from ..masking.plan import SQUARE
from ..masking.regions import SOURCES
from ..vision.clip import CLIP, clips_to_input
from ..vision.load import ARCHITECTURE
from .apply import action_boxes
from .frames import TrainingFrames
from .probe import linear_probe

Look = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # frames [B, 3, S, S], boxes of action [B, S, S] -> frames


def check_disjoint(train: pd.DataFrame, val: pd.DataFrame, test: pd.DataFrame) -> None:
    """UserError where a clip or a group is in two splits: nothing may be learned or chosen on a test clip's people or
    place."""
    for column in ("clip", "group"):
        sets = [set(part[column]) for part in (train, val, test)]
        if sum(map(len, sets)) != len(set.union(*sets)):
            raise UserError(
                f"a {column} is in two splits, so training data would leak into the test; check the data set's groups"
            )


def validation_batches(
    study, meta: pd.DataFrame, swapped: np.ndarray | None = None
) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
    """Validation clips as (images [n, T, 3, S, S] in [0, 1], labels [n]): whole, behind a 30 % square and, where they
    are given, the same clips in other clips' scenes, uint8 [N, T, S, S, 3] (`frames.in_other_scenes`)."""
    labels = torch.tensor(meta["label"].tolist())
    for condition in ("none", SQUARE):
        yield from labelled_batches(study, meta, condition)
    if swapped is not None:
        for i in range(0, len(labels), 16):
            yield clips_to_input(swapped[i : i + 16], study.clip.device), labels[i : i + 16]


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

    def beside(self, other: Views) -> Views:
        """The same views with the features of both, one after the other: [n, 2 D]."""
        train, val = torch.cat([self.train, other.train], 1), torch.cat([self.val, other.val], 1)
        return Views(train, self.train_labels, val, self.val_labels, self.classes)


def embed_views(
    study,
    data: TrainingFrames,
    val: pd.DataFrame,
    swapped: np.ndarray | None = None,
    swap: float | None = None,
    looks: Mapping[str, Look] | None = None,
) -> dict[str, Views]:
    """`noise.views` views of every training frame, and the frames of `validation_batches`, embedded: as they are
    ('whole') and as each of `looks` shows them.

    swapped: see `validation_batches`. swap: share of training views in another scene (the profile's when None)."""
    clip, config, source = study.clip, study.profile.noise, study.profile.noise.anchor
    swap, known = config.swap if swap is None else swap, {"whole": as_it_is} | dict(looks or {})
    order = np.tile(np.arange(len(data.labels)), config.views)
    batches = np.array_split(order, max(1, len(order) // study.profile.batch))

    @torch.no_grad()  # of each thread
    def seen(x: torch.Tensor, m: torch.Tensor) -> list[torch.Tensor]:
        return [clip.encode_image(look(x, m)) for look in known.values()]

    def of_training(number: int) -> list[torch.Tensor]:
        generator = np.random.default_rng([study.profile.seed, 11, number])
        found = seen(*data.anchored_view(batches[number], generator, swap, config.mask))
        bar.update()
        return found

    def of_validation(batch: tuple[torch.Tensor, torch.Tensor]) -> list[torch.Tensor]:
        x, y = batch
        m = action_boxes(x, source).flatten(0, 1) if looks else x.new_zeros(0)
        return [*seen(x.flatten(0, 1), m), y.repeat_interleave(x.shape[1]).to(clip.device)]

    with tqdm(total=len(batches), desc="embedding training views", unit="batch", leave=False) as bar:
        train = parallel.each(of_training, range(len(batches)), clip.device, overlapped=True)
    chosen = parallel.each(of_validation, validation_batches(study, val, swapped), clip.device, overlapped=True)
    y_train = torch.from_numpy(data.labels[order]).to(clip.device)
    of_train, (*of_val, y_val) = ([torch.cat(parts) for parts in zip(*side)] for side in (train, chosen))
    return {name: Views(a, y_train, b, y_val, study.n_source) for name, a, b in zip(known, of_train, of_val)}


VIEWS = Step("views", embed_views, masked_batches, CLIP, *ARCHITECTURE)  # study.masked gives the validation clips


def kept_views(
    study,
    name: str,
    given,
    val: pd.DataFrame,
    swap: float | None = None,
    looks: Mapping[str, Look] | None = None,
) -> dict[str, Views]:
    """`embed_views` of a `learning.Material`, from results/<profile>/noise/views-<name>.safetensors if its key is the
    same."""
    clip, profile, data, looks = study.clip, study.profile, given.frames, dict(looks or {})
    config = profile.noise
    clips = (study.store.key, data.ids, data.labels.tolist(), val["clip"].tolist(), val["label"].tolist(), given.scenes)
    settings = (config.views, config.swap if swap is None else swap, config.mask, profile.batch, profile.seed)
    chosen: list[Callable] = [*check(SQUARE).functions, SOURCES[config.anchor].function, *looks.values()]
    key = VIEWS.key(*clip.identity, *clips, *settings, study.n_source, list(looks), also=chosen)
    path = study.results / "noise" / f"views-{name}.safetensors"
    tensors = kept_tensors(path, key)
    if tensors is None:
        found = embed_views(study, data, val, given.swapped, swap, looks)
        labels = {"train_labels": found["whole"].train_labels, "val_labels": found["whole"].val_labels}
        features = {f"{look}.{side}": getattr(seen, side) for look, seen in found.items() for side in ("train", "val")}
        save_tensors(path, labels | features, key=key)
        return found
    kept = {part: tensor.to(clip.device) for part, tensor in tensors.items()}
    y_train, y_val = kept["train_labels"], kept["val_labels"]
    sides = {look: (kept[f"{look}.train"], kept[f"{look}.val"]) for look in ("whole", *looks)}
    return {look: Views(x, y_train, x_val, y_val, study.n_source) for look, (x, x_val) in sides.items()}


def as_it_is(x: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    return x
