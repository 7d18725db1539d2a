"""Clips of a frame store under a condition, a few at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import partial

import numpy as np
import torch

from ..data.store import FrameStore
from ..vision.clip import on_device
from .conditions import Condition, Context, check
from .regions import Finder


def masked_batches(
    store: FrameStore,
    rows: np.ndarray,
    ids: list[str],
    condition: Condition | str,
    seed: int,
    chunk: int = 16,
    finders: Mapping[str, Finder] | None = None,
    device: torch.device | None = None,
) -> Iterator[torch.Tensor]:
    """uint8 frames [n, T, S, S, 3] of the clips at `rows` under a condition, `chunk` clips at a time; the store is
    not changed.

    finders: of region sources, by name; only conditions with such a source use them. device: where frames are masked
    and come back (the CPU when None).
    """
    condition = check(condition)
    for i in range(0, len(rows), chunk):
        part = rows[i : i + chunk]
        frames = torch.from_numpy(store.get(part))
        contexts = [
            Context(
                clip=ids[i + j],
                seed=seed,
                parts=None if store.parts is None else store.parts[row],
                plates=None if store.plates is None else store.plates[row],
                found={name: partial(finder, int(row), frames[j].numpy()) for name, finder in (finders or {}).items()},
            )
            for j, row in enumerate(part)
        ]
        yield condition.apply(on_device(frames, device), contexts, frames)
