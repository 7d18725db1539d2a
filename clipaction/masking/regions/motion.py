"""What moves, from the frames alone: no weights, no annotation."""

from __future__ import annotations

import hashlib
import zlib
from threading import Lock

import cv2
import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from .camera import camera_shifts, lower_quantile, median, roll
from .source import Evidence, as_tensor, source

NOISE = 10.0  # grey levels: a smaller change is noise of camera and compression, not motion
REACH = 5  # px: gaps so wide are closed
DISC = (np.hypot(*np.mgrid[-REACH : REACH + 1, -REACH : REACH + 1]) <= REACH).astype(np.uint8)
REMEMBERED = 2**28  # bytes of masks kept in memory

# Masks uint8 by the digest of the frames, compressed to a tenth or less. Whole ones, kept among arrays that come and
# go, would also leave holes in the heap: they took four times their size.
FOUND: dict[bytes, bytes] = {}
LOCK = Lock()  # of FOUND; clips are masked in several threads


def otsu(values: np.ndarray) -> float:
    """The threshold that separates the values best into two classes (Otsu 1979), in the values' own units."""
    counts, edges = np.histogram(values, 128)
    centres = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    total, sums = below[-1], (counts * centres).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (sums[-1] * below - sums * total) ** 2 / (below * (total - below).astype(float))
    return float(centres[np.nanargmax(np.where(np.isfinite(between), between, -1))])


def moving(frames: np.ndarray) -> np.ndarray:
    """What moves, float32 [T, h, w] in [0, 1]: the difference to the temporal median after the camera's shift is
    taken out.

    frames: float [T, h, w, 3], about 96 pixels high (the sizes below are for that). The difference is smoothed and
    thresholded at 0.4 of Otsu's value (which alone finds only the fastest parts), at most a third of all pixels; then
    closed and filled. Components smaller than a fifth of the largest are dropped."""
    t, h, w, _ = frames.shape
    shifts = camera_shifts(frames.mean(-1))
    steady = np.stack([roll(frame, shift) for frame, shift in zip(frames, shifts)])
    change = np.maximum.reduce([*np.moveaxis(np.abs(steady - median(steady)), -1, 0)])  # over colours
    for frame, shift in zip(change, shifts):  # what came around the border is no evidence
        dv, du = (int(np.sign(d) * np.ceil(abs(d))) for d in shift)
        frame[: max(dv, 0)] = frame[h + min(dv, 0) :] = 0
        frame[:, : max(du, 0)] = frame[:, w + min(du, 0) :] = 0
    change = ndimage.gaussian_filter(change, (0, 0.8, 0.8))
    moved = change > max(0.4 * otsu(change), lower_quantile(change, 0.65), NOISE)
    return np.stack([roll(large_parts(frame), -shift) for frame, shift in zip(moved, shifts)]).astype(np.float32)


def large_parts(moved: np.ndarray) -> np.ndarray:
    """What moved, bool [h, w], closed and filled, without components under a fifth of the largest: bool [h, w].

    By OpenCV, which takes a fifth of scipy's time and lets other threads work meanwhile."""
    margin = np.pad(moved.astype(np.uint8), REACH)  # so that the disc grows over the border and back
    closed = cv2.erode(cv2.dilate(margin, DISC), DISC)[REACH:-REACH, REACH:-REACH]
    outside = np.pad(closed, 1)
    cv2.floodFill(outside, None, (0, 0), 1)
    _, labels, facts, _ = cv2.connectedComponentsWithStats(closed | (outside == 0)[1:-1, 1:-1], connectivity=4)
    sizes = facts[:, cv2.CC_STAT_AREA].copy()
    sizes[0] = 0  # what is not moved
    return (sizes >= max(0.2 * sizes.max(), 1))[labels]


@source("motion", parts=("actor+prop", "background"))
def motion(part: str, evidence: Evidence) -> torch.Tensor:
    """'actor+prop' is whatever moves; edges are soft over about one pixel of 96.

    Limits: a part that stands still in most frames belongs to the median and is missed, unless moving parts enclose
    it; zoom and rotation of the camera are not undone; where nothing moves, the mask is empty. Found once a clip and
    remembered."""
    frames, size = as_tensor(evidence.frames), tuple(evidence.frames.shape[1:3])
    key = hashlib.blake2b(frames.numpy().tobytes(), digest_size=16, salt=repr(size).encode()[:16]).digest()
    if key not in FOUND:
        small = frames.permute(0, 3, 1, 2).float()
        if min(size) > 112:  # more pixels would only slow it down
            small = F.interpolate(small, scale_factor=96 / min(size), mode="bilinear", antialias=True)
        found = torch.from_numpy(moving(small.permute(0, 2, 3, 1).numpy()))[:, None]
        found = F.interpolate(found, size, mode="bilinear", align_corners=False)[:, 0]
        mask = found.clamp(0, 1).mul(255).round().byte()
        packed = zlib.compress(mask.numpy().tobytes(), 1)
        with LOCK:
            if sum(map(len, FOUND.values())) + len(packed) <= REMEMBERED:
                FOUND[key] = packed
    else:
        mask = torch.frombuffer(bytearray(zlib.decompress(FOUND[key])), dtype=torch.uint8).view(frames.shape[:3])
    soft = mask.float() / 255
    return 1 - soft if part == "background" else soft
