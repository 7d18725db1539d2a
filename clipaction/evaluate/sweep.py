"""Conditions x clips -> predictions: one row a clip (and a frame), from which every number in every table derives.

The rows of one (method, condition, block of clips) are a Parquet file, which carries the key of everything that decided
it. A file whose key is the same is reused, whoever wrote it: an earlier run, or a worker of a cluster. A sweep that was
killed goes on with the first missing file, and one more condition costs only that condition."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base import parallel
from ..base.cache import Step, kept_table, save_table
from ..base.code import fingerprint
from ..base.errors import UserError
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
Answers = list[tuple[np.ndarray, np.ndarray]]  # of a few clips: each method's clip scores and frame scores
BLOCK = 512  # clips of one file, at most


def blocks(meta: pd.DataFrame, chunk: int) -> list[pd.DataFrame]:
    """The clips of `meta`, BLOCK or a few less at a time. Clips are embedded by `chunk`; a block has whole chunks, so
    that each clip has the same neighbours as without blocks, and its scores the same bits."""
    size = max(1, BLOCK // chunk) * chunk
    return [meta.iloc[start : start + size] for start in range(0, len(meta), size)]


def chunk_size(frames: int, batch: int) -> int:
    """How many clips of so many frames are embedded at once, for a batch of so many frames."""
    return max(1, batch // frames)


def piece_path(folder: Path, method: str, condition: str, ids: Sequence[str]) -> Path:
    """The file of one method, condition and set of clips. Names are made fit for a file; the digest tells them
    apart."""
    readable = re.sub(r"[^\w.+-]+", "_", f"{method}.{condition}")[:80]
    return folder / f"{readable}.{digest(method, condition, list(ids))[:10]}.parquet"


def piece_key(
    clip: CLIP,
    store: FrameStore,
    meta: pd.DataFrame,
    condition: Condition,
    finders: Mapping[str, Finder] | None,
    seed: int,
    *method: object,
    also: Iterable[Callable] = (),
) -> str:
    """The key of the rows of one method, condition and set of clips. Labels and groups are in the rows, so in it, too.

    method: its name, the fingerprint of its code and what else decides its rows; also: functions that it rests on."""
    finder = (finders or {}).get(condition.source)
    known = digest(meta[META].astype(str).to_numpy().tolist())
    about = (*clip.identity, store.key, meta["row"].tolist(), known, seed, *method)
    parts = (condition.name, condition.facts, finder.key if finder else "")
    return PREDICTIONS.key(*about, *parts, also=[*condition.functions, *also])


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
    **options: Any,
) -> pd.DataFrame:
    """Predictions of a method on the clips of `meta` (columns META and `row` in the store) under each condition.

    protocol: images [N, T, 3, S, S] in [0, 1] -> (clip scores [N, C], frame scores [N, T, C]); zero shot when None.
    It gets images only: labels are joined to its answers afterwards. options: see `evaluate_together`.
    """
    methods = {method: protocol or partial(zero_shot, clip, head)}
    return evaluate_together(clip, store, meta, conditions, folder, methods, seed, batch, **options)


def evaluate_together(
    clip: CLIP,
    store: FrameStore,
    meta: pd.DataFrame,
    conditions: Sequence[str],
    folder: Path,
    methods: Mapping[str, Protocol],
    seed: int = 0,
    batch: int = 64,
    frames: bool = True,
    finders: Mapping[str, Finder] | None = None,
    scores: bool = False,
) -> pd.DataFrame:
    """`evaluate` for several methods: frames are masked once and all methods that lack answers see them. The rows
    come method by method.

    frames: whether rows of single frames are kept, too. finders: of region sources, by name. scores: whether clip rows
    keep the log-probabilities of all classes, from which another temperature (`analysis.tempering`) or a mixture
    (`evaluate.mixing`) needs no forward pass.
    """
    codes = {method: fingerprint(judge) for method, judge in methods.items()}
    chunk = chunk_size(store.frames.shape[1], batch)
    checked, parts = [check(condition) for condition in conditions], blocks(meta, chunk)
    tables: dict[tuple[str, str, int], pd.DataFrame] = {}
    pieces = []
    title = f"{next(iter(methods)) if len(methods) == 1 else f'{len(methods)} methods'}: {len(checked)} conditions"
    with tqdm(total=len(methods) * len(checked) * len(meta), unit="clip", desc=title, leave=False) as bar:
        for condition, (number, block) in product(checked, enumerate(parts)):
            piece, ids = Piece(condition, number, block, range(0, len(block), chunk)), block["clip"].tolist()
            for method, judge in methods.items():
                path = piece_path(folder, method, condition.name, ids)
                key = piece_key(clip, store, block, condition, finders, seed, method, codes[method], frames, scores)
                table = kept_table(path, key)
                if table is None:
                    piece.methods[method], piece.files[method] = judge, (path, key)
                else:
                    tables[method, condition.name, number] = table
                    bar.update(len(block))
            if piece.methods:
                pieces.append(piece)
                if finder := (finders or {}).get(condition.source):
                    finder.find(block["row"].tolist(), store.frames)

        def answer(job: tuple[Piece, int]) -> None:
            piece, start = job
            part = piece.meta.iloc[start : start + chunk]
            found = _predict(piece.methods, store, part, piece.condition, seed, finders, clip.device)
            bar.update(len(part) * len(piece.methods))
            if not piece.completed_by(start, found):
                return
            for method, clips, per_frame in piece.scores():
                given = (piece.meta, clip.tau, method, piece.condition.name, scores)
                table = prediction_rows(clips, per_frame if frames else None, *given)
                save_table(piece.files[method][0], table, piece.files[method][1])
                tables[method, piece.condition.name, piece.number] = table

        # all conditions in one stream: no core waits at the end of one for another to begin
        parallel.each(
            answer, ((piece, start) for piece in pieces for start in piece.starts), clip.device, overlapped=True
        )
    found = product(methods, checked)
    return pd.concat(
        [joined([tables[method, each.name, number] for number in range(len(parts))]) for method, each in found],
        ignore_index=True,
    )


@dataclass
class Piece:
    """A block of clips under one condition: its number, its clips, where its chunks start, the methods whose rows no
    file holds, their files with keys, and the answers so far, by the start of their chunk."""

    condition: Condition
    number: int
    meta: pd.DataFrame
    starts: range
    methods: dict[str, Protocol] = field(default_factory=dict)
    files: dict[str, tuple[Path, str]] = field(default_factory=dict)
    answers: dict[int, Answers] = field(default_factory=dict)
    lock: Lock = field(default_factory=Lock)

    def completed_by(self, start: int, answers: Answers) -> bool:
        """Keep the answers on the chunk that starts there; whether they were the last that lacked."""
        with self.lock:
            self.answers[start] = answers
            return len(self.answers) == len(self.starts)

    def scores(self) -> Iterator[tuple[str, np.ndarray, np.ndarray]]:
        """Of each method its name, its clip scores [n, C] and its frame scores [n, T, C]; they are kept no longer."""
        chunks = [self.answers.pop(start) for start in self.starts]
        for method, answers in zip(self.methods, zip(*chunks)):
            clips, per_frame = map(np.concatenate, zip(*answers))
            yield method, clips, per_frame


def joined(tables: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all blocks as those of one: clips first, then frames."""
    if len(tables) == 1:
        return tables[0]
    return pd.concat(tables, ignore_index=True).sort_values("level", kind="stable", ignore_index=True)


