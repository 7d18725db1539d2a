"""Conditions x clips -> predictions: one tidy row a clip (and a frame), from which every number in every table derives.

A piece, the rows of one (method, condition), is a Parquet file that carries the key of everything that decided it. A piece whose
key matches is reused; a killed sweep goes on with the first missing one, and one more condition costs only that condition.
"""

from __future__ import annotations

import ast
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from functools import cache, partial
from pathlib import Path
from typing import Protocol

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import torch
from tqdm.auto import tqdm

from . import parallel
from .clip import CLIP, clips_to_input, to_input
from .conditions import Context, apply_batch, parse
from .noise import plain
from .relevance import relevance, upsample
from .store import FrameStore

META = ["clip", "cls", "label", "group", "split", "domain", "scene"]
COMPUTING = ("clip", "conditions", "evaluation", "masks", "noise", "preprocess", "regions", "relevance")  # modules on which results rest


def predictions(clip_scores: np.ndarray, frame_scores: np.ndarray | None, meta: pd.DataFrame, tau: float, method: str, condition: str) -> pd.DataFrame:
    """Score rows -> prediction rows. clip_scores [N, C] and frame_scores [N, T, C] are cosines; probabilities are softmax(s / tau).

    meta: N rows with the columns META. Columns of the result: META, method, condition, level, frame (-1 for a clip), pred, top5,
    p_true, p_pred, margin (best minus second, in probability), entropy (nats).
    """
    table = _rows(clip_scores, meta, np.full(len(meta), -1), tau).assign(level="clip")
    if frame_scores is not None:
        n, t, c = frame_scores.shape
        frames = _rows(frame_scores.reshape(n * t, c), meta.loc[meta.index.repeat(t)], np.tile(np.arange(t), n), tau).assign(level="frame")
        table = pd.concat([table, frames], ignore_index=True)
    table.insert(len(META), "method", method)
    table.insert(len(META) + 1, "condition", condition)
    return table


def _rows(scores: np.ndarray, meta: pd.DataFrame, frame: np.ndarray, tau: float) -> pd.DataFrame:
    logits = np.asarray(scores, np.float64) / tau
    logp = logits - logits.max(1, keepdims=True)
    logp -= np.log(np.exp(logp).sum(1, keepdims=True))
    p, order = np.exp(logp), np.argsort(-logits, axis=1, kind="stable")
    label, rows = meta["label"].to_numpy(), np.arange(len(meta))
    return meta[META].reset_index(drop=True).assign(
        frame=frame,
        pred=order[:, 0],
        top5=[" ".join(map(str, best)) for best in order[:, :5]],
        p_true=p[rows, label],
        p_pred=p[rows, order[:, 0]],
        margin=p[rows, order[:, 0]] - p[rows, order[:, 1]],
        entropy=-(p * logp).sum(1),
    )


@cache
def code_version() -> str:
    """Of what the package computes with: its code without comments and layout."""
    trees = [ast.dump(ast.parse(Path(__file__).with_name(f"{name}.py").read_bytes())) for name in COMPUTING]
    return hashlib.sha256("".join(trees).encode()).hexdigest()


def key_of(*parts: object) -> str:
    """16 hex digits of everything that decides a result."""
    return hashlib.sha256(json.dumps([code_version(), *parts], sort_keys=True, default=str).encode()).hexdigest()[:16]


def cached(path: Path, key: str, compute: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """The table at `path` if it opens and carries `key`, else computed, written aside and renamed."""
    try:
        if pq.read_schema(path).metadata[b"clipaction_key"] == key.encode():
            return pd.read_parquet(path)
    except (OSError, KeyError, TypeError, pa.ArrowInvalid):
        pass
    table = compute()
    save_table(path, table, key)
    return table


def save_table(path: Path, table: pd.DataFrame, key: str = "") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    aside = path.with_name(path.name + ".tmp")
    pq.write_table(arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), b"clipaction_key": key.encode()}), aside)
    os.replace(aside, path)


class Given(Protocol):
    """What a region source knows of a stored clip: called with its row and frames [T, S, S, 3], as `regions.Evidence.given` wants it.

    key: what decides its answer beside model and store, for caches. find: what takes long is done here, ahead of calls from many threads.
    """

    key: str

    def find(self, rows: list[int], frames: np.ndarray) -> None: ...

    def __call__(self, row: int, frames: np.ndarray) -> torch.Tensor: ...


