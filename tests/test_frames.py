"""Training frames: views with swapped scenes and masks, and what is found without any truth."""

import numpy as np
import pytest
import torch

from clipaction.masking.regions import box
from clipaction.noise.frames import TrainingFrames, in_other_scenes, scene_behind, training_frames


@pytest.fixture
def data(square_study) -> TrainingFrames:
    return training_frames(square_study, square_study.clips("train"))


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def images(frames: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(frames).permute(0, 3, 1, 2) / 255


def test_fewer_clips_are_the_first_of_every_class_with_their_own_scenes(toy_frames):
    flat = toy_frames.reshape(-1, 16, 16, 3)
    ids, labels = [f"clip{i // 3}" for i in range(36)], np.arange(36) // 3 % 2
    data = TrainingFrames(
        flat, labels, ids, np.zeros(flat.shape[:3], np.uint8), flat, np.ones(flat.shape[:3], np.uint8)
    )
    assert data.clips_a_class() == 6 and data.length == 3 and data.clip_labels.tolist() == [0, 1] * 6
    two = data.fewer(2)
    assert list(dict.fromkeys(two.ids)) == ["clip0", "clip1", "clip2", "clip3"] and len(two.labels) == 12
    assert (np.asarray(two.frames) == flat[:12]).all() and (two.plates == flat[:12]).all()
    assert len(two.region) == len(two.anchor) == 12 and set(data.of_classes(1).labels) == {0}


def test_views_do_not_change_the_training_frames(data):
    kept = [np.array(array) for array in (data.frames, data.region, data.plates, data.anchor)]
    x = data.view(np.arange(8), rng(), swap=1.0, mask=1.0)
    assert x.shape == (8, 3, 48, 48) and x.min() >= 0 and x.max() <= 1
    data.clip_view(np.arange(2), rng(), swap=1.0, mask=1.0)
    for array, before in zip((data.frames, data.region, data.plates, data.anchor), kept):
        assert (np.asarray(array) == before).all()


def test_without_the_actor_the_clean_plate_is_left_or_black(data):
    assert torch.equal(data.without_actor(np.arange(24)), images(data.plates))
    data.plates, data.region = None, np.full((24, 48, 48), 255, np.uint8)
    assert (data.without_actor(np.arange(24)) == 0).all()


def test_a_swapped_scene_is_another_plate_around_the_same_actor(data):
    index, scenes = np.arange(0, 24, 3), images(data.plates)
    x = data.view(index, rng(1), swap=1.0, mask=0.0)
    sides = [x, x.flip(3)]  # a batch may be mirrored
    actor = torch.from_numpy(data.region[index] > 0)[:, None].expand_as(x)
    whole = images(data.frames[index])
    (x,) = (side for side in sides if torch.equal(side[actor], whole[actor]))
    used = [
        [k for k in range(24) if torch.equal(frame[~covered], scenes[k][~covered])] for frame, covered in zip(x, actor)
    ]
    assert all(used) and any(index[i] // 4 not in {k // 4 for k in found} for i, found in enumerate(used))


def test_m_is_the_box_of_what_the_black_box_leaves_of_the_action(data):
    data.anchor, everywhere = data.region, torch.from_numpy(data.region > 0)
    data.frames = np.full(data.frames.shape, 255, np.uint8)  # so black is the box and nothing else
    gone = 0
    for seed in range(8):
        x, m = data.anchored_view(np.arange(24), rng(seed), swap=0.0, mask=1.0)
        left = (x > 0).all(1)
        found = [box((left & action).float()) for action in (everywhere, everywhere.flip(2))]  # maybe mirrored
        assert any(torch.equal(m, expected) for expected in found)
        gone += sum(not frame.any() for frame in m)
    assert 0 < gone < 8 * 24


def test_m_follows_the_action_in_a_mirrored_batch_too(data):
    data.anchor, mirrored = data.region, 0
    for seed in range(8):
        x, m = data.anchored_view(np.arange(24), rng(seed), swap=0.0, mask=0.0)
        if not torch.equal(x, images(data.frames[:])):
            x, m, mirrored = x.flip(3), m.flip(2), mirrored + 1
        assert torch.equal(x, images(data.frames[:]))
        assert torch.equal(m, box(torch.from_numpy(data.region).float() / 255))
    assert 0 < mirrored < 8


def test_without_an_anchor_m_is_empty(data):
    data.anchor = None
    assert (data.anchored_view(np.arange(8), rng(), 0.5, 0.5)[1] == 0).all()


def test_view_and_anchored_view_show_the_same(data):
    one = data.view(np.arange(16), rng(5), 0.5, 0.5)
    assert torch.equal(one, data.anchored_view(np.arange(16), rng(5), 0.5, 0.5)[0])


def test_a_clip_has_one_scene_and_one_black_box_in_all_frames(data):
    clips, scenes = np.arange(6), images(data.plates).unflatten(0, (6, 4))
    x = data.clip_view(clips, rng(3), swap=1.0, mask=0.0)
    assert x.shape == (6, 4, 3, 48, 48)
    actor = torch.from_numpy(data.region > 0).unflatten(0, (6, 4))[:, :, None].expand(-1, -1, 3, -1, -1)
    for side in (x, x.flip(4)):
        matches = [[k for k in range(6) if torch.equal(side[i][~actor[i]], scenes[k][~actor[i]])] for i in range(6)]
        if all(matches):
            break
    assert all(len(found) == 1 for found in matches) and [found[0] for found in matches] != list(clips)
    data.frames = np.full(data.frames.shape, 255, np.uint8)
    masked = data.clip_view(clips, rng(3), swap=0.0, mask=1.0)
    assert (masked == masked[:, :1]).all() and (masked == 0).flatten(1).any(1).all()
    assert len({(clip == 0).sum().item() for clip in masked}) > 1


def test_trained_as_on_real_videos_uses_no_truth(square_study):
    """Frames that a region source found do not change with the exact masks and plates."""
    train, store = square_study.clips("train"), square_study.store
    real, exact = (training_frames(square_study, train, source) for source in ("motion", "truth"))
    scenes = in_other_scenes(square_study, train, "motion")
    vars(store).update(parts=255 - store.parts, plates=255 - store.plates)
    again, other = (training_frames(square_study, train, source) for source in ("motion", "truth"))
    for name in ("frames", "labels", "region", "plates", "anchor"):
        assert (np.asarray(getattr(real, name)) == np.asarray(getattr(again, name))).all(), name
    assert (in_other_scenes(square_study, train, "motion") == scenes).all()
    assert (exact.region != other.region).any() and (exact.plates != other.plates).any()
    vars(store).update(parts=None, plates=None)
    assert (training_frames(square_study, train, "motion").plates == real.plates).all()


def test_without_a_source_nothing_is_known_of_regions(square_study):
    data = training_frames(square_study, square_study.clips("train"), "")
    assert data.region is None and data.plates is None and data.anchor is not None
    x = data.view(np.arange(24), rng(), swap=1.0, mask=0.0)
    assert torch.equal(x, images(data.frames[:])) or torch.equal(x.flip(3), images(data.frames[:]))
    assert in_other_scenes(square_study, square_study.clips("val"), "") is None


def test_scene_behind_a_moving_square_on_a_plain_ground_is_the_ground():
    ground = np.full((4, 24, 24, 3), (40, 90, 160), np.uint8)
    frames, region = ground.copy(), np.zeros((4, 24, 24), np.uint8)
    for t in range(4):
        region[t, 4:12, 4 + 3 * t : 12 + 3 * t] = 255
    frames[region > 0] = 250
    assert (scene_behind(frames, region) == ground).all()
    region[:] = region.max(0)  # now no frame shows what is behind
    assert (scene_behind(frames, region) == ground).all()


def test_scene_behind_takes_each_pixel_from_the_frames_that_show_it(squares):
    """The speckled ground comes back exactly: every pixel is free in three of four frames."""
    for frames, parts, plates in zip(squares.frames, squares.parts, squares.plates):
        assert (scene_behind(frames, parts[:, 0]) == plates).all()


def test_other_scenes_are_those_of_other_classes_around_the_same_actor(square_study):
    meta = square_study.meta.sort_values("label").reset_index(drop=True)
    store, rows = square_study.store, meta["row"].to_numpy()
    scenes = in_other_scenes(square_study, meta, "truth")
    actor = (store.parts[rows][:, :, 0] > 0)[..., None].repeat(3, -1)
    for i, row in enumerate(rows):
        assert (scenes[i][actor[i]] == store.frames[row][actor[i]]).all()
        (behind,) = (k for k in range(12) if (scenes[i][~actor[i]] == store.plates[k][~actor[i]]).all())
        assert square_study.meta["label"][behind] != meta["label"][i]
