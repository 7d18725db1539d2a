"""Fill a frame store: decode clips side by side, write each into its row, and go on where a killed run stopped.

rows.jsonl in the store's folder has a line a finished row, written after its pixels reached the disk.
"""

from __future__ import annotations

import contextlib
import json
import os
import time
import zipfile
import zlib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base.cache import save_table
from ..base.errors import StorageError, UserError
from ..base.files import note_content, replacing, write_text
from ..base.paths import data_dir
from ..base.tensors import mapped
from ..demo.truth import load_truth
from .dataset import Clip
from .files import printable
from .preprocess import coverage, resize
from .video import VideoError, decode

FRAMES, PARTS, PLATES = "frames.npy", "parts.npy", "plates.npy"
SYNC_SECONDS = 2.0  # a kill costs at most the rows of so long

Shapes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Sampling:
    """How a clip becomes frames: input size of the model in pixels, frames a clip, interpolation, resize mode."""

    size: int
    frames: int
    interpolation: str = "bicubic"
    resize_mode: str = "shortest"


def read_clip(video: Path, truth: Path | None, sampling: Sampling) -> tuple[dict[str, np.ndarray], dict]:
    """The arrays of one row, {file name: uint8 array}, and facts about the clip: n_frames, fps, ..., ok, reason.

    A clip that cannot be read gives no arrays, and the reason. All code that decides a byte of a store is reached
    from here.
    """
    try:
        decoded = decode(video, sampling.frames)
    except VideoError as error:
        return {}, {"ok": False, "reason": error.reason}
    size, mode = sampling.size, sampling.resize_mode
    arrays = {FRAMES: resize(decoded.frames, size, sampling.interpolation, mode)}
    if truth is not None:
        try:
            labels, plates = load_truth(truth, decoded.indices)
        except (OSError, ValueError, LookupError, zipfile.BadZipFile, zlib.error) as error:
            return {}, {"ok": False, "reason": f"ground truth {printable(truth)}: {error}"}
        arrays |= {PARTS: coverage(labels, size, mode), PLATES: resize(plates, size, sampling.interpolation, mode)}
    height, width = decoded.frames.shape[1:3]
    facts = {"n_frames": decoded.n_frames, "fps": decoded.fps, "width": width, "height": height}
    return arrays, {**facts, "indices": decoded.indices.tolist(), "ok": True, "reason": decoded.damage}


def fill(store: Path, clips: list[Clip], shapes: Shapes, sampling: Sampling, workers: int) -> None:
    """Decode the rows that rows.jsonl does not list, then write failed.csv, index.parquet and, last, content.json."""
    journal, has_truth = store / "rows.jsonl", PARTS in shapes
    (store / "index.parquet").unlink(missing_ok=True)
    done = resume(journal, shapes)
    todo = [(row, clip) for row, clip in enumerate(clips) if row not in done]

    def job(row: int, clip: Clip) -> dict:
        arrays, facts = read_clip(clip.path, clip.truth if has_truth else None, sampling)
        for name, array in arrays.items():
            rows.write(name, row, array)
        unread = {"n_frames": 0, "fps": 0.0, "width": 0, "height": 0, "indices": []}
        return {"id": clip.id, "row": row, **unread, **facts}

    threads = torch.get_num_threads()
    bar = tqdm(total=len(clips), initial=len(done), desc="decoding", unit="clip", disable=not todo)
    with open_rows(store, shapes, journal) as rows, bar:
        pool = ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,))
        try:
            jobs = [pool.submit(job, row, clip) for row, clip in todo]
            for finished in as_completed(jobs):
                line = finished.result()
                done[line["row"]] = line
                rows.note(line)
                if line["reason"]:
                    tqdm.write(f"{line['id']}: {line['reason']}; " + ("used" if line["ok"] else "not used"))
                bar.update()
        finally:
            pool.shutdown(cancel_futures=True)
            torch.set_num_threads(threads)
            rows.sync()
    finish(store, clips, pd.DataFrame([done[row] for row in range(len(clips))]))
    journal.unlink()


