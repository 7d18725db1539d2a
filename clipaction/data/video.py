"""Video files to frames with PyAV: one pass over the file, in which only the wanted frames are converted.

There is no seeking: an AVI such as UCF-101's may hold a single key frame, and seeking in it is four times slower than
decoding all. Headers may be wrong: when a file yields another number of frames than it announces, it is read again
for the frames at the centres of what it yields. Rotation flags of phone videos are applied. The readable part of a
damaged file is returned, with a description of the damage.
"""

from __future__ import annotations

import contextlib
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.video.reformatter import VideoReformatter

from ..base.errors import UserError

VIDEO_SUFFIXES = (".avi", ".mp4", ".mkv", ".webm", ".mov")
# A picture that stands still for this long is damage that was recorded or re-encoded; no decoder reports it.
# Still: in a quarter of a second, no luma sample changes by more than FROZEN_LEVEL of 255 (a person sitting still: 60).
FROZEN_SECONDS = 1.0
FROZEN_LEVEL = 8


class VideoError(UserError):
    """A file from which no frame can be decoded: `path` and, in a few words, `reason`."""

    def __init__(self, path: Path | str, reason: str):
        super().__init__(f"{path}: {reason}; replace or remove this file")
        self.path, self.reason = Path(path), reason


@dataclass(frozen=True)
class Decoded:
    """Frames of one clip, uint8 RGB [count, H, W, 3], upright, and their positions.

    `indices` [count] int64 are positions among the `n_frames` frames that decode; `fps` is the average rate (0 if
    unknown); `damage` says what is wrong with the file ('' when nothing is).
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

    Raises VideoError when not one frame can be decoded.
    """
    try:
        announced, early = _announced(path)
        kept, found, fps, damage = _read(path, segment_centres(announced, count))
        if found and found != announced:
            kept, found, fps, damage = _read(path, segment_centres(found, count))
    except (av.FFmpegError, OSError) as error:
        raise VideoError(path, _words(error)) from error
    if not found:
        raise VideoError(path, damage or "no frame decodes")
    if announced - found > max(2, announced // 50):  # packed B-frames and edit lists may cost two
        early = f"{found} of {announced} announced frames decode"
    indices = segment_centres(found, count)
    return Decoded(np.stack([kept[i] for i in indices]), indices, found, fps, "; ".join(filter(None, (early, damage))))


def _open(path):
    """Container and main video stream.

    Only local files are opened, also where a file is a playlist that names others. One thread a file, because files are
    decoded in parallel.
    """
    container = av.open(f"file:{path}", options={"protocol_whitelist": "file"})
    stream = container.streams.best("video")
    if stream is None or stream.codec_context is None:
        container.close()
        raise VideoError(path, "no video stream that can be decoded")
    stream.codec_context.thread_count = 1
    return container, stream


def _announced(path) -> tuple[int, str]:
    """Frames that the header announces, and a description of a file that stops early.

    Where the header is silent (Matroska, WebM), the packets in the file are counted.
    """
    container, stream = _open(path)
    with container:
        if stream.frames:
            return stream.frames, ""
        times: list[int] = []
        with contextlib.suppress(av.FFmpegError):  # decoding will report it
            times.extend(packet.pts or 0 for packet in container.demux(stream) if packet.size)
        end, length = float(max(times, default=0) * (stream.time_base or 0)), (container.duration or 0) / av.time_base
        return len(times), f"stops at {end:.1f} of {length:.1f} s" if length - end > max(1, length / 10) else ""


def _read(path, wanted: np.ndarray) -> tuple[dict[int, np.ndarray], int, float, str]:
    """One pass over the file: {index: RGB frame of the first one's size}, number of frames, average rate, damage."""
    indices = set(wanted.tolist())
    kept: dict[int, np.ndarray] = {}
    damage: list[str] = []
    found, shape = 0, None
    container, stream = _open(path)
    converter = VideoReformatter()  # one a pass: making one for each frame takes twenty times as long as the conversion
    with container:
        fps = float(stream.average_rate or 0)
        freezes = FreezeDetector(fps)
        for found, picture in enumerate(_pictures(container, stream, damage), 1):
            if found - 1 in indices:
                kept[found - 1] = _rgb(picture, converter, shape)
                shape = kept[found - 1].shape
            if (start := freezes.frozen_since(found, picture)) is not None:
                damage.append(f"picture frozen from frame {start}")
    return kept, found, fps, "; ".join(damage[:2])


class FreezeDetector:
    """Compares the luma of a few rows every quarter of a second."""

    def __init__(self, fps: float):
        self.fps, self.step = fps, max(1, round(fps / 4))
        self.still = 0  # comparisons in a row without a change
        self.last: np.ndarray | None = None  # the luma compared last

    def frozen_since(self, found: int, picture: av.VideoFrame) -> int | None:
        """The first still frame, once the picture stood still for FROZEN_SECONDS; `found`: frames so far."""
        if not self.fps or found % self.step:
            return None
        luma = np.frombuffer(memoryview(picture.planes[0]), np.uint8)[::17].astype(np.int16)
        last, self.last = self.last, luma
        same = last is not None and luma.shape == last.shape and np.abs(luma - last).max() <= FROZEN_LEVEL
        self.still = self.still + 1 if same else 0
        return found - 1 - self.still * self.step if self.still == -(-FROZEN_SECONDS * self.fps // self.step) else None


def _pictures(container, stream, damage: list[str]):
    """Every frame that decodes, in order; failures are appended to `damage`."""
    packets, found = container.demux(stream), 0
    while True:
        try:
            if (packet := next(packets, None)) is None:
                return
            for picture in packet.decode():
                if picture.is_corrupt:
                    damage.append(f"corrupt frame {found}")
                found += 1
                yield picture
        except av.FFmpegError as error:
            damage.append(f"{_words(error)} near frame {found}")


def _words(error: Exception) -> str:
    return (getattr(error, "strerror", None) or str(error)).lower()


def _rgb(picture: av.VideoFrame, converter: VideoReformatter, shape: tuple[int, ...] | None) -> np.ndarray:
    """uint8 [H, W, 3], turned upright; scaled to `shape` when the stream changes its size midway."""
    turns = round(picture.rotation / 90) % 4
    height, width = (shape[:2] if turns % 2 == 0 else shape[1::-1]) if shape else (picture.height, picture.width)
    rgb = converter.reformat(picture, width=width, height=height, format="rgb24", threads=1).to_ndarray()
    return np.rot90(rgb, turns)
