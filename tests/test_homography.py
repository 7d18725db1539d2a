"""What moves before a camera that moves: synthetic clips in which the moving thing is known."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch

from clipaction.masking.regions import Evidence, planes, region
from clipaction.masking.regions.plausible import extent

T, S = 8, 112


def texture(side: int = 400) -> np.ndarray:
    """A picture with corners everywhere, uint8 [side, side, 3]."""
    rng, picture = np.random.default_rng(0), np.full((side, side, 3), 120, np.uint8)
    for _ in range(700):
        (u, v), (w, h) = rng.integers(0, side, 2).tolist(), rng.integers(4, 30, 2).tolist()
        cv2.rectangle(picture, (u, v), (u + w, v + h), rng.integers(30, 210, 3).tolist(), -1)
    return picture


def camera(kind: str, i: int) -> np.ndarray:
    """The matrix [3, 3] from the texture to frame i; its middle is the texture's when i = 0."""
    turn = cv2.getRotationMatrix2D((200, 200), 3.0 * i if kind == "rotates" else 0, 1.04**i if kind == "zooms" else 1)
    pan = 20 - 6 * i if kind == "pans" else 0
    return np.vstack([turn + [[0, 0, S / 2 - 200 + pan], [0, 0, S / 2 - 200]], [0, 0, 1]])


def clip(kind: str, square: bool = True) -> tuple[np.ndarray, np.ndarray]:
    """Frames uint8 [T, S, S, 3] of a white square that crosses a textured ground, and where it is, bool [T, S, S]."""
    ground, frames, masks = texture(), [], np.zeros((T, S, S), bool)
    for i, mask in enumerate(masks):
        frames.append(cv2.warpPerspective(ground, camera(kind, i), (S, S)))
        if square:
            mask[60 - 4 * i : 82 - 4 * i, 5 + 11 * i : 27 + 11 * i] = True
            frames[i][mask] = (250, 250, 240)
    return np.stack(frames), masks


def found(frames: np.ndarray, source: str = "homography") -> np.ndarray:
    return region("actor+prop", source, Evidence(frames)).numpy() > 0.5


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.mark.parametrize("kind", ["stands", "pans", "zooms", "rotates"])
def test_a_square_is_found_before_a_camera_that(kind):
    frames, square = clip(kind)
    mask = found(frames)
    assert overlap(mask, square) > 0.7
    assert extent(torch.from_numpy(mask).float()).doubt == ""
    if kind in ("zooms", "rotates"):  # one shift cannot undo that
        assert overlap(found(frames, "motion"), square) < 0.5


def test_a_square_is_found_before_water():
    """Ripples go over the ground in every frame."""
    rng, (frames, square) = np.random.default_rng(0), clip("stands")
    ripples = np.stack([cv2.GaussianBlur(rng.normal(0, 40, (S, S)), (0, 0), 2) for _ in frames])
    waves = np.clip(frames + ripples[..., None], 0, 255).astype(np.uint8)
    waves[square] = (250, 250, 240)
    assert overlap(found(waves), square) > 0.6 > 0.2 > overlap(found(waves, "motion"), square)


def test_open_water_is_given_up():
    """Nothing stays, so there is no homography."""
    noise = np.random.default_rng(0).integers(60, 120, (T, S, S, 3)).astype(np.uint8)
    assert planes.steps(noise) == [None] * (T - 1) and not found(noise).any()
    assert found(noise, "motion").any()


@pytest.mark.parametrize("frames", [clip("stands", square=False)[0], clip("stands")[0][:2], clip("stands")[0][:1]])
def test_where_nothing_is_seen_to_move_the_mask_is_empty_and_doubted(frames):
    mask = region("actor+prop", "homography", Evidence(frames))
    assert mask.sum() == 0 and extent(mask).doubt == "under 1% of the frame"
    assert region("background", "homography", Evidence(frames)).min() == 1


@pytest.mark.parametrize("kind", ["pans", "zooms", "rotates"])
def test_homographies_are_those_of_the_camera(kind):
    places = np.array([[[20.0, 30], [90, 80]]])
    for i, step in enumerate(planes.steps(clip(kind, square=False)[0])):
        true = camera(kind, i + 1) @ np.linalg.inv(camera(kind, i))
        there, wanted = (cv2.perspectiveTransform(places, matrix) for matrix in (step, true))
        assert np.abs(there - wanted).max() < 0.5


def test_what_no_camera_does_is_no_homography():
    size = (90, 120)
    assert planes.possible(np.eye(3), size) and planes.possible(np.diag([1.2, 1.2, 1]), size)
    for wrong in (np.diag([-1.0, 1, 1]), np.diag([0.5, 0.5, 1]), np.diag([2.0, 2, 1]), np.full((3, 3), np.nan), None):
        assert not planes.possible(wrong, size)


def test_median_of_what_is_known_is_that_of_numpy():
    rng = np.random.default_rng(0)
    values = rng.normal(0, 9, (7, 5, 6)).astype(np.float32)
    values[1:][rng.random((6, 5, 6)) < 0.4] = np.nan
    assert np.array_equal(planes.median_of_known(values), np.nanmedian(values, 0))
    assert np.isnan(planes.median_of_known(np.full((3, 2), np.nan))).all()


def test_masks_are_kept_and_scaled():
    frames, square = clip("pans")
    first = region("actor+prop", "homography", Evidence(frames))
    kept = first.clone()
    first.zero_()
    assert torch.equal(region("actor+prop", "homography", Evidence(frames)), kept)
    twice = found(frames.repeat(2, 1).repeat(2, 2))
    assert overlap(twice, square.repeat(2, 1).repeat(2, 2)) > 0.6
