"""What moves before a camera that pans, zooms, rolls or walks: no weights, no annotation."""

from __future__ import annotations

import hashlib
from threading import Lock

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from .motion import large_parts, otsu
from .planes import change
from .source import Evidence, as_tensor, source

SIDE = 112  # short side at which frames are compared, px
NOISE = 8.0  # grey levels: a smaller change is noise of camera and compression, not motion
UNREST = 4.0  # times as much as places usually change (water does): less is not motion either
REMEMBERED = 2**28  # bytes of masks kept in memory

_lock = Lock()
_found: dict[bytes, np.ndarray] = {}  # masks, eight pixels a byte, by the digest of the frames


def moving(frames: np.ndarray) -> np.ndarray:
    """What disagrees with the dominant motion, bool [T, h, w], of frames uint8 [T, H, W, 3].

    A frame's change against the other frames (`planes.change`) is thresholded at 0.4 of Otsu's value, at most a third
    of all pixels, and above the usual unrest of the clip; then closed and filled. Components smaller than a fifth of
    the largest are dropped."""
    differs, unrest = change(frames, SIDE)
    differs = ndimage.gaussian_filter(differs, (0, 0.8, 0.8))
    least = max(0.4 * otsu(differs), np.quantile(differs, 0.65), NOISE + UNREST * unrest)
    return np.stack([large_parts(frame) for frame in differs > least])


@source("homography", parts=("actor+prop", "background"))
def against_background(part: str, evidence: Evidence) -> torch.Tensor:
    """'actor+prop' is what does not move as most of the picture does; edges are soft over about one pixel of SIDE.

    Limits: as of `motion`, what stands still in most frames is missed; an actor who fills most of the picture is taken
    for the background; the mask is empty where frames show too little in common, as of open water. Found once a clip
    and remembered."""
    frames, size = as_tensor(evidence.frames), tuple(evidence.frames.shape[1:3])
    key = hashlib.blake2b(frames.numpy().tobytes(), digest_size=16, salt=repr(size).encode()[:16]).digest()
    small = [round(length * min(1.0, SIDE / min(size))) for length in size]
    if key not in _found:
        bits = np.packbits(moving(frames.numpy()))
        with _lock:  # clips are masked in several threads
            if sum(map(len, _found.values())) + len(bits) <= REMEMBERED:
                _found[key] = bits
    else:
        bits = _found[key]
    mask = np.unpackbits(bits, count=len(frames) * small[0] * small[1]).reshape(len(frames), 1, *small)
    soft = F.interpolate(torch.from_numpy(mask).float(), size, mode="bilinear", align_corners=False)[:, 0]
    return 1 - soft if part == "background" else soft
