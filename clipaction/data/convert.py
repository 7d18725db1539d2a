"""Decoded pictures to arrays."""

from __future__ import annotations

import av
import numpy as np
from av.video.reformatter import VideoReformatter

FRAME_BYTES = 2**28  # of the frames kept of a file: larger ones are scaled down as they are converted to RGB


class Converter:
    """Pictures to uint8 RGB [H, W, 3], upright, all of the first one's size; `count` of them fit in FRAME_BYTES."""

    def __init__(self, count: int):
        self.reformatter = VideoReformatter()  # one a pass: one for each frame takes twenty times as long as converting
        self.pixels = FRAME_BYTES // (3 * count)
        self.size: tuple[int, int] | None = None  # upright

    def __call__(self, picture: av.VideoFrame) -> np.ndarray:
        turns = round(picture.rotation / 90) % 4
        if self.size is None:
            shrink = min(1.0, (self.pixels / (picture.height * picture.width)) ** 0.5)
            size = max(1, int(picture.height * shrink)), max(1, int(picture.width * shrink))
            self.size = size if turns % 2 == 0 else size[::-1]
        height, width = self.size if turns % 2 == 0 else self.size[::-1]
        rgb = self.reformatter.reformat(picture, width=width, height=height, format="rgb24", threads=1).to_ndarray()
        return np.rot90(rgb, turns)
