"""Pictures that stand still: a part of a video that is frozen, or all of it."""

from __future__ import annotations

import av
import numpy as np

# A picture that stands still for this long is damage that was recorded or re-encoded; no decoder reports it.
# Still: in a quarter of a second, no luma sample changes by more than FROZEN_LEVEL of 255 (a person sitting still: 60).
FROZEN_SECONDS = 1.0
FROZEN_LEVEL = 8


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


def all_alike(frames: np.ndarray) -> bool:
    """Whether no value of frames [T, H, W, 3] differs from the first frame's by more than FROZEN_LEVEL."""
    first = frames[0]
    return all((np.maximum(frame, first) - np.minimum(frame, first)).max() <= FROZEN_LEVEL for frame in frames[1:])
