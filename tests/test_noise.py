"""Class-specific noise: its bounds, its protocols (the label-free ones cannot see a label), its loss and its training."""

import inspect

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction import noise
from clipaction.clip import to_input
from clipaction.config import NoiseConfig


@pytest.fixture
def images(toy_frames):
    return torch.from_numpy(toy_frames).permute(0, 1, 4, 2, 3).float() / 255


@pytest.fixture
def delta():
    return noise.ClassNoise(5, 16, 16 / 255, 4, seed=3)().detach() * 30


def config(**changes) -> NoiseConfig:
    return NoiseConfig(**{"steps": 30, "batch": 16, "lr": 0.05, "resolution": 8, **changes})


def test_noise_never_exceeds_eps():
    model = noise.ClassNoise(5, 16, 8 / 255, 4)
    with torch.no_grad():
        model.theta.mul_(1e4)
    assert model().shape == (5, 3, 16, 16)
    assert model().abs().max() <= 8 / 255 + 1e-7


def test_l2_noise_is_bounded_by_its_root_mean_square_and_may_be_smaller():
    model = noise.ClassNoise(5, 16, 8 / 255, 4, norm="l2")
    small = model().detach().pow(2).mean((1, 2, 3)).sqrt()
    assert (small < 1 / 255).all()
    with torch.no_grad():
        model.theta.mul_(1e4)
    torch.testing.assert_close(model().pow(2).mean((1, 2, 3)).sqrt(), torch.full((5,), 8 / 255))


def test_mixture_of_noises_stays_within_eps(delta):
    pi = torch.rand(7, 5).softmax(1)
    assert noise.mix(pi, delta).abs().max() <= delta.abs().max() + 1e-7


def test_mixture_of_one_hot_gate_is_that_class_noise(delta):
    torch.testing.assert_close(noise.mix(torch.eye(5), delta), delta)


def test_posterior_gate_is_the_models_own_answer(toy_clip, toy_head, images):
    f = toy_clip.encode_image(images[:, 0])
    pi = noise.mixture(f, toy_head, None, toy_clip.tau)
    torch.testing.assert_close(pi, (f @ toy_head.T / toy_clip.tau).softmax(1))
    sharper = noise.mixture(f, toy_head, noise.posterior_gate(toy_head, toy_clip.tau, 0.5), toy_clip.tau)
    assert (sharper.amax(1) >= pi.amax(1)).all()


def test_where_more_classes_compete_noise_is_worn_as_far_as_the_model_believes_in_those_that_have_one(toy_clip, toy_head, images):
    f, gate = toy_clip.encode_image(images[:, 0]), torch.randn(3, 9)
    pi = noise.mixture(f, toy_head, gate, toy_clip.tau)
    torch.testing.assert_close(pi.sum(1), (f @ toy_head.T / toy_clip.tau).softmax(1)[:, :3].sum(1))
    torch.testing.assert_close(pi / pi.sum(1, keepdim=True), noise.mixture(f, toy_head[:3], gate, toy_clip.tau))


def test_fewer_clips_are_the_first_of_every_class_with_their_own_scenes(toy_frames):
    flat = toy_frames.reshape(-1, 16, 16, 3)
    ids, labels = [f"clip{i // 3}" for i in range(36)], np.arange(36) // 3 % 2
    data = noise.Frames(flat, labels, ids, np.zeros(flat.shape[:3], np.uint8), flat)
    assert data.clips_a_class() == 6
    two = data.fewer(2)
    assert list(dict.fromkeys(two.ids)) == ["clip0", "clip1", "clip2", "clip3"] and len(two.labels) == 12
    assert (two.frames == flat[:12]).all() and (two.plates == flat[:12]).all() and len(two.region) == 12


@pytest.mark.parametrize("name", noise.LABEL_FREE)
def test_label_free_protocols_have_no_way_to_receive_labels(name):
    assert not {"label", "labels", "y", "target", "targets"} & set(inspect.signature(noise.LABEL_FREE[name]).parameters)


def test_oracle_depends_on_labels_and_the_others_do_not(toy_clip, toy_head, images, delta):
    labels = torch.arange(12) % 5
    one, two = (noise.oracle(toy_clip, toy_head, images, delta, y)[0] for y in (labels, (labels + 1) % 5))
    assert not torch.allclose(one, two)