def masked_batches(store: FrameStore, rows: np.ndarray, ids: list[str], condition: str, seed: int, chunk: int = 16,
                   given: Mapping[str, Given] | None = None) -> Iterable[np.ndarray]:  # fmt: skip
    """uint8 frames [n, T, S, S, 3] of the clips at `rows` under a named condition, `chunk` clips at a time; the store is never changed.

    given: region sources beside truth and motion, by name, asked only by conditions whose regions come from them.
    """
    for i in range(0, len(rows), chunk):
        part = rows[i : i + chunk]
        frames = store.get(part)
        contexts = [
            Context(
                clip=ids[i + j],
                seed=seed,
                parts=None if store.parts is None else store.parts[row],
                plates=None if store.plates is None else store.plates[row],
                given={name: partial(source, int(row), frames[j]) for name, source in (given or {}).items()},
            )
            for j, row in enumerate(part)
        ]
        yield apply_batch(condition, frames, contexts)


class RelevanceMaps:
    """[T, S, S] of a clip: what speaks, in each frame, for the class the model itself gives it (no label is used). Remembered by row."""

    def __init__(self, clip: CLIP, head: torch.Tensor):
        self.clip, self.head, self.maps = clip, head, {}
        self.key = hashlib.sha256(head.cpu().numpy().tobytes()).hexdigest()

    def find(self, rows: list[int], frames: np.ndarray) -> None:
        """Maps of the clips at `rows` of frames [N, T, S, S, 3]; a few numbers a frame, the grid of the model's patches."""
        missing = [row for row in rows if row not in self.maps]
        for row in tqdm(missing, desc="relevance", unit="clip", leave=False, disable=not missing):
            x = to_input(np.array(frames[row]))  # the store is read-only
            with torch.inference_mode():
                answer = (self.clip.encode_image(x) @ self.head.T).argmax(1)
            self.maps[row] = relevance(self.clip.model, x, self.head[answer], encode=self.clip.encode_image).cpu()

    def __call__(self, row: int, frames: np.ndarray) -> torch.Tensor:
        self.find([row], {row: frames})
        return upsample(self.maps[row], frames.shape[1:3])


def evaluate(clip: CLIP, head: torch.Tensor, store: FrameStore, meta: pd.DataFrame, conditions: list[str], folder: Path, seed: int = 0, batch: int = 64,
             protocol: Callable | None = None, method: str = "clip", uses: object = "", frames: bool = True,
             given: Mapping[str, Given] | None = None) -> pd.DataFrame:  # fmt: skip
    """Predictions of `method` on the clips of `meta` (columns META and `row` in the store) under each condition.

    protocol: images [N, T, 3, S, S] in [0, 1] -> (clip scores [N, C], frame scores [N, T, C]); the plain zero-shot head when None. It is handed images
    only: labels are joined to its answers afterwards. uses: what else decides the answer (a noise's hash), for the key.
    """
    rows, ids, pieces = meta["row"].to_numpy(), meta["clip"].tolist(), []
    base = [clip.weights_hash, str(clip.dtype), store.key, hashlib.sha256(head.cpu().numpy().tobytes()).hexdigest(), ids, seed, method, uses, frames]
    chunk, answer_to = max(1, batch // store.frames.shape[1]), protocol or partial(plain, clip, head)
    bar = tqdm(total=len(conditions) * len(rows), unit="clip", desc=f"{method}: {len(conditions)} conditions", leave=False)
    for condition in conditions:
        source = (given or {}).get(parse(condition).source)

        def answer(start: int) -> list[np.ndarray]:
            at = slice(start, start + chunk)
            (images,) = masked_batches(store, rows[at], ids[at], condition, seed, chunk, given)
            scores = [score.cpu().numpy() for score in answer_to(clips_to_input(images))]
            bar.update(len(images))
            return scores

        def compute():
            if source:
                source.find(rows.tolist(), store.frames)
            clips, per_frame = map(np.concatenate, zip(*parallel.each(answer, range(0, len(rows), chunk), clip.device)))
            return predictions(clips, per_frame if frames else None, meta, clip.tau, method, condition)

        before = bar.n
        name = hashlib.sha256(f"{method} {condition}".encode()).hexdigest()[:12]
        pieces.append(cached(folder / f"{name}.parquet", key_of(*base, condition, *([source.key] if source else [])), compute))
        bar.update(before + len(rows) - bar.n)
    bar.close()
    return pd.concat(pieces, ignore_index=True)
