"""Videos damaged by seed: bits flipped, the end cut off, a part overwritten with zeros. And how they are taken."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from clipaction.data import video

KINDS = ("flip", "cut", "zeros")


def real_videos() -> list[Path]:
    """The videos in the folder that CLIPACTION_TEST_VIDEOS names; none where it names none."""
    folder = os.environ.get("CLIPACTION_TEST_VIDEOS")
    return sorted(path for path in Path(folder).iterdir() if path.is_file()) if folder else []


def damaged_videos(folder: Path, count: int, seed: int, sources: Sequence[Path] | None = None) -> list[Path]:
    """`count` damaged copies of the sources (default: the real videos), written to folder/<number>_<kind><suffix>.

    The same seed and sources give the same bytes. Kinds and sources take turns; where and how much is drawn.
    """
    sources = real_videos() if sources is None else sources
    if not sources:
        raise ValueError("no videos to damage: give sources, or name a folder of videos in CLIPACTION_TEST_VIDEOS")
    made = []
    for i in range(count):
        generator = np.random.default_rng([seed, i])
        kind, source = KINDS[i % len(KINDS)], sources[i // len(KINDS) % len(sources)]
        data = np.fromfile(source, np.uint8)
        if kind == "flip":  # up to 300 bits anywhere, or in the header
            end = len(data) if generator.random() < 0.7 else min(4096, len(data))
            where = generator.integers(0, end, generator.integers(1, 300))
            data[where] ^= np.uint8(1) << generator.integers(0, 8, len(where), dtype=np.uint8)
        elif kind == "cut":
            data = data[: generator.integers(0, len(data))]
        else:
            start = generator.integers(0, len(data))
            data[start : start + generator.integers(1, max(2, len(data) // 4))] = 0
        path = Path(folder) / f"{i:03d}_{kind}{source.suffix}"
        data.tofile(path)
        made.append(path)
    return made


def taken(path: Path, count: int = 8) -> tuple[str, str]:
    """How a file is taken, 'whole', 'in part' or 'refused', and what is wrong with that or ''. What is given must be
    right in form, what is refused must be told in a line, and both soon."""
    started = time.thread_time()
    try:
        decoded = video.decode(path, count)
    except video.VideoError as error:
        how, right = "refused", "\n" not in str(error) and bool(error.reason)
    else:
        how, indices = "whole" if decoded.complete else "in part", decoded.indices
        right = decoded.frames.dtype == np.uint8 and decoded.frames.shape[::3] == (count, 3)
        right &= bool((np.diff(indices) >= 0).all() and indices[0] >= 0 and indices[-1] < decoded.n_frames)
    seconds = time.thread_time() - started
    if seconds > video.SECONDS + 2:
        return how, f"it took {seconds:.0f} s"
    return how, "" if right else f"wrong where it was taken as {how}"
