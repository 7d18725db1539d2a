"""Class-specific noise: its bounds, its controls, the frames it learns from, and its files."""

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.noise.files import load_noise, save_noise, saved_facts
from clipaction.noise.parameters import ClassNoise, add, extended, mix, of_class, random_like
from clipaction.noise.views import TrainingFrames, check_disjoint, embed_views, training_frames, validation_batches


@pytest.fixture
def delta():
    return ClassNoise(5, 16, 16 / 255, 4, seed=3)().detach() * 30


def test_noise_never_exceeds_eps():
    model = ClassNoise(5, 16, 8 / 255, 4)
    with torch.no_grad():
        model.theta.mul_(1e4)
    assert model().shape == (5, 3, 16, 16)
    assert model().abs().max() <= 8 / 255 + 1e-7


def test_l2_noise_is_bounded_by_its_root_mean_square_and_may_be_smaller():
    model = ClassNoise(5, 16, 8 / 255, 4, norm="l2")
    small = model().detach().pow(2).mean((1, 2, 3)).sqrt()
    assert (small < 1 / 255).all()
    with torch.no_grad():
        model.theta.mul_(1e4)
    torch.testing.assert_close(model().pow(2).mean((1, 2, 3)).sqrt(), torch.full((5,), 8 / 255))


def test_noisy_images_are_valid_images(delta):
    x = torch.rand(5, 3, 16, 16)
    noisy = add(x, delta)
    assert noisy.min() >= 0 and noisy.max() <= 1
    torch.testing.assert_close(noisy, (x + delta).clamp(0, 1))


def test_mixture_of_noises_stays_within_eps(delta):
    pi = torch.rand(7, 5).softmax(1)
    assert mix(pi, delta).abs().max() <= delta.abs().max() + 1e-7


def test_mixture_of_one_hot_gate_is_that_class_noise(delta):
    torch.testing.assert_close(mix(torch.eye(5), delta), delta)
    torch.testing.assert_close(of_class(delta, torch.tensor([3, 0])), delta[[3, 0]])


def test_classes_without_noise_get_zeros(delta):
    longer = extended(delta, 7)
    assert torch.equal(longer[:5], delta) and len(longer) == 7 and (longer[5:] == 0).all()
    assert extended(delta, 5) is delta


def test_random_control_has_the_learned_norm(delta):
    control = random_like(delta)
    torch.testing.assert_close(control.flatten(1).norm(dim=1), delta.flatten(1).norm(dim=1), rtol=1e-4, atol=1e-5)


def test_saved_noise_comes_back(tmp_path, delta):
    save_noise(tmp_path / "n.safetensors", delta, eps=16, use="gated")
    torch.testing.assert_close(load_noise(tmp_path / "n.safetensors"), delta)
    assert saved_facts(tmp_path / "n.safetensors") == {"eps": "16", "use": "gated"}
    save_noise(tmp_path / "g.safetensors", delta, torch.eye(5, 9), eps=16)
    assert torch.equal(load_noise(tmp_path / "g.safetensors", "gate"), torch.eye(5, 9))
    (tmp_path / "g.safetensors").write_bytes(b"and then the power went")
    assert saved_facts(tmp_path / "g.safetensors") == saved_facts(tmp_path / "none.safetensors") == {}


def test_fewer_clips_are_the_first_of_every_class_with_their_own_scenes(toy_frames):
    flat = toy_frames.reshape(-1, 16, 16, 3)
    ids, labels = [f"clip{i // 3}" for i in range(36)], np.arange(36) // 3 % 2
    data = TrainingFrames(flat, labels, ids, np.zeros(flat.shape[:3], np.uint8), flat)
    assert data.clips_a_class() == 6
    two = data.fewer(2)
    assert list(dict.fromkeys(two.ids)) == ["clip0", "clip1", "clip2", "clip3"] and len(two.labels) == 12
    assert (two.frames == flat[:12]).all() and (two.plates == flat[:12]).all() and len(two.region) == 12


def test_views_do_not_change_the_training_frames(toy_frames):
    flat = toy_frames.reshape(-1, 16, 16, 3)
    before = flat.copy()
    data = TrainingFrames(flat, np.zeros(len(flat), int), [""] * len(flat), np.full(flat.shape[:3], 255, np.uint8))
    x = data.view(np.arange(8), np.random.default_rng(0), swap=1.0, mask=1.0)
    assert x.shape == (8, 3, 16, 16) and x.min() >= 0 and x.max() <= 1
    assert (flat == before).all()


def test_without_the_actor_the_clean_plate_is_left_or_black(toy_study, toy_meta):
    data = training_frames(toy_study, toy_meta)
    plates = torch.from_numpy(toy_study.store.plates.reshape(-1, 16, 16, 3)).permute(0, 3, 1, 2) / 255
    assert torch.equal(data.without_actor(np.arange(36)), plates)
    data.plates, data.region = None, np.full((36, 16, 16), 255, np.uint8)
    assert (data.without_actor(np.arange(36)) == 0).all()


def test_views_are_embedded_with_the_labels_of_their_frames(toy_study, toy_meta):
    data = training_frames(toy_study, toy_meta)
    views = embed_views(toy_study, data, toy_meta)
    batches = list(validation_batches(toy_study, toy_meta))  # whole, masked, in another clip's scene
    assert len(views.train) == len(data.labels) == 36 and views.train_labels.tolist() == data.labels.tolist()
    assert len(views.val) == 3 * 36 == sum(x.shape[0] * x.shape[1] for x, _ in batches)
    assert views.val_labels.tolist() == 3 * toy_meta["label"].repeat(3).tolist() and views.probe.shape == (5, 9)


def test_a_group_in_two_splits_is_refused():
    parts = [pd.DataFrame({"clip": [f"c{k}"], "group": [f"g{k}"]}) for k in range(3)]
    check_disjoint(*parts)
    for column in ("clip", "group"):
        with pytest.raises(UserError, match=f"a {column} is in two splits"):
            check_disjoint(parts[0], parts[1].assign(**{column: parts[0][column]}), parts[2])
