"""Region sources: one contract for all, ground truth read right, motion found without any weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from clipaction.base.errors import UserError
from clipaction.masking import regions
from clipaction.masking.regions import SOURCES, Evidence, camera, kept, motion, region
from clipaction.masking.regions.motion import large_parts


def scene(t=8, size=(96, 128), shake=True, speed=7, seed=0):
    """A textured scene with a red disc that crosses it, seen by a shaking camera: frames uint8 [T, H, W, 3],
    disc bool [T, H, W]."""
    rng = np.random.default_rng(seed)
    h, w = size
    coarse = rng.integers(40, 200, (h // 8 + 4, w // 8 + 4, 3)).repeat(8, 0).repeat(8, 1)
    v, u = np.mgrid[:h, :w]
    frames, discs = [], []
    for i in range(t):
        dv, du = rng.integers(0, 6, 2) if shake else (0, 0)
        disc = (v - h / 2) ** 2 + (u - 30 - speed * i) ** 2 < 14**2
        frames.append(np.where(disc[..., None], [220, 20, 30], coarse[dv : dv + h, du : du + w]))
        discs.append(disc)
    return np.stack(frames).astype(np.uint8), np.stack(discs)


@pytest.fixture(scope="module")
def evidence():
    rng = np.random.default_rng(0)
    frames, discs = scene()
    parts = (discs[:, None] * rng.integers(0, 256, (8, 5, 1, 1))).astype(np.uint8)
    parts.flags.writeable = False  # as the store's memory map

    def cover():
        return rng.integers(0, 256, (8, 2, 96, 128), dtype=np.uint8)

    def maps():
        return torch.from_numpy(rng.random((8, 96, 128)))

    return Evidence(frames, parts, {"relevance": maps, "detector": cover, "boxes": cover})


@pytest.mark.parametrize(
    "source, part",
    [*((name, part) for name, source in SOURCES.items() for part in source.parts), ("relevance", "relevant35")],
)
def test_contract(evidence, source, part):
    before = evidence.frames.copy()
    mask = region(part, source, evidence)
    assert mask.dtype == torch.float32 and mask.shape == (8, 96, 128)
    assert mask.min() >= 0 and mask.max() <= 1
    assert (evidence.frames == before).all()


def test_truth_adds_coverage_and_clips_it():
    parts = np.zeros((1, 5, 1, 3), np.uint8)
    parts[0, :, 0] = [[255, 51, 0], [0, 102, 0], [0, 0, 0], [0, 204, 51], [0, 0, 255]]
    evidence = Evidence(np.zeros((1, 1, 3, 3), np.uint8), parts)
    expected = {"actor": [1, 0.6, 0], "actor+prop": [1, 1, 0.2], "background": [0, 0, 0.8]}
    expected |= {"head": [1, 0.2, 0], "limbs": [0, 0, 0], "prop": [0, 0.8, 0.2], "text": [0, 0, 1]}
    for part, values in expected.items():
        assert region(part, "truth", evidence)[0, 0].tolist() == pytest.approx(values)


@pytest.mark.parametrize("t", [4, 8])
def test_motion_finds_what_moves_and_not_the_shaking_scene(t):
    frames, discs = scene(t, speed=56 // t)
    mask = region("actor+prop", "motion", Evidence(frames)).numpy() > 0.5
    assert (mask & discs).sum() / (mask | discs).sum() > 0.5
    assert (mask & discs).sum() / discs.sum() > 0.7
    background = region("background", "motion", Evidence(frames)).numpy()
    assert (background[discs] > 0.5).mean() < 0.3


def test_camera_shifts_are_found_to_a_part_of_a_pixel():
    rng = np.random.default_rng(0)
    image = ndimage.gaussian_filter(rng.random((110, 110)), 2) * 2000
    grey = np.stack([camera.roll(image, s)[8:-8, 8:-8] for s in [(0, 0), (3, -2), (0, 0), (1.5, 0.5), (0, 0)]])
    found = camera.camera_shifts(grey)
    assert np.abs(found - found[2] + [[0, 0], [3, -2], [0, 0], [1.5, 0.5], [0, 0]]).max() < 0.25


@pytest.mark.parametrize("t", [1, 2, 3, 4, 5, 8])
def test_median_over_time_is_that_of_numpy_to_the_bit(t):
    frames = np.random.default_rng(t).normal(100, 50, (t, 9, 7, 3)).round(1)
    before = frames.copy()
    assert np.array_equal(camera.median(frames), np.median(frames, 0)) and np.array_equal(frames, before)


@pytest.mark.parametrize("seed", range(6))
def test_what_moved_is_closed_filled_and_rid_of_small_parts_as_scipy_does_it(seed):
    rng = np.random.default_rng(seed)
    noise = ndimage.gaussian_filter(rng.random((40 + seed, 61)), rng.uniform(1, 3))
    moved = noise > np.quantile(noise, rng.uniform(0.7, 0.99))
    grown = ndimage.distance_transform_edt(~np.pad(moved, 6)) <= 5
    labels, count = ndimage.label(ndimage.binary_fill_holes((ndimage.distance_transform_edt(grown) > 5)[6:-6, 6:-6]))
    sizes = ndimage.sum_labels(np.ones_like(labels), labels, range(1, count + 1))
    expected = np.isin(labels, np.flatnonzero(sizes >= 0.2 * sizes.max()) + 1)
    assert expected.any() and np.array_equal(large_parts(moved), expected)
    assert not large_parts(np.zeros_like(moved)).any() and large_parts(np.ones_like(moved)).all()


def test_motion_of_a_frozen_clip_is_empty():
    frames = scene(1)[0].repeat(5, 0)
    assert region("actor+prop", "motion", Evidence(frames)).sum() == 0
    assert region("background", "motion", Evidence(frames)).min() == 1


def test_motion_is_remembered_and_right_at_larger_sizes():
    motion.FOUND.clear()
    frames = scene(4)[0].repeat(2, 1).repeat(2, 2)
    first = region("actor+prop", "motion", Evidence(frames))
    assert first.shape == (4, 192, 256)
    assert sum(map(len, motion.FOUND.values())) < first.numel() / 10  # a whole split's masks fit into memory
    first.zero_()
    assert region("actor+prop", "motion", Evidence(frames)).sum() > 0


def another_process() -> None:
    """No motion was found yet."""
    motion.FOUND.clear()
    kept.read.cache_clear()


def test_motion_is_found_again_by_another_process(tmp_path, monkeypatch):
    another_process()
    clips = [Evidence(scene(t)[0]) for t in (3, 4)]
    with kept.kept_in(tmp_path):
        first = [region("actor+prop", "motion", clip) for clip in clips]
    (file,) = tmp_path.iterdir()
    another_process()
    written = file.stat().st_mtime_ns
    with kept.kept_in(tmp_path), monkeypatch.context() as patch:
        patch.setattr(motion, "moving", None)  # so that it cannot be called
        assert all(torch.equal(region("actor+prop", "motion", clip), mask) for clip, mask in zip(clips, first))
    assert file.stat().st_mtime_ns == written  # nothing new
    with kept.kept_in(tmp_path):
        region("actor+prop", "motion", Evidence(scene(5)[0]))
    another_process()
    with kept.kept_in(tmp_path):
        assert len(motion.FOUND) == 3


@pytest.mark.parametrize("way", ["half", "empty", "flip", "another program's"])
def test_damaged_masks_of_motion_are_found_anew(tmp_path, way):
    another_process()
    clip = Evidence(scene(4)[0])
    with kept.kept_in(tmp_path):
        mask = region("actor+prop", "motion", clip)
    (file,) = tmp_path.iterdir()
    whole = file.read_bytes()
    flipped = bytearray(whole)
    flipped[len(whole) // 2] ^= 4
    ways = {"half": whole[: len(whole) // 2], "empty": b"", "flip": bytes(flipped), "another program's": b"[]"}
    file.write_bytes(ways[way])
    another_process()
    with kept.kept_in(tmp_path):
        assert not file.exists()  # nor afterwards, where nothing is found
        assert torch.equal(region("actor+prop", "motion", clip), mask)
    assert file.read_bytes() == whole


def test_motion_of_frames_in_memory_is_kept_nowhere(tmp_path):
    another_process()
    with kept.kept_in(tmp_path / "none"):
        region("actor+prop", "motion", Evidence(scene(4)[0]))
    assert not list(tmp_path.iterdir())


def test_relevant_takes_the_highest_share():
    maps = torch.arange(100.0).view(1, 10, 10)
    evidence = Evidence(np.zeros((1, 10, 10, 3), np.uint8), found={"relevance": lambda: maps})
    assert region("relevant", "relevance", evidence).flatten().nonzero().flatten().tolist() == list(range(80, 100))
    assert region("relevant5", "relevance", evidence).sum() == 5


def test_box_bounds_every_frame_and_an_empty_one_stays_empty():
    mask = torch.zeros(3, 50, 100)
    mask[0, 10:12, 20], mask[0, 30, 60] = 1.0, 0.5
    mask[1, 0, 0] = 1.0
    box = regions.box(mask, margin=0.02)
    wanted = torch.zeros(3, 50, 100)
    wanted[0, 9:32, 18:63] = 1
    wanted[1, :2, :3] = 1
    assert (box == wanted).all()


def test_growing_is_by_pixels_and_keeps_softness():
    mask = torch.zeros(1, 9, 9)
    mask[0, 4, 4] = 0.5
    grown = regions.grow(mask, 2)
    assert (grown[0, 2:7, 2:7] == 0.5).all() and grown.sum() == 12.5


@pytest.mark.parametrize(
    "part, source",
    [
        ("actor", "motion"),
        ("head", "relevance"),
        ("relevant", "truth"),
        ("actor", "guess"),
        ("relevant0", "relevance"),
        ("prop", "boxes"),
        ("head", "detector"),
    ],
)
def test_what_a_source_cannot_give_is_said(evidence, part, source):
    with pytest.raises(UserError, match=part if source != "guess" else 'unknown region source "guess"; choose one of'):
        region(part, source, evidence)


def test_missing_evidence_is_said():
    frames = np.zeros((2, 8, 8, 3), np.uint8)
    with pytest.raises(UserError, match="ground truth"):
        region("actor", "truth", Evidence(frames))
    with pytest.raises(UserError, match="source 'relevance' has no finder"):
        region("relevant", "relevance", Evidence(frames))
    with pytest.raises(UserError, match=r"\(2, 4, 4\)"):
        region("actor", "truth", Evidence(frames, np.zeros((2, 4, 4, 4), np.uint8)))


@pytest.mark.parametrize("source", ["detector", "boxes"])
def test_cover_of_actor_and_prop_becomes_parts(source):
    cover = np.zeros((1, 2, 1, 4), np.uint8)
    cover[0, :, 0] = [[255, 102, 0, 0], [0, 204, 51, 0]]
    evidence = Evidence(np.zeros((1, 1, 4, 3), np.uint8), found={source: lambda: cover})
    wanted = {"actor": [1, 0.4, 0, 0], "prop": [0, 0.8, 0.2, 0], "actor+prop": [1, 0.8, 0.2, 0]}
    for part in set(wanted) & set(SOURCES[source].parts):
        assert region(part, source, evidence)[0, 0].tolist() == pytest.approx(wanted[part])
    assert region("background", source, evidence)[0, 0].tolist() == pytest.approx([0, 0.2, 0.8, 1])
