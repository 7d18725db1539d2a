"""Frame store: every clip decoded once, resized and cropped as the model wants, uint8, memory-mapped.

<folder>/<key>/frames.npy  uint8 [N, T, S, S, 3], one row a clip, sorted by clip id
               parts.npy   uint8 [N, T, 5, S, S]  (with ground truth) how much of a pixel each part covers, 0 to 255
               plates.npy  uint8 [N, T, S, S, 3]  (with ground truth) the scene without the actor
               index.parquet  the table of rows
               content.json  the digests of arrays and index; written last: a store that is not so is filled again
               failed.csv  clips that could not be decoded, and damaged ones of which a part is used, with the reason

The key covers all that decides a byte: the clips' ids and the content of their files, frames a clip, size,
interpolation, resize mode, and the code that decodes and resizes (`filling.read_clip`). It does not cover the files'
paths and times, so that a copied data folder is recognised.
"""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import astuple, dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from ..base.alone import alone_in
from ..base.cache import Step, read_table
from ..base.errors import StorageError, UserError
from ..base.files import checked_content, digests_of
from ..base.paths import data_dir
from ..base.storage import FULL
from ..base.tensors import mapped
from .dataset import Clip, Dataset
from .filling import FRAMES, PARTS, PLATES, Sampling, fill, read_clip
from .preprocess import PART_CODES

FAILED_SHARE = 0.05
DECODING = Step("frames", read_clip)


@dataclass(frozen=True)
class FrameStore:
    """A finished store. `table` has a row a clip: id, row, n_frames, fps, width, height, indices, ok, reason.

    `reason` is '' for a sound clip; with ok it says what is damaged of a clip whose readable frames are used.
    """

    folder: Path
    table: pd.DataFrame

    @property
    def key(self) -> str:
        return self.folder.name

    @cached_property
    def rows(self) -> dict[str, int]:
        """Row of each usable clip, by id; clips that failed are absent."""
        usable = self.table[self.table.ok]
        return dict(zip(usable.id, usable.row.tolist()))

    @cached_property
    def frames(self) -> np.memmap:
        """uint8 [N, T, S, S, 3], read only."""
        return mapped(self.folder / FRAMES)

    @cached_property
    def parts(self) -> np.memmap | None:
        """uint8 [N, T, 5, S, S]: coverage of head, torso, limbs, prop, text; None without ground truth."""
        return self._optional(PARTS)

    @cached_property
    def plates(self) -> np.memmap | None:
        """uint8 [N, T, S, S, 3]: the scene without the actor; None without ground truth."""
        return self._optional(PLATES)

    def get(self, rows) -> np.ndarray:
        """A copy of the frames of some rows, uint8 [n, T, S, S, 3]."""
        return np.array(self.frames[np.asarray(rows, dtype=np.int64)])

    def _optional(self, name: str) -> np.memmap | None:
        path = self.folder / name
        return mapped(path) if path.exists() else None

    @classmethod
    def open(cls, folder: Path) -> FrameStore:
        """The finished store in `folder` (named by its key). Raises UserError when there is none."""
        if not (folder / "index.parquet").exists():
            raise UserError(f"no finished frame store in {folder}; run `python -m clipaction prepare`")
        return cls(folder, read_table(folder / "index.parquet"))