def finish(store: Path, clips: list[Clip], table: pd.DataFrame) -> None:
    """Write failed.csv, index.parquet and, last, content.json with the digests of index and arrays."""
    bad = table[table.reason != ""].rename(columns={"ok": "used"})
    bad = bad.assign(path=[printable(clips[row].path) for row in bad.row])
    write_text(store / "failed.csv", bad[["id", "path", "used", "reason"]].to_csv(index=False))
    save_table(store / "index.parquet", table)
    files = (store / name for name in (FRAMES, PARTS, PLATES, "index.parquet"))
    note_content(store, [path for path in files if path.exists()], data_dir())


class Rows:
    """The open arrays of a store and its journal.

    Rows are written in place, not through `base.files.replacing`: a run that was killed goes on in the same arrays.
    """

    def __init__(self, files: dict, offsets: dict[str, int], log):
        self.files, self.offsets, self.log = files, offsets, log
        self.pending: list[dict] = []
        self.synced = time.monotonic()

    def write(self, name: str, row: int, array: np.ndarray) -> None:
        """Write one row in its place. By pwrite, not a memory map: a full disk is then an error and not a crash."""
        view = array.data.cast("B")
        start = self.offsets[name] + row * len(view)
        while view:
            written = os.pwrite(self.files[name].fileno(), view, start)
            view, start = view[written:], start + written

    def note(self, line: dict) -> None:
        """Remember that a row is written; its line goes to the journal with the next sync."""
        self.pending.append(line)
        if time.monotonic() - self.synced > SYNC_SECONDS:
            self.sync()

    def sync(self) -> None:
        """Pixels to the disk, then their lines; many rows at a time, as one sync may take a second on a busy disk."""
        for file in self.files.values():
            os.fsync(file.fileno())
        self.log.write("".join(json.dumps(line) + "\n" for line in self.pending))
        self.log.flush()
        self.pending.clear()
        self.synced = time.monotonic()


@contextlib.contextmanager
def open_rows(store: Path, shapes: Shapes, journal: Path) -> Iterator[Rows]:
    """The arrays of a store, open for writing rows, and its journal, open for appending lines."""
    with contextlib.ExitStack() as stack:
        files, offsets = {}, {}
        for name in shapes:
            offsets[name] = mapped(store / name).offset
            files[name] = stack.enter_context(open(store / name, "r+b", buffering=0))
        yield Rows(files, offsets, stack.enter_context(open(journal, "a")))


def resume(journal: Path, shapes: Shapes) -> dict[int, dict]:
    """The finished rows by number. Without one, or when an array is missing, all arrays are made anew."""
    done: dict[int, dict] = {}
    store = journal.parent
    try:
        arrays = {name: mapped(store / name).shape for name in shapes}
        for line in journal.read_text().splitlines() if arrays == shapes else []:
            with contextlib.suppress(json.JSONDecodeError):  # a line that a kill cut short
                row = json.loads(line)
                done[row["row"]] = row
    except (OSError, ValueError, UserError):
        pass
    if not done:
        journal.unlink(missing_ok=True)
        make_arrays(store, shapes)
    write_text(journal, "".join(json.dumps(row) + "\n" for row in done.values()))
    return done


def make_arrays(store: Path, shapes: Shapes) -> None:
    """Empty arrays in full size, with their space on the disk: a full disk is found before hours of decoding."""
    try:
        for name, shape in shapes.items():
            with replacing(store / name) as temporary:
                np.lib.format.open_memmap(temporary, "w+", np.uint8, shape)
                with open(temporary, "r+b") as file:
                    if hasattr(os, "posix_fallocate"):
                        os.posix_fallocate(file.fileno(), 0, os.fstat(file.fileno()).st_size)
    except (OSError, StorageError):
        for name in shapes:  # give the space back
            (store / name).unlink(missing_ok=True)
        raise
