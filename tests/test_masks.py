"""Percentage and shape masks: exact areas, whole outlines, names decide, frames are never changed in place."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from clipaction.base.errors import UserError
from clipaction.base.seeds import rng
from clipaction.masking import masks
from clipaction.masking.cells import random_cells
from clipaction.masking.shapes import SHAPES, STRIPES

SIZES = [(96, 96), (31, 47), (45, 33), (60, 107), (224, 224)]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("size", SIZES)
def test_area_is_exact(shape, size):
    for percent in (0, 1, 10, 12.5, 30, 50, 77, 100):
        for placement in masks.PLACEMENTS:
            for motion in masks.MOTIONS:
                mask = masks.shape_mask(shape, percent, size, 3, rng(0, shape, percent), placement, motion)
                assert mask.dtype == torch.bool and mask.shape == (3, *size)
                assert mask.sum((1, 2)).tolist() == [masks.pixels(percent, size)] * 3


@pytest.mark.parametrize("shape", ["square", "circle", "ellipse", "triangle", "blob"])
def test_an_outlined_shape_is_one_whole_piece(shape):
    for percent in (10, 30, 50):
        centred = masks.shape_mask(shape, percent, (96, 96), 1, rng(0, "a"))[0].numpy()
        rows, columns = centred.any(1).sum(), centred.any(0).sum()
        for seed in range(5):
            for frame in masks.shape_mask(shape, percent, (96, 96), 6, rng(seed, "a"), "random", "moving").numpy():
                assert ndimage.label(frame, np.ones((3, 3)))[1] == 1
                if shape != "blob":  # nothing cut off at the border
                    assert (frame.any(1).sum(), frame.any(0).sum()) == (rows, columns)


def test_a_triangle_of_half_the_frame_has_its_three_corners():
    mask = masks.shape_mask("triangle", 50, (96, 96), 1, rng(0))[0]
    widths = mask.sum(1)
    assert widths[0] <= 2 and widths[-1] >= 94 and (widths.diff() >= 0).all()


def test_shapes_look_like_their_names():
    square, circle = (masks.shape_mask(s, 30, (100, 100), 1, rng(0))[0].numpy() for s in ("square", "circle"))
    side = round(np.sqrt(3000))
    assert abs(square.any(0).sum() - side) <= 1 and abs(square.any(1).sum() - side) <= 1
    diameter = 2 * np.sqrt(3000 / np.pi)
    assert abs(circle.any(0).sum() - diameter) <= 2 and not circle[:20, :20].any()
    border = masks.shape_mask("border", 30, (100, 100), 1, rng(0))[0]
    assert border[0].all() and border[-1].all() and border[:, 0].all() and not border[50, 50]
    stripes = masks.shape_mask("stripes", 30, (100, 100), 1, rng(0))[0]
    assert int((stripes[50].int().diff() == 1).sum()) + int(stripes[50, 0]) == STRIPES


def test_centred_masks_are_centred():
    for shape in ("square", "circle", "ellipse", "blob"):
        mask = masks.shape_mask(shape, 30, (97, 64), 1, rng(0))[0].numpy()
        for axis, n in ((1, 97), (0, 64)):
            hit = np.flatnonzero(mask.any(axis))
            assert abs(hit[0] - (n - 1 - hit[-1])) <= 2


def test_moving_masks_move_and_still_ones_do_not():
    for shape in SHAPES:
        still = masks.shape_mask(shape, 30, (96, 96), 5, rng(0, shape), "random", "still")
        moving = masks.shape_mask(shape, 30, (96, 96), 5, rng(0, shape), "random", "moving")
        assert (still == still[0]).all()
        assert any((moving[t] != moving[0]).any() for t in range(1, 5))
        assert (moving[0] == still[0]).all() or shape == "patches"


def test_the_generator_alone_decides():
    def make(clips, shape):
        return masks.shape_masks(shape, 30, (48, 48), 4, [rng(0, c, shape) for c in clips], "random", "moving")

    for shape in SHAPES:
        forth, back = make("abcdef", shape), make("fedcba", shape)
        assert (forth == back.flip(0)).all()
        assert (forth[2] == make("c", shape)[0]).all()
        assert len({frame.numpy().tobytes() for frame in forth[:, 0]}) > 3


def test_cells_are_exact_and_nested():
    areas = [0, 1, 500, 501, 31 * 47]
    out = random_cells(areas, (31, 47), rng(0, "a"))
    assert out.sum((1, 2)).tolist() == areas
    assert all((small <= large).all() for small, large in zip(out, out[1:]))


@pytest.mark.parametrize("dtype", [torch.uint8, torch.float32, torch.float16])
def test_apply_keeps_input_dtype_and_the_other_pixels(dtype):
    frames = torch.randint(1, 256, (2, 3, 20, 13, 3)).to(dtype)
    before = frames.clone()
    for mask in (torch.rand(2, 3, 20, 13) < 0.4, (torch.rand(2, 1, 20, 13) < 0.4).expand(2, 3, 20, 13)):
        for fill in (0, 7, [1, 2, 3], torch.full_like(frames, 9)):
            out = masks.apply(frames, mask, fill)
            wanted = torch.where(mask[..., None], torch.as_tensor(fill, dtype=dtype).expand(frames.shape), frames)
            assert out.dtype == dtype and (out == wanted).all()
        assert (masks.apply(frames, mask.float(), 7) == masks.apply(frames, mask, 7)).all()
    assert (frames == before).all()


def test_hiding_and_keeping_with_a_soft_mask_add_up_to_the_frame():
    frames = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1).expand(256, 16, 16, 3)
    mask = (torch.arange(256) / 255).view(256, 1, 1).expand(256, 16, 16)
    assert (masks.apply(frames, mask) + masks.apply(frames, 1 - mask) == frames).all()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_pixels():
    frames = torch.randint(0, 256, (2, 3, 32, 40, 3), dtype=torch.uint8)
    mask = masks.shape_masks("blob", 30, (32, 40), 3, [rng(0, "a"), rng(0, "b")], "random", "moving", device="cuda")
    assert mask.is_cuda and (masks.apply(frames.cuda(), mask, 5).cpu() == masks.apply(frames, mask.cpu(), 5)).all()


@pytest.mark.parametrize(
    "wrong",
    [
        ("hexagon", 10, "centre", "still"),
        ("square", 110, "centre", "still"),
        ("square", -1, "centre", "still"),
        ("square", 10, "left", "still"),
        ("square", 10, "centre", "spinning"),
    ],
)
def test_a_wrong_mask_is_named(wrong):
    shape, percent, placement, motion = wrong
    with pytest.raises(UserError, match="choose"):
        masks.shape_mask(shape, percent, (32, 32), 1, rng(0), placement, motion)