def test_every_clip_is_judged_alone(toy_clip, toy_head, images, delta):
    for protocol in noise.LABEL_FREE.values():
        arguments = (delta,) if protocol is not noise.plain else (delta[:1],)
        together = protocol(toy_clip, toy_head, images, *arguments)[0]
        alone = torch.cat([protocol(toy_clip, toy_head, x[None], *arguments)[0] for x in images])
        torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4)


def test_zero_noise_changes_nothing(toy_clip, toy_head, images):
    zero, labels = torch.zeros(5, 3, 16, 16), torch.zeros(12, dtype=torch.long)
    base = noise.plain(toy_clip, toy_head, images)[0]
    for scores in (
        noise.gated(toy_clip, toy_head, images, zero)[0],
        noise.hypothesis(toy_clip, toy_head, images, zero)[0],
        noise.oracle(toy_clip, toy_head, images, zero, labels)[0],
    ):
        torch.testing.assert_close(scores, base, atol=1e-5, rtol=1e-4)


def test_shortlist_of_all_classes_is_hypothesis_and_a_shorter_one_keeps_its_scores(toy_clip, toy_head, images, delta):
    full = noise.hypothesis(toy_clip, toy_head, images, delta)[0]
    torch.testing.assert_close(noise.hypothesis(toy_clip, toy_head, images, delta, shortlist=5)[0], full)
    two = noise.hypothesis(toy_clip, toy_head, images, delta, shortlist=2)[0]
    assert ((two > -1).sum(1) == 2).all()
    torch.testing.assert_close(two[two > -1], full[two > -1])


def test_attack_rate_counts_other_classes_clips_only(toy_clip, toy_head, images):
    labels = torch.arange(12) % 5
    hits, of = noise.attacked(toy_clip, toy_head, images, labels, torch.zeros(5, 3, 16, 16))
    clean = noise.plain(toy_clip, toy_head, images)[0].argmax(1)
    assert of.tolist() == [int((labels != c).sum()) for c in range(5)]
    assert hits.tolist() == [int(((clean == c) & (labels != c)).sum()) for c in range(5)]


def test_pair_term_equals_the_papers_sum_when_there_are_two_classes():
    own, wrong, y, tau = torch.tensor([[0.3, 0.1]]), torch.tensor([[0.2, 0.25]]), torch.tensor([0]), 0.1
    expected = -torch.log(torch.exp(own[0, 0] / tau) / (torch.exp(own[0, 0] / tau) + torch.exp(wrong[0, 1] / tau)))
    torch.testing.assert_close(noise.pair_term(own, wrong, y, torch.tensor([1]), tau, classes=2), expected)


def test_hinge_is_zero_for_a_noise_that_drags_nobody_and_grows_with_the_drag():
    clean, y, c = torch.tensor([[0.5, 0.1]]), torch.tensor([0]), torch.tensor([1])
    assert noise.hinge_term(clean, clean, y, c, 0.1, margin=0.0) == 0
    assert noise.hinge_term(clean, torch.tensor([[0.5, 0.3]]), y, c, 0.1, margin=0.0) == pytest.approx(2.0)


def test_confidence_term_is_zero_for_a_uniform_answer():
    assert noise.confidence_term(torch.zeros(2, 4), 0.1).item() == pytest.approx(0, abs=1e-6)
    assert noise.confidence_term(torch.tensor([[1.0, 0, 0, 0]]), 0.01).item() == pytest.approx(np.log(4), rel=1e-3)


def test_agreement_term_is_symmetric_and_zero_for_equal_answers():
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    assert noise.agreement_term(a, a, 0.1) == 0
    torch.testing.assert_close(noise.agreement_term(a, b, 0.1), noise.agreement_term(b, a, 0.1))


def learn(toy_clip, toy_head, toy_frames, use="gated", options=None, **changes):
    """Train on frames whose labels are what the toy model answers for the opposite image: noise has something to mend."""
    flat = toy_frames.reshape(-1, 16, 16, 3)
    scores = toy_clip.encode_image(to_input(255 - flat)) @ toy_head.T
    data = noise.Frames(flat, scores.argmax(1).numpy(), [str(i) for i in range(len(flat))], np.full(flat.shape[:3], 128, np.uint8))
    return noise.train(toy_clip, toy_head, data, config(**changes), use=use, **(options or {}))


