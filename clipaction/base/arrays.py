"""Arrays that need not fit into memory."""

from __future__ import annotations

import math
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from .storage import writing


class Rows:
    """Some rows of an array [n, ...], read when they are asked for: rows[i] is array[index[i]]. With several indices
    [m] the rows lie along as many axes: rows[i] is array[first[i], second[i]]."""

    def __init__(self, array: Any, *index: np.ndarray):
        self.array, self.index = array, index

    def __len__(self) -> int:
        return len(self.index[0])

    def __getitem__(self, at: Any) -> np.ndarray:
        return np.asarray(self.array[tuple(index[at] for index in self.index)])

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        return np.asarray(self[:], dtype)

    @property
    def shape(self) -> tuple[int, ...]:
        return len(self), *self.array.shape[len(self.index) :]


def on_disk(shape: tuple[int, ...], folder: Path) -> np.ndarray:
    """An array of zeros, uint8, in a file of `folder` that has no name and goes when the array does. The system keeps
    in memory what fits. Raises StorageError where the disk has no room for all of it."""
    with writing(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with writing(folder), tempfile.TemporaryFile(dir=folder) as file:
        size = max(1, math.prod(shape))
        if hasattr(os, "posix_fallocate"):  # a full disk is an error here; later it would end the process
            os.posix_fallocate(file.fileno(), 0, size)
        else:
            file.truncate(size)
        return np.asarray(np.memmap(file, np.uint8, "r+", shape=(size,)))[: math.prod(shape)].reshape(shape)
