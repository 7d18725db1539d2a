"""Conditions x clips -> predictions: one row a clip (and a frame), from which every number in every table derives.

The rows of one (method, condition, set of clips) are a Parquet file, which carries the key of everything that decided
it. A file whose key is the same is reused. A sweep that was killed goes on with the first missing file, and one more
condition costs only that condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base import parallel
from ..base.cache import Step, cached_table
from ..base.code import fingerprint
from ..base.files import digest
from ..data.store import FrameStore
from ..masking.batches import masked_batches
from ..masking.conditions import Condition, check
from ..masking.regions import Finder
from ..vision.clip import CLIP, clips_to_input
from ..vision.load import ARCHITECTURE
from ..vision.zero_shot import zero_shot
from .predictions import META, prediction_rows

Protocol = Callable[[torch.Tensor], tuple[torch.Tensor, torch.Tensor]]


def piece_path(folder: Path, method: str, condition: str, ids: Sequence[str]) -> Path:
    """The file of one method, condition and set of clips. Names are made fit for a file; the digest tells them
    apart."""
    readable = re.sub(r"[^\w.+-]+", "_", f"{method}.{condition}")[:80]
    return folder / f"{readable}.{digest(method, condition, list(ids))[:10]}.parquet"


def evaluate(
    clip: CLIP,
    head: torch.Tensor,
    store: FrameStore,
    meta: pd.DataFrame,
    conditions: Sequence[str],
    folder: Path,
    seed: int = 0,
    batch: int = 64,
    protocol: Protocol | None = None,
    method: str = "clip",
    frames: bool = True,
    finders: Mapping[str, Finder] | None = None,
    scores: bool = False,
) -> pd.DataFrame:
    """Predictions of a method on the clips of `meta` (columns META and `row` in the store) under each condition.

    protocol: images [N, T, 3, S, S] in [0, 1] -> (clip scores [N, C], frame scores [N, T, C]); zero shot when None.
    It gets images only: labels are joined to its answers afterwards. frames: whether rows of single frames are kept,
    too. finders: of region sources, by name. scores: whether clip rows keep the log-probabilities of all classes, from
    which another temperature (`analysis.tempering`) or a mixture (`evaluate.mixing`) needs no forward pass.
    """
    rows, ids, pieces = meta["row"].to_numpy(), meta["clip"].tolist(), []
    judge = protocol or partial(zero_shot, clip, head)
    model = (clip.weights_hash, str(clip.dtype), clip.device.type)
    known = digest(meta[META].astype(str).to_numpy().tolist())  # labels and groups are in the rows that are kept
    base = (*model, store.key, rows.tolist(), known, seed, method, fingerprint(judge), frames, scores)
    chunk = max(1, batch // store.frames.shape[1])
    checked = [check(condition) for condition in conditions]
    title = f"{method}: {len(checked)} conditions"
    with tqdm(total=len(checked) * len(rows), unit="clip", desc=title, leave=False) as bar:
        for condition in checked:
            finder = (finders or {}).get(condition.source)
            before = bar.n
            path = piece_path(folder, method, condition.name, ids)
            parts = (condition.name, condition.facts, finder.key if finder else "")
            key = PREDICTIONS.key(*base, *parts, also=condition.functions)
            settings = (condition, seed, chunk, finders, clip, method, frames, scores, bar)
            compute = partial(_predict, judge, store, meta, *settings)
            pieces.append(cached_table(path, key, compute))
            bar.update(before + len(rows) - bar.n)
    return pd.concat(pieces, ignore_index=True)


def _predict(
    judge: Protocol,
    store: FrameStore,
    meta: pd.DataFrame,
    condition: Condition,
    seed: int,
    chunk: int,
    finders: Mapping[str, Finder] | None,
    clip: CLIP,
    method: str,
    frames: bool,
    scores: bool,
    bar: tqdm,
) -> pd.DataFrame:
    """The prediction rows of one condition; chunks of clips are predicted side by side."""
    rows, ids = meta["row"].to_numpy(), meta["clip"].tolist()

    def answer(start: int) -> list[np.ndarray]:
        at = slice(start, start + chunk)
        (images,) = masked_batches(store, rows[at], ids[at], condition, seed, chunk, finders)
        found = [score.cpu().numpy() for score in judge(clips_to_input(images))]
        bar.update(len(images))
        return found

    finder = (finders or {}).get(condition.source)
    if finder:
        finder.find(rows.tolist(), store.frames)
    answers = parallel.each(answer, range(0, len(rows), chunk), clip.device)
    clips, per_frame = map(np.concatenate, zip(*answers))
    return prediction_rows(clips, per_frame if frames else None, meta, clip.tau, method, condition.name, scores)


PREDICTIONS = Step("predictions", _predict, *ARCHITECTURE)  # and, by name, the condition's functions and the method
