"""How a camera moved over what lies far away or flat: homographies between a clip's frames, by OpenCV.

A homography maps a picture of a plane onto another picture of it, whatever the camera did between: it panned, zoomed,
rolled or walked. Matched features (SIFT; Lowe 2004) vote for the one that most of them agree with (MAGSAC; Barath et
al. 2019, arXiv:1803.07469). What does not agree with it moves by itself."""

from __future__ import annotations

from collections.abc import Iterator

import cv2
import numpy as np

cv2.setNumThreads(1)  # clips are masked in several threads

FEATURES = 500  # of a frame, at most
ALIKE = 0.8  # a match must be so much better than the next best (Lowe's ratio)
AGREE, SHARE = 10, 0.25  # matches that must agree with a homography, and their share of all matches
SEEN = 3  # frames that must show a place before it is known what is there
Features = tuple[np.ndarray, np.ndarray]  # places [N, 2] as (u, v), px; descriptions [N, 128] of length 1


def features(frame: np.ndarray) -> Features:
    """SIFT features of a frame uint8 [h, w, 3], described by square roots (Arandjelovic and Zisserman 2012)."""
    sift = cv2.SIFT.create(FEATURES, contrastThreshold=0.01, edgeThreshold=20)
    points, found = sift.detectAndCompute(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), None)
    if found is None:
        return np.zeros((0, 2), np.float32), np.zeros((0, 128), np.float32)
    return np.asarray(cv2.KeyPoint.convert(points)), np.sqrt(found / np.maximum(found.sum(1, keepdims=True), 1e-6))


def homography(a: Features, b: Features, size: tuple[int, int]) -> np.ndarray | None:
    """The homography [3, 3] from one frame to another of `size` (h, w); None where too few features agree."""
    alike = a[1] @ b[1].T
    if min(alike.shape) < AGREE:
        return None
    second, best = np.sort(alike, 1)[:, -2:].T
    match = alike.argmax(1)
    mutual = alike.argmax(0)[match] == np.arange(len(match))
    good = mutual & (1 - best < ALIKE**2 * (1 - second))
    if good.sum() < AGREE:
        return None
    found, agree = cv2.findHomography(a[0][good], b[0][match[good]], cv2.USAC_MAGSAC, 2.0)
    enough = agree is not None and agree.sum() >= max(AGREE, SHARE * good.sum())
    return found if enough and possible(found, size) else None


def possible(matrix: np.ndarray | None, size: tuple[int, int]) -> bool:
    """Whether a homography keeps a frame convex, unmirrored and between 0.4 and 2.5 times as large."""
    if matrix is None or not np.isfinite(matrix).all():
        return False
    h, w = size
    corners = cv2.perspectiveTransform(np.array([[[0, 0], [w, 0], [w, h], [0, h]]], np.float32), matrix)
    return cv2.isContourConvex(corners) and 0.4 < cv2.contourArea(corners, oriented=True) / (h * w) < 2.5


def steps(frames: np.ndarray) -> list[np.ndarray | None]:
    """The homographies from each of the frames uint8 [T, h, w, 3] to the next one; None where none is found."""
    found = [features(frame) for frame in frames]
    return [homography(a, b, frames.shape[1:3]) for a, b in zip(found, found[1:])]


def change(frames: np.ndarray, side: int) -> tuple[np.ndarray, float]:
    """How much each frame differs from what the others show at the same places, in grey levels: float32 [T, h, w], 0
    where fewer than SEEN frames show the place. And how much frames usually differ there: the median.

    frames: uint8 [T, H, W, 3]; they are compared at a short side of `side` pixels, if they are larger."""
    shrink = min(1.0, side / min(frames.shape[1:3]))
    h, w = (round(length * shrink) for length in frames.shape[1:3])
    scale = np.array([[shrink, 0, (shrink - 1) / 2], [0, shrink, (shrink - 1) / 2], [0, 0, 1]])
    onwards = [None if step is None else scale @ step @ np.linalg.inv(scale) for step in steps(frames)]
    small = [cv2.resize(frame, (w, h), interpolation=cv2.INTER_AREA).astype(np.float32) for frame in frames]
    small = [cv2.GaussianBlur(frame, (0, 0), 0.7) for frame in small]
    differs, usual = np.zeros((len(frames), h, w), np.float32), [np.zeros(1)]
    for i, out in enumerate(differs):
        seen = np.stack(list(views(i, small, onwards)))
        away = np.abs(seen - median_of_known(seen)).max(-1)
        known = np.isfinite(away).sum(0) >= SEEN
        out[known] = away[0][known]
        usual.append(median_of_known(away)[known])
    return differs, float(np.median(np.concatenate(usual)))


def views(i: int, frames: list[np.ndarray], onwards: list[np.ndarray | None]) -> Iterator[np.ndarray]:
    """Frame i, and the others as they look from where it was taken, NaN where they do not show it: as far as the
    homographies from frame to frame lead."""
    yield frames[i]
    h, w = frames[i].shape[:2]
    for way in (-1, 1):
        matrix, j = np.eye(3), i
        while 0 <= j + way < len(frames) and (step := onwards[min(j, j + way)]) is not None:
            matrix = matrix @ (step if way < 0 else np.linalg.inv(step))
            j += way
            if not possible(matrix, (h, w)):
                break
            yield cv2.warpPerspective(frames[j], matrix, (w, h), borderValue=(np.nan,) * 3)


def median_of_known(values: np.ndarray) -> np.ndarray:
    """The median over the first axis without NaN (`np.nanmedian`, to the bit, in a tenth of the time)."""
    ordered, known = np.sort(values, 0), np.isfinite(values).sum(0)
    low, high = (
        np.take_along_axis(ordered, place[None], 0)[0] for place in (np.maximum(known - 1, 0) // 2, known // 2)
    )
    return (low + high) / 2