@pytest.mark.parametrize("use", ["gated", "shared", "oracle"])
def test_training_lowers_the_loss_and_repeats_exactly(toy_clip, toy_head, toy_frames, use):
    delta, curves = learn(toy_clip, toy_head, toy_frames, use, eps=64.0, steps=60)
    again, _ = learn(toy_clip, toy_head, toy_frames, use, eps=64.0, steps=60)
    assert torch.equal(delta, again)
    assert len(delta) == (1 if use == "shared" else 5)
    assert curves["ce"].tail(10).mean() < curves["ce"].head(10).mean()


def test_a_killed_training_goes_on_to_the_same_noise_bit_by_bit(toy_clip, toy_head, toy_frames, tmp_path, monkeypatch):
    monkeypatch.setattr(noise, "CHECKPOINT_EVERY", -1)
    checkpoint, seen = tmp_path / "noise.checkpoint", []

    def kill(rows):
        seen.append(rows[-1]["step"])
        if seen == list(range(1, 18)):
            raise KeyboardInterrupt

    options = {"checkpoint": checkpoint, "watch": kill, "validate": lambda delta: float(delta.abs().mean())}
    whole, curve = learn(toy_clip, toy_head, toy_frames, options={**options, "watch": None}, validate_every=5)
    assert not checkpoint.exists()
    with pytest.raises(KeyboardInterrupt):
        learn(toy_clip, toy_head, toy_frames, options=options, validate_every=5)
    assert checkpoint.exists()
    resumed, rest = learn(toy_clip, toy_head, toy_frames, options=options, validate_every=5)
    assert seen[17:] == list(range(17, 31))  # step 17 was lost, and no other
    assert torch.equal(whole, resumed) and not checkpoint.exists()
    pd.testing.assert_frame_equal(curve.drop(columns="seconds"), rest.drop(columns="seconds"))


def test_training_stops_when_validation_gets_no_better_and_returns_the_best(toy_clip, toy_head, toy_frames):
    answers = iter([0.1, 0.5, 0.4, 0.3, 0.2, 0.1])
    tried = []
    validate = lambda delta: tried.append(delta.clone()) or next(answers)  # noqa: E731
    delta, curve = learn(toy_clip, toy_head, toy_frames, options={"validate": validate}, validate_every=5, patience=2)
    assert len(curve) == 20 and torch.equal(delta, tried[1])


def test_a_term_with_weight_zero_is_not_computed(toy_clip, toy_head, toy_frames):
    off = dict.fromkeys(("pair", "hinge", "confidence", "tv", "agreement"), 0.0)
    _, curves = learn(toy_clip, toy_head, toy_frames, steps=2, loss=off)
    assert set(curves) & set(off) == set()
    _, curves = learn(toy_clip, toy_head, toy_frames, steps=2, loss=dict.fromkeys(off, 0.5))
    assert set(off) <= set(curves)


def test_frozen_clip_stays_frozen(toy_clip, toy_head, toy_frames):
    before = {k: v.clone() for k, v in toy_clip.model.state_dict().items()}
    learn(toy_clip, toy_head, toy_frames, steps=3)
    assert all(torch.equal(before[k], v) for k, v in toy_clip.model.state_dict().items())


def test_random_control_has_the_learned_norm(delta):
    control = noise.random_like(delta)
    torch.testing.assert_close(control.flatten(1).norm(dim=1), delta.flatten(1).norm(dim=1), rtol=1e-4, atol=1e-5)


def test_saved_noise_comes_back(tmp_path, delta):
    noise.save_noise(tmp_path / "n.safetensors", delta, eps=16, use="gated")
    torch.testing.assert_close(noise.load_noise(tmp_path / "n.safetensors"), delta)
    noise.save_noise(tmp_path / "g.safetensors", delta, torch.eye(5, 9), eps=16)
    assert torch.equal(noise.load_noise(tmp_path / "g.safetensors", "gate"), torch.eye(5, 9))


def test_views_do_not_change_the_training_frames(toy_frames):
    flat = toy_frames.reshape(-1, 16, 16, 3)
    before = flat.copy()
    data = noise.Frames(flat, np.zeros(len(flat), int), [""] * len(flat), np.full(flat.shape[:3], 255, np.uint8))
    x = data.view(np.arange(8), np.random.default_rng(0), swap=1.0, mask=1.0)
    assert x.shape == (8, 3, 16, 16) and 0 <= x.min() and x.max() <= 1
    assert (flat == before).all()
