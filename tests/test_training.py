"""The training of noise: it lowers the loss, repeats exactly, goes on after a kill, and is kept by key."""

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction.noise import learning, training
from clipaction.noise.views import TrainingFrames, training_frames
from clipaction.profiles.schema import NoiseConfig
from clipaction.vision.clip import to_input


def config(**changes) -> NoiseConfig:
    return NoiseConfig(**{"steps": 30, "batch": 16, "lr": 0.05, "resolution": 8, **changes})


def learn(toy_clip, toy_head, toy_frames, use="gated", options=None, **changes):
    """Train on frames whose labels are what the toy model answers for the opposite image, so noise can improve."""
    flat = toy_frames.reshape(-1, 16, 16, 3)
    labels = (toy_clip.encode_image(to_input(255 - flat)) @ toy_head.T).argmax(1).numpy()
    region = np.full(flat.shape[:3], 128, np.uint8)
    data = TrainingFrames(flat, labels, [str(i) for i in range(len(flat))], region)
    return training.train(toy_clip, toy_head, data, config(**changes), use=use, **(options or {}))


@pytest.mark.parametrize("use", ["gated", "shared", "oracle"])
def test_training_lowers_the_loss_and_repeats_exactly(toy_clip, toy_head, toy_frames, use):
    delta, curves = learn(toy_clip, toy_head, toy_frames, use, eps=64.0, steps=60)
    again, _ = learn(toy_clip, toy_head, toy_frames, use, eps=64.0, steps=60)
    assert torch.equal(delta, again)
    assert len(delta) == (1 if use == "shared" else 5)
    assert curves["ce"].tail(10).mean() < curves["ce"].head(10).mean()


def test_a_killed_training_goes_on_to_the_same_noise_bit_by_bit(toy_clip, toy_head, toy_frames, tmp_path, monkeypatch):
    monkeypatch.setattr(training, "CHECKPOINT_EVERY", -1)
    checkpoint, seen = tmp_path / "noise.checkpoint", []

    def kill(rows):
        seen.append(rows[-1]["step"])
        if seen == list(range(1, 18)):
            raise KeyboardInterrupt

    def size(delta):
        return float(delta.abs().mean())

    options = {"checkpoint": checkpoint, "watch": kill, "validate": size}
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
    answers, tried = iter([0.1, 0.5, 0.4, 0.3, 0.2, 0.1]), []

    def validate(delta):
        tried.append(delta.clone())
        return next(answers)

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


@pytest.fixture
def trainings(monkeypatch):
    """The uses of the trainings that really run."""
    ran, train = [], learning.train

    def counted(*args, **options):
        ran.append(args[4])
        return train(*args, **options)

    monkeypatch.setattr(learning, "train", counted)
    return ran


def test_noises_are_trained_side_by_side_and_kept_by_key(toy_study, toy_meta, trainings):
    data = training_frames(toy_study, toy_meta)
    first, curves = learning.learn_all(toy_study, data, toy_meta, None)
    assert sorted(trainings) == ["gated", "oracle", "shared"] and set(curves["variant"]) == set(learning.USES)
    again, _ = learning.learn_all(toy_study, data, toy_meta, None)
    assert len(trainings) == 3 and all(torch.equal(first[name], again[name]) for name in first)
    loaded = learning.load_learned(toy_study)
    assert all(torch.equal(first[name], loaded[name]) for name in first)
    learning.learn(toy_study, "shared", data, toy_meta.head(6))  # other validation clips
    assert trainings[3:] == ["shared"]
    (toy_study.results / "noise" / "gated.safetensors").unlink()
    learning.learn_all(toy_study, data, toy_meta, None)
    assert sorted(trainings[4:]) == ["gated", "shared"]  # one is gone; the other is of other validation clips
