"""Frame store: every clip decoded once, resized and cropped as the model wants, uint8, memory-mapped, kept by key.

<folder>/<key>/frames.npy  uint8 [N, T, S, S, 3], one row a clip, sorted by clip id
               parts.npy   uint8 [N, T, 5, S, S]  (with ground truth) how much of a pixel head, torso, limbs, prop, text cover, 0 to 255
               plates.npy  uint8 [N, T, S, S, 3]  (with ground truth) the scene without the actor
               rows.jsonl  a line a finished row, written after its pixels reached the disk: what a killed run goes on from
               index.parquet  the table of rows; written last: a store without it is unfinished
               failed.csv  clips that could not be decoded, and damaged ones of which a part is used, by reason

The key holds all that changes a byte: clip ids, file sizes and times, frames a clip, size, interpolation, resize mode, VERSION.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import hashlib
import json
import math
import os
import shutil
import time
import zipfile
import zlib
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from .dataset import Clip, Dataset
from .errors import UserError
from .preprocess import PART_CODES, coverage, resize
from .video import VideoError, decode

VERSION = 1  # of what is written: raise it when code here or in video.py changes a byte of a row
FAILED_SHARE = 0.05
SYNC_SECONDS = 2.0  # a kill costs at most the rows of so long


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
        return np.load(self.folder / "frames.npy", mmap_mode="r", allow_pickle=False)

    @cached_property
    def parts(self) -> np.memmap | None:
        """uint8 [N, T, 5, S, S]: coverage of head, torso, limbs, prop, text; None without ground truth."""
        return self._optional("parts.npy")

    @cached_property
    def plates(self) -> np.memmap | None:
        """uint8 [N, T, S, S, 3]: the scene without the actor; None without ground truth."""
        return self._optional("plates.npy")

    def get(self, rows) -> np.ndarray:
        """A copy of the frames of some rows, uint8 [n, T, S, S, 3]."""
        return np.array(self.frames[np.asarray(rows, dtype=np.int64)])

    def _optional(self, name: str) -> np.memmap | None:
        path = self.folder / name
        return np.load(path, mmap_mode="r", allow_pickle=False) if path.exists() else None

    @classmethod
    def open(cls, folder: Path) -> FrameStore:
        """The finished store in `folder` (named by its key). Raises UserError when there is none."""
        if not (folder / "index.parquet").exists():
            raise UserError(f"no finished frame store in {folder}; run `python -m clipaction prepare`")
        return cls(folder, pd.read_parquet(folder / "index.parquet"))


def prepare(dataset: Dataset, size: int, frames: int, folder: Path, workers: int | None = None,
            interpolation: str = "bicubic", resize_mode: str = "shortest") -> FrameStore:
    """The store of `frames` frames a clip, resized for a model of input `size`, under `folder`; decodes only what is missing.

    Threads decode `workers` (all cores) clips at a time; their number changes no byte. A clip that fails is listed, not
    fatal; UserError when more than 5 % fail, nothing is left of a class, or the disk is full.
    """
    if resize_mode not in ("shortest", "squash") or interpolation not in ("bicubic", "bilinear"):
        raise UserError(f"preprocessing {resize_mode}/{interpolation} is not supported; use a model with shortest or squash, bicubic or "
                        "bilinear")  # fmt: skip
    clips = sorted(dataset.clips, key=lambda clip: clip.id)
    if not clips:
        raise UserError(f"no clips in {dataset.name}; nothing to prepare")
    shapes = {"frames.npy": (len(clips), frames, size, size, 3)}
    if all(clip.truth for clip in clips):
        shapes |= {"parts.npy": (len(clips), frames, len(PART_CODES), size, size), "plates.npy": shapes["frames.npy"]}
    store = Path(folder) / store_key(clips, size, frames, interpolation, resize_mode)
    try:
        store.mkdir(parents=True, exist_ok=True)
        with open(store / "lock", "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second run of the same store waits, then finds it finished
            if not _finished(store, shapes):
                _fill(store, clips, shapes, workers or os.cpu_count() or 1, size, frames, interpolation, resize_mode)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        free, needed = shutil.disk_usage(folder).free / 1e6, sum(map(math.prod, shapes.values())) / 1e6
        raise UserError(f"no space left for the frames in {store}: they take {needed:.0f} MB, {free:.0f} MB are free; "
                        "free some or point CLIPACTION_DATA elsewhere") from None  # fmt: skip
    result = FrameStore.open(store)
    _check_failures(result, clips)
    return result


def store_key(clips: list[Clip], size: int, frames: int, interpolation: str = "bicubic", resize_mode: str = "shortest") -> str:
    """16 hex digits; a missing file counts as size and time 0."""

    def stamp(path: Path | None):
        with contextlib.suppress(OSError, AttributeError):
            return (path.stat().st_size, path.stat().st_mtime_ns)
        return (0, 0)

    files = sorted((clip.id, *stamp(clip.path), *stamp(clip.truth)) for clip in clips)
    return hashlib.sha256(json.dumps([VERSION, size, frames, interpolation, resize_mode, files]).encode()).hexdigest()[:16]


def _finished(store: Path, shapes: dict[str, tuple[int, ...]]) -> bool:
    """Whether the index and every array are there and open with the right shape."""
    try:
        index = pd.read_parquet(store / "index.parquet", columns=["row"])
        arrays = {name: np.load(store / name, mmap_mode="r", allow_pickle=False).shape for name in shapes}
    except (OSError, ValueError):
        return False
    return arrays == shapes and len(index) == shapes["frames.npy"][0]


def _fill(store: Path, clips: list[Clip], shapes: dict, workers: int, size: int, frames: int, interpolation: str, resize_mode: str) -> None:
    """Decode the rows that rows.jsonl does not list, then write failed.csv and, last, index.parquet."""
    journal = store / "rows.jsonl"
    (store / "index.parquet").unlink(missing_ok=True)
    done = _resume(journal, shapes)
    threads = torch.get_num_threads()
    with contextlib.ExitStack() as stack:
        files = {}
        for name in shapes:
            offset = np.load(store / name, mmap_mode="r", allow_pickle=False).offset
            files[name] = (stack.enter_context(open(store / name, "r+b", buffering=0)), offset)
        log = stack.enter_context(open(journal, "a"))
        todo = [(row, clip) for row, clip in enumerate(clips) if row not in done]
        bar = stack.enter_context(tqdm(total=len(clips), initial=len(done), desc="decoding", unit="clip", disable=not todo))
        pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))  # clips, not pixels, in parallel
        pending, synced = [], time.monotonic()

        def sync():
            """Pixels to the disk, then the lines that say so; together for many rows, as one sync may take a second on a busy disk."""
            for file, _ in files.values():
                os.fsync(file.fileno())
            log.write("".join(json.dumps(row) + "\n" for row in pending))
            log.flush()
            pending.clear()

        try:
            jobs = [pool.submit(_row, row, clip, files, size, frames, interpolation, resize_mode) for row, clip in todo]
            for job in as_completed(jobs):
                row = job.result()
                pending.append(row)
                if row["reason"]:
                    tqdm.write(f"{row['id']}: {row['reason']}" + ("; the rest is used" if row["ok"] else ""))
                done[row["row"]] = row
                bar.update()
                if time.monotonic() - synced > SYNC_SECONDS:
                    sync()
                    synced = time.monotonic()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)
            sync()
    table = pd.DataFrame([done[row] for row in range(len(clips))])
    bad = table[table.reason != ""].assign(path=lambda t: [clips[row].path for row in t.row]).rename(columns={"ok": "used"})
    _write(store / "failed.csv", bad[["id", "path", "used", "reason"]].to_csv(index=False))
    table.to_parquet(store / "index.tmp", index=False)
    os.replace(store / "index.tmp", store / "index.parquet")
    journal.unlink()


def _resume(journal: Path, shapes: dict[str, tuple[int, ...]]) -> dict[int, dict]:
    """Finished rows by number; arrays are made anew, full size and so with their space on the disk, when any is missing."""
    done, store = {}, journal.parent
    try:
        whole = all(np.load(store / name, mmap_mode="r", allow_pickle=False).shape == shape for name, shape in shapes.items())
        for line in journal.read_text().splitlines() if whole else []:
            with contextlib.suppress(json.JSONDecodeError):  # a line that a kill cut short
                row = json.loads(line)
                done[row["row"]] = row
    except (OSError, ValueError):
        pass
    if not done:
        journal.unlink(missing_ok=True)
        try:
            for name, shape in shapes.items():
                np.lib.format.open_memmap(store / f"{name}.tmp", "w+", np.uint8, shape)
                with open(store / f"{name}.tmp", "r+b") as file:
                    if hasattr(os, "posix_fallocate"):  # a full disk is known before hours of decoding
                        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
                os.replace(store / f"{name}.tmp", store / name)
        except OSError:
            for name in shapes:  # give the space back
                (store / f"{name}.tmp").unlink(missing_ok=True)
                (store / name).unlink(missing_ok=True)
            raise
    _write(journal, "".join(json.dumps(row) + "\n" for row in done.values()))
    return done


def _row(row: int, clip: Clip, files: dict, size: int, frames: int, interpolation: str, resize_mode: str) -> dict:
    """Decode one clip into its row of the files; its line of the table."""
    line = {"id": clip.id, "row": row, "n_frames": 0, "fps": 0.0, "width": 0, "height": 0, "indices": [], "ok": False, "reason": ""}
    try:
        decoded = decode(clip.path, frames)
    except VideoError as error:
        return line | {"reason": error.reason}
    images = {"frames.npy": resize(decoded.frames, size, interpolation, resize_mode)}
    if "parts.npy" in files:
        from .demo.truth import load_truth

        try:
            labels, plates = load_truth(clip.truth, decoded.indices)
        except (OSError, ValueError, LookupError, zipfile.BadZipFile, zlib.error) as error:
            return line | {"reason": f"ground truth {clip.truth}: {error}"}
        images |= {"parts.npy": coverage(labels, size, resize_mode), "plates.npy": resize(plates, size, interpolation, resize_mode)}
    for name, image in images.items():
        file, offset = files[name]
        view = memoryview(image).cast("B")
        start = offset + row * len(view)
        while view:  # pwrite, not a memory map: a full disk is then an error and not a crash
            written = os.pwrite(file.fileno(), view, start)
            view, start = view[written:], start + written
    height, width = decoded.frames.shape[1:3]
    found = {"n_frames": decoded.n_frames, "fps": decoded.fps, "width": width, "height": height, "indices": decoded.indices.tolist()}
    return line | found | {"ok": True, "reason": decoded.damage}


def _check_failures(store: FrameStore, clips: list[Clip]) -> None:
    """UserError when more than 5 % of the clips failed or none is left of a class."""
    failed = store.table[~store.table.ok]
    listed = ", ".join(f"{row.id} ({row.reason})" for row in failed.head(10).itertuples()) + (", ..." if len(failed) > 10 else "")
    advice = f"; replace or remove them (list: {store.folder / 'failed.csv'})"
    emptied = sorted({clip.cls for clip in clips} - {clip.cls for clip in clips if clip.id in store.rows})
    if emptied:
        raise UserError(f"no clip of {', '.join(emptied)} can be used: {listed}{advice}")
    if len(failed) > FAILED_SHARE * len(clips):
        raise UserError(f"{len(failed)} of {len(clips)} clips cannot be used, more than {FAILED_SHARE:.0%}: {listed}{advice}")


def _write(path: Path, text: str) -> None:
    """Write aside, then rename."""
    aside = path.with_name(path.name + ".tmp")
    aside.write_text(text)
    os.replace(aside, path)
