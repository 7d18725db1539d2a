"""Video files to frames with PyAV: one pass over the file, in which only the wanted frames are converted.

There is no seeking: an AVI such as UCF-101's may hold a single key frame, and seeking in it is four times slower than
decoding all. Only in a long video (see LONG) is each frame sought. Headers may be wrong: when a file yields another
number of frames than it announces, it is read again for the frames at the centres of what it yields. Rotation flags of
phone videos are applied. The readable part of a damaged file is returned, with a description of the damage.

A file may cost SECONDS of computing and about 500 MB, whatever is in it.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import av
import numpy as np

from ..base.errors import UserError
from .convert import Converter
from .files import not_a_file, printable
from .still import FreezeDetector, all_alike

VIDEO_SUFFIXES = (".avi", ".mp4", ".mkv", ".webm", ".mov")
SECONDS = 10.0  # of computing that a file may cost; not of the clock on the wall, so that a busy machine reads as much
MAX_PIXELS = 8192 * 4320  # of a frame (8K). A decoder keeps several, so that a larger one is refused before that
LONG = 1e9  # pixels of all frames together (16 s of 1080p, 2 minutes of 480p): more are not all decoded


class VideoError(UserError):
    """A file from which no frame can be decoded: `path` and, in a few words, `reason`."""

    def __init__(self, path: Path | str, reason: str):
        super().__init__(f"{printable(path)}: {reason}; replace or remove this file")
        self.path, self.reason = Path(path), reason


@dataclass(frozen=True)
class Decoded:
    """Frames of one clip, uint8 RGB [count, H, W, 3], upright, and their positions.

    `indices` [count] int64 are positions among the `n_frames` frames that decode (of a long video: that it announces);
    `fps` is the average rate (0 if unknown); `damage` says what is wrong with the file or that it is a still picture
    ('' when nothing is).
    """

    frames: np.ndarray
    indices: np.ndarray
    n_frames: int
    fps: float
    damage: str = ""

    @property
    def complete(self) -> bool:
        return not self.damage


def segment_centres(n: int, count: int) -> np.ndarray:
    """Indices [count] of the centres of `count` equal segments of n frames; some repeat when n < count.

    The i-th is floor((i + 1/2) n / count).
    """
    return (2 * np.arange(count, dtype=np.int64) + 1) * n // (2 * count)


def decode(path: Path | str, count: int) -> Decoded:
    """The frames at the centres of `count` equal segments of the video at `path`.

    Of a long video (see LONG), it may be another frame of the same segment, which is decoded sooner. Raises VideoError
    when not one frame can be decoded, or it would take too long.
    """
    if what := not_a_file(path):
        raise VideoError(path, f"{what}, not a video file")
    reader = Reader(path, count)
    try:
        announced, early = reader.announced()
        found, damage = reader.read(announced)
        if found and found != announced:
            found, damage = reader.read_all(found)
    except (av.FFmpegError, OSError) as error:
        raise VideoError(path, _words(error)) from error
    if not found:
        large = "" if 0 < reader.pixels <= MAX_PIXELS else f" (frames have {MAX_PIXELS / 1e6:.0f} megapixels at most)"
        raise VideoError(path, (damage or "no frame decodes") + large)
    if announced - found > max(2, announced // 50):  # packed B-frames and edit lists may cost two
        early = f"{found} of {announced} announced frames decode"
    frames, still = reader.frames(found), ""
    if found == 1 or (count > 1 and all_alike(frames)):
        still = "a still picture: " + ("the frames taken are all alike" if found > 1 else "a single frame")
        damage = "" if damage.startswith("picture frozen") else damage
    damage = "; ".join(filter(None, (early, damage, still)))
    indices = np.array(reader.indices) if reader.indices else segment_centres(found, count)
    return Decoded(frames, indices, found, reader.fps, damage)


class Reader:
    """Reads one file, several times if need be. kept: {index: RGB frame} of the last time, all of one size; indices: of
    the frames that were taken instead, of a long video; fps: the average rate; pixels: of a frame."""

    def __init__(self, path: Path | str, count: int):
        self.path, self.count = path, count
        self.started = time.thread_time()
        self.kept: dict[int, np.ndarray] = {}
        self.indices: list[int] = []
        self.fps, self.pixels = 0.0, 0

    def open(self):
        """Container and main video stream.

        Only local files are opened, also where a file is a playlist that names others. One thread a file, because files
        are decoded in parallel.
        """
        limits = {"protocol_whitelist": "file", "max_pixels": str(MAX_PIXELS)}
        container = av.open(f"file:{os.fspath(self.path)}", options=limits)
        stream = container.streams.best("video")
        if stream is None or stream.codec_context is None:
            container.close()
            raise VideoError(self.path, "no video stream that can be decoded")
        stream.codec_context.thread_count = 1
        stream.codec_context.options = {"max_pixels": str(MAX_PIXELS)}
        return container, stream

    def announced(self) -> tuple[int, str]:
        """Frames that the header announces, and a description of a file that stops early.

        Where the header is silent (Matroska, WebM), the packets in the file are counted.
        """
        container, stream = self.open()
        with container:
            self.fps = float(stream.average_rate or 0)
            self.pixels = stream.codec_context.width * stream.codec_context.height
            if stream.frames:
                return stream.frames, ""
            times: list[int] = []
            with contextlib.suppress(av.FFmpegError):  # decoding will report it
                for packet in container.demux(stream):
                    self.check_time()
                    times += [packet.pts or 0] if packet.size else []
            end = float(max(times, default=0) * (stream.time_base or 0))
            length = (container.duration or 0) / av.time_base
            return len(times), f"stops at {end:.1f} of {length:.1f} s" if length - end > max(1, length / 10) else ""

    def read(self, n: int) -> tuple[int, str]:
        """Keeps the frames at the centres of segments of `n` frames. Returns how many frames there are, and damage."""
        with contextlib.suppress(av.FFmpegError):
            if n * self.pixels > LONG and self.seek(n):
                return n, ""
        return self.read_all(n)

    def read_all(self, n: int) -> tuple[int, str]:
        """The same in one pass over the file."""
        self.kept, self.indices, found = {}, [], 0
        damage: list[str] = []
        wanted = set(segment_centres(n, self.count).tolist())
        container, stream = self.open()
        with container:
            convert, freezes = Converter(self.count), FreezeDetector(self.fps)
            for found, picture in enumerate(self.pictures(container, stream, damage), 1):
                if found - 1 in wanted:
                    self.kept[found - 1] = convert(picture)
                if (start := freezes.frozen_since(found, picture)) is not None:
                    damage.append(f"picture frozen from frame {start}")
        return found, "; ".join(damage[:2])

    def seek(self, n: int) -> bool:
        """The same by decoding from the key frame before each wanted frame, at most LONG pixels in all: where key
        frames are rare, an earlier frame of the same segment is taken. False where that does not work."""
        container, stream = self.open()
        with container:
            self.kept, self.indices, convert = {}, [], Converter(self.count)
            if not self.fps or not stream.time_base:
                return False
            damage: list[str] = []
            step, start = float(1 / (self.fps * stream.time_base)), stream.start_time or 0
            frames, last = self.pictures(container, stream, damage), start - 1
            for index in segment_centres(n, self.count).tolist():
                due = start + index * step
                if key_frame(stream, due) > last:
                    container.seek(round(due), stream=stream)
                    frames = self.pictures(container, stream, damage)
                picture = None
                for picture in islice(frames, max(1, int(LONG / (self.pixels * self.count)))):
                    last = start if picture.pts is None else picture.pts
                    if last >= due - step / 2:
                        break
                if picture is None or damage or abs(due - last) > step * n / (2 * self.count):
                    return False
                self.kept[index] = convert(picture)
                self.indices.append(round((last - start) / step))
        return True

    def pictures(self, container, stream, damage: list[str]) -> Iterator[av.VideoFrame]:
        """Every frame that decodes, in order; failures are appended to `damage`."""
        packets, found = container.demux(stream), 0
        while True:
            try:
                self.check_time()
                if (packet := next(packets, None)) is None:
                    return
                for picture in packet.decode():
                    if picture.is_corrupt:
                        damage.append(f"corrupt frame {found}")
                    found += 1
                    yield picture
            except av.FFmpegError as error:
                damage.append(f"{_words(error)} near frame {found}")

    def check_time(self) -> None:
        if time.thread_time() - self.started > SECONDS:
            raise VideoError(self.path, f"it takes over {SECONDS:.0f} s to decode; cut it shorter or encode it anew")

    def frames(self, found: int) -> np.ndarray:
        """[count, H, W, 3]: the kept frames in order, which are given back one by one, so that none is held twice."""
        indices = segment_centres(found, self.count).tolist()
        if not self.kept.keys() >= set(indices):
            raise VideoError(self.path, "it changes while it is read")
        out = np.empty((self.count, *self.kept[indices[0]].shape), np.uint8)
        for i, index in enumerate(indices):
            out[i] = self.kept[index]
            if index not in indices[i + 1 :]:
                del self.kept[index]
        return out


def key_frame(stream, due: float) -> float:
    """The time of the last key frame before `due`, as far as the file's index tells; else `due`."""
    found = stream.index_entries.search_timestamp(round(due))
    return stream.index_entries[found].timestamp if found >= 0 else due


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()