def _predict(
    methods: Mapping[str, Protocol],
    store: FrameStore,
    meta: pd.DataFrame,
    condition: Condition,
    seed: int,
    finders: Mapping[str, Finder] | None,
    device: torch.device,
) -> Answers:
    """Each method's scores of a few clips under a condition."""
    at = (meta["row"].to_numpy(), meta["clip"].tolist())
    (masked,) = masked_batches(store, *at, condition, seed, len(meta), finders, device)
    images, found = clips_to_input(masked), []
    version = images._version  # torch counts the changes of a tensor
    for method, judge in methods.items():
        clips, frames = (scores.cpu().numpy() for scores in judge(images))
        found.append((clips, frames))
        n, t, c = *images.shape[:2], clips.shape[-1]
        if (clips.shape, frames.shape) != ((n, c), (n, t, c)):
            given = f"{list(clips.shape)} and {list(frames.shape)} for {n} clips of {t} frames"
            raise UserError(f"{method}: its scores are {given}; return [clips, classes] and [clips, frames, classes]")
        if images._version != version:
            raise UserError(f"{method}: changes the frames that it is given, which others see, too; take a copy")
    return found


# and, by name, the condition's functions and the method
PREDICTIONS = Step("predictions", _predict, prediction_rows, CLIP, *ARCHITECTURE)