def prepare(
    dataset: Dataset,
    size: int,
    frames: int,
    folder: Path,
    workers: int | None = None,
    interpolation: str = "bicubic",
    resize_mode: str = "shortest",
) -> FrameStore:
    """The store of `frames` frames a clip, for a model of input `size`, under `folder`; decodes what is missing.

    `workers` threads (default: one a core) decode a clip each; their number changes no byte. A clip that fails is
    listed and left out. Raises UserError when more than 5 % fail, no clip of a class can be used, or the disk is
    full.
    """
    sampling = Sampling(size, frames, interpolation, resize_mode)
    if resize_mode not in ("shortest", "squash") or interpolation not in ("bicubic", "bilinear"):
        supported = "use a model with shortest or squash, bicubic or bilinear"
        raise UserError(f"preprocessing {resize_mode}/{interpolation} is not supported; {supported}")
    clips = sorted(dataset.clips, key=lambda clip: clip.id)
    if not clips:
        raise UserError(f"no clips in {dataset.name}; nothing to prepare")
    shapes = array_shapes(clips, sampling)
    store = Path(folder) / store_key(clips, sampling)
    try:
        store.mkdir(parents=True, exist_ok=True)
        with alone_in(store):  # a second run of the same store waits, then finds it finished
            if not is_finished(store, shapes):
                if (store / "index.parquet").exists():
                    print(f"{store}: a file is damaged or missing; the clips are decoded again", flush=True)
                fill(store, clips, shapes, sampling, workers or os.cpu_count() or 1)
    except (StorageError, OSError) as error:
        if error.errno not in FULL:
            raise
        free, needed = shutil.disk_usage(folder).free / 1e6, sum(map(math.prod, shapes.values())) / 1e6
        sizes = f"they take {needed:.0f} MB, {free:.0f} MB are free"
        remedy = "free some or point CLIPACTION_DATA elsewhere"
        raise StorageError(f"no space left for the frames in {store}: {sizes}; {remedy}") from None
    result = FrameStore.open(store)
    check_failures(result, clips)
    return result


def array_shapes(clips: list[Clip], sampling: Sampling) -> dict[str, tuple[int, ...]]:
    """{file: shape} of a store's arrays; parts and plates only where every clip has ground truth."""
    count, size = (len(clips), sampling.frames), sampling.size
    shapes: dict[str, tuple[int, ...]] = {FRAMES: (*count, size, size, 3)}
    if all(clip.truth for clip in clips):
        shapes |= {PARTS: (*count, len(PART_CODES), size, size), PLATES: shapes[FRAMES]}
    return shapes


def store_key(clips: list[Clip], sampling: Sampling) -> str:
    """16 hex digits of the clips' ids and files, the sampling and the code.

    What is no file that can be read counts as empty: a named pipe would be waited for.
    """
    paths = [path for clip in clips for path in (clip.path, clip.truth) if path]
    progress = tqdm(paths, desc="checking files", unit="file", delay=2, leave=False)
    found = digests_of((path for path in progress if path.is_file() and os.access(path, os.R_OK)), data_dir())
    files = sorted(
        (clip.id, *(found.get(path, "") if path else "" for path in (clip.path, clip.truth))) for clip in clips
    )
    return DECODING.key(astuple(sampling), files)


def is_finished(store: Path, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Whether the index and every array are there, open with the right shape and are as they were written."""
    try:
        index = read_table(store / "index.parquet")
        arrays = {name: mapped(store / name).shape for name in shapes}
    except (OSError, UserError):
        return False
    if arrays != shapes or len(index) != shapes[FRAMES][0]:
        return False
    checked = checked_content(store, data_dir())
    return checked is not None and all(checked.values())


def check_failures(store: FrameStore, clips: list[Clip]) -> None:
    """UserError when more than 5 % of the clips failed or none of a class can be used."""
    failed = store.table[~store.table.ok]
    listed = ", ".join(f"{row.id} ({row.reason})" for row in failed.head(10).itertuples())
    listed += ", ..." if len(failed) > 10 else ""
    advice = f"; replace or remove them (list: {store.folder / 'failed.csv'})"
    empty = sorted({clip.cls for clip in clips} - {clip.cls for clip in clips if clip.id in store.rows})
    if empty:
        raise UserError(f"no clip of {', '.join(empty)} can be used: {listed}{advice}")
    if len(failed) > FAILED_SHARE * len(clips):
        share = f"{len(failed)} of {len(clips)} clips cannot be used, more than {FAILED_SHARE:.0%}"
        raise UserError(f"{share}: {listed}{advice}")
