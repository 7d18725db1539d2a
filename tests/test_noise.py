"""Class-specific noise: its bounds, its controls, the views that gates learn from, and its files."""

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.noise import apply, learning
from clipaction.noise.apply import isolate
from clipaction.noise.files import load_noise, save_noise, saved_facts
from clipaction.noise.frames import in_other_scenes, training_frames
from clipaction.noise.parameters import ClassNoise, add, extended, match, mix, of_class, random_like
from clipaction.noise.views import Views, check_disjoint, embed_views, kept_views, validation_batches
from clipaction.vision.clip import EMBEDDED, clips_to_input


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


def test_the_random_control_keeps_the_spectrum_of_every_class_and_nothing_else(delta):
    control, again, other = random_like(delta), random_like(delta), random_like(delta, seed=1)
    for found in (control, other):
        assert found.shape == delta.shape and not found.isnan().any()
        torch.testing.assert_close(torch.fft.rfft2(found).abs(), torch.fft.rfft2(delta).abs(), rtol=1e-3, atol=1e-5)
        torch.testing.assert_close(found.pow(2).mean((1, 2, 3)), delta.pow(2).mean((1, 2, 3)))
    assert torch.equal(control, again) and not torch.allclose(control, other, atol=0.01)
    one, two = control.flatten(1), delta.flatten(1)
    alike = torch.nn.functional.cosine_similarity(one, two)
    assert alike.abs().max() < 0.5  # the phases, and so the shapes, are others


def test_match_gives_every_frame_the_size_of_the_other(delta):
    noise = torch.rand(5, 3, 16, 16) * torch.tensor([0.1, 1, 5, 20, 0])[:, None, None, None]
    found = match(noise, delta)
    size = found.pow(2).mean((1, 2, 3)).sqrt()
    torch.testing.assert_close(size[:4], delta[:4].pow(2).mean((1, 2, 3)).sqrt())
    assert size[4] == 0  # nothing cannot be made larger
    torch.testing.assert_close(found[1] / found[1].norm(), noise[1] / noise[1].norm())


def test_random_gated_noise_is_as_large_as_the_learned_one_in_every_frame(toy_clip, toy_head, toy_frames, monkeypatch):
    delta = ClassNoise(5, 16, 16 / 255, 4, seed=3)().detach() * 30
    x, added = clips_to_input(toy_frames), []
    gate = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    monkeypatch.setattr(apply, "add", lambda frames, noise: added.append(noise) or add(frames, noise))
    apply.random_gated(toy_clip, toy_head, x, random_like(delta), delta, gate)
    apply.gated(toy_clip, toy_head, x, delta, gate)
    control, learned = (noise.pow(2).mean((1, 2, 3)).sqrt() for noise in added)
    assert len(control) == 36
    torch.testing.assert_close(control, learned)
    assert not torch.allclose(added[0], added[1], atol=1e-3)


def test_saved_noise_comes_back(tmp_path, delta):
    save_noise(tmp_path / "n.safetensors", delta, eps=16, use="gated")
    torch.testing.assert_close(load_noise(tmp_path / "n.safetensors"), delta)
    assert saved_facts(tmp_path / "n.safetensors") == {"eps": "16", "use": "gated"}
    save_noise(tmp_path / "g.safetensors", delta, torch.eye(5, 9), eps=16)
    assert torch.equal(load_noise(tmp_path / "g.safetensors", "gate"), torch.eye(5, 9))
    (tmp_path / "g.safetensors").write_bytes(b"and then the power went")
    assert saved_facts(tmp_path / "g.safetensors") == saved_facts(tmp_path / "none.safetensors") == {}


def test_views_are_embedded_with_the_labels_of_their_frames(toy_study, toy_meta):
    data, swapped = training_frames(toy_study, toy_meta), in_other_scenes(toy_study, toy_meta, "truth")
    seen = embed_views(toy_study, data, toy_meta, swapped, looks={"isolated": isolate, "dark": lambda x, m: 0 * x})
    batches = list(validation_batches(toy_study, toy_meta, swapped))  # whole, masked, in another clip's scene
    assert list(seen) == ["whole", "isolated", "dark"]
    for views in seen.values():
        assert len(views.train) == len(data.labels) == 36 and views.train_labels.tolist() == data.labels.tolist()
        assert len(views.val) == 3 * 36 == sum(x.shape[0] * x.shape[1] for x, _ in batches)
        assert views.val_labels.tolist() == 3 * toy_meta["label"].repeat(3).tolist() and views.classes == 5
    assert seen["whole"].probe.shape == (5, 9)
    whole = torch.cat([toy_study.clip.encode_image(x.flatten(0, 1)) for x, _ in batches])
    assert torch.equal(seen["whole"].val, whole) and (seen["dark"].train == seen["dark"].train[0]).all()
    both = seen["whole"].beside(seen["isolated"])
    assert both.probe.shape == (5, 17) and torch.equal(both.train[:, 8:], seen["isolated"].train)


def test_scenes_are_swapped_in_the_share_of_views_that_is_asked_for(square_study):
    train, val = (square_study.clips(split) for split in ("train", "val"))
    data = training_frames(square_study, train)
    as_filmed, swapped = (embed_views(square_study, data, val, swap=swap)["whole"] for swap in (0.0, 1.0))
    assert torch.equal(as_filmed.val, swapped.val) and not torch.allclose(as_filmed.train, swapped.train, atol=1e-3)
    data.plates = np.zeros_like(data.plates)
    assert torch.equal(embed_views(square_study, data, val, swap=0.0)["whole"].train, as_filmed.train)


def test_a_group_in_two_splits_is_refused():
    parts = [pd.DataFrame({"clip": [f"c{k}"], "group": [f"g{k}"]}) for k in range(3)]
    check_disjoint(*parts)
    for column in ("clip", "group"):
        with pytest.raises(UserError, match=f"a {column} is in two splits"):
            check_disjoint(parts[0], parts[1].assign(**{column: parts[0][column]}), parts[2])


def test_views_are_embedded_once_and_again_when_what_they_show_changes(square_study):
    train, val = (square_study.clips(split) for split in ("train", "val"))

    def embedded(train: pd.DataFrame, **swap: float) -> tuple[int, dict[str, Views]]:
        given, before = learning.material(square_study, train, val, "real"), EMBEDDED["frames"]
        views = kept_views(square_study, "mine", given, val, looks={"isolated": isolate}, **swap)
        return EMBEDDED["frames"] - before, views

    count, first = embedded(train)
    again, second = embedded(train)
    assert count and not again and list(first) == list(second) == ["whole", "isolated"]
    for name, seen in first.items():
        for part in ("train", "train_labels", "val", "val_labels"):
            assert torch.equal(getattr(seen, part), getattr(second[name], part))
        assert seen.classes == second[name].classes and torch.equal(seen.probe, second[name].probe)
    assert embedded(train, swap=0.0)[0] and embedded(train.iloc[:4])[0]
    assert embedded(train)[0], "a file holds the views that were made last"
    path = square_study.results / "noise" / "views-mine.safetensors"
    path.write_bytes(path.read_bytes()[:-1])
    assert embedded(train)[0] and not embedded(train)[0], "a damaged file is made again"
