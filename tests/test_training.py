"""The training of noise: it lowers the loss, repeats exactly, goes on after a kill, and is kept by key."""

import copy
import dataclasses
import math

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.noise import learning, objective, training
from clipaction.noise.apply import isolate
from clipaction.noise.files import saved_facts
from clipaction.noise.frames import TrainingFrames
from clipaction.noise.gates import posterior_gate
from clipaction.noise.parameters import ClassNoise
from clipaction.profiles.schema import NoiseConfig
from clipaction.vision.clip import to_input


def config(**changes) -> NoiseConfig:
    return NoiseConfig(**{"steps": 30, "batch": 16, "lr": 0.05, "resolution": 8, **changes})


def learn(toy_clip, toy_head, toy_frames, use="gated", options=None, **changes):
    """Train on frames whose labels are what the toy model answers for the opposite image, so noise can improve."""
    flat = toy_frames.reshape(-1, 16, 16, 3)
    labels = (toy_clip.encode_image(to_input(255 - flat)) @ toy_head.T).argmax(1).numpy()
    region, anchor = np.full(flat.shape[:3], 128, np.uint8), np.zeros(flat.shape[:3], np.uint8)
    anchor[:, 2:12, 3:14] = 255
    data = TrainingFrames(flat, labels, [str(i) for i in range(len(flat))], region, anchor=anchor)
    return training.train(toy_clip, toy_head, data, config(**changes), use=use, **(options or {}))


GATE = torch.randn(5, 9, generator=torch.Generator().manual_seed(4))


@pytest.mark.parametrize(
    ("use", "gate", "rows"),
    [("gated", None, 5), ("shared", None, 1), ("oracle", None, 5), ("anchored", None, 2), ("anchored", GATE, 6)],
)
def test_training_lowers_the_loss_and_repeats_exactly(toy_clip, toy_head, toy_frames, use, gate, rows):
    given = {"use": use, "options": {"gate": gate}, "eps": 64.0, "steps": 60}
    delta, curves = learn(toy_clip, toy_head, toy_frames, **given)
    again, _ = learn(toy_clip, toy_head, toy_frames, **given)
    assert torch.equal(delta, again)
    assert len(delta) == rows and delta.abs().max() <= 64 / 255 + 1e-6
    assert curves["ce"].tail(10).mean() < curves["ce"].head(10).mean()


def test_anchored_noise_learns_inside_and_outside(toy_clip, toy_head, toy_frames):
    """Each part is learned where it acts: d_in inside the box that the anchor gives, d_out around it."""
    start = ClassNoise(2, 16, 64 / 255, 16)().detach()
    kept = {"mask": 0.0, "loss": dict.fromkeys(learning.TERMS, 0.0), "resolution": 16, "eps": 64.0}
    delta, _ = learn(toy_clip, toy_head, toy_frames, "anchored", **kept)
    changed = (delta - start).abs().amax(1) > 1e-6
    box = torch.zeros(16, 16, dtype=torch.bool)
    box[2:12, 2:14] = True  # of the anchor and of its mirror image
    assert not changed[0][~box].any() and changed[0][4:10, 4:12].all()
    assert not changed[1][4:10, 4:12].any() and changed[1][~box].all()


@pytest.mark.parametrize("use", ["anchored", "gated"])
def test_a_gate_sees_the_same_in_training_as_in_use(toy_clip, toy_head, toy_frames, monkeypatch, use):
    """Anchored noise: what is inside the box. Gated noise: the whole frame."""
    given: dict[str, list] = {"gate_weights": [], "anchored_noise": [], "add": []}
    for name, calls in given.items():
        original = getattr(objective, name)
        monkeypatch.setattr(objective, name, lambda *a, f=original, c=calls: c.append(a) or f(*a))
    learn(toy_clip, toy_head, toy_frames, use, {"gate": GATE}, steps=1)
    x = given["add"][0][0]
    seen = isolate(x, given["anchored_noise"][0][0]) if use == "anchored" else x
    assert torch.equal(given["gate_weights"][0][0], toy_clip.encode_image(seen))
    assert use == "gated" or not torch.equal(seen, x)


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
    _, curves = learn(toy_clip, toy_head, toy_frames, "oracle", steps=2, loss=off | {"ce": 0.0, "pair": 1.0})
    assert set(curves) & {"ce", *off} == {"pair"}


def test_frozen_clip_stays_frozen(toy_clip, toy_head, toy_frames):
    before = {k: v.clone() for k, v in toy_clip.model.state_dict().items()}
    learn(toy_clip, toy_head, toy_frames, steps=3)
    assert all(torch.equal(before[k], v) for k, v in toy_clip.model.state_dict().items())


@pytest.fixture
def trainings(monkeypatch):
    """The trainings that really run: (use, whether it has a gate)."""
    ran, train = [], learning.train

    def counted(*args, **options):
        ran.append((args[4], args[8] is not None, args[6] is not None))
        return train(*args, **options)

    monkeypatch.setattr(learning, "train", counted)
    return ran


@pytest.fixture
def given(square_study):
    """What noises learn from: with exact masks, and without."""
    return learning.materials(square_study, square_study.clips("train"), square_study.clips("val"))


def use(study, **changes):
    """The study with these settings of the noise."""
    section = study.profile.noise.model_copy(update=changes)
    vars(study).update(profile=study.profile.model_copy(update={"noise": section}))
    return study


def equal(one: dict, two: dict) -> bool:
    return one.keys() == two.keys() and all(torch.equal(one[name], two[name]) for name in one)


def test_noises_are_trained_side_by_side_and_kept_by_key(square_study, given, trainings):
    val = square_study.clips("val")
    first, curves = learning.learn_all(square_study, given, val)
    uses = {recipe.use for recipe in learning.RECIPES.values()}
    assert len(trainings) == len(learning.RECIPES) == 8 and {use for use, *_ in trainings} == uses
    assert list(curves["variant"].unique()) == list(learning.RECIPES) == list(first.noises)
    assert set(first.gates) == {name for name, recipe in learning.RECIPES.items() if recipe.gate}
    again, _ = learning.learn_all(square_study, given, val)
    loaded = learning.load_learned(square_study)
    for other in (again, loaded):
        assert equal(first.noises, other.noises) and equal(first.gates, other.gates)
    assert len(trainings) == 8
    fewer = dataclasses.replace(given["given"], swapped=given["given"].swapped[:1])
    learning.learn(square_study, "shared", fewer, val.head(1))  # other validation clips
    assert trainings[8:] == [("shared", False, True)]
    (square_study.results / "noise" / "gated.safetensors").unlink()
    damaged = square_study.results / "noise" / "naive.safetensors"
    content = damaged.read_bytes()
    damaged.unlink()  # not written in place: tensors that were read before may lie in the old file's memory
    damaged.write_bytes(content[:-1] + b"?")
    last, _ = learning.learn_all(square_study, given, val)
    # one is gone, one has a wrong byte, one is of other clips
    assert sorted(trainings[9:]) == [("gated", True, True), ("oracle", False, False), ("shared", False, True)]
    assert equal(first.noises, last.noises)


def test_each_noise_has_the_rows_the_size_and_the_steps_of_its_recipe(square_study, given):
    """Rows: one a class, d_in and d_out, or one for all; sizes from `eps_of`, which also holds for 'real'."""
    use(square_study, eps=16.0, eps_of={"anchored": 40.0, "anchored-class": 48.0})
    learned, curves = learning.learn_all(square_study, given, square_study.clips("val"))
    rows = {"anchored": 2, "anchored-class": 6, "anchored-class-real": 6, "shared": 1}
    config, steps = square_study.profile.noise, curves.groupby("variant")["step"].max()
    for name, noise in learned.noises.items():
        eps = {"anchored": 40.0, "anchored-class": 48.0}.get(name.removesuffix("-real"), 16.0)
        assert len(noise) == rows.get(name, 5) and noise.abs().max() <= eps / 255 + 1e-6, name
        assert learning.recipe_config(config, name).eps == eps
        assert saved_facts(square_study.results / "noise" / f"{name}.safetensors")["eps"] == str(eps)
        assert steps[name] == math.ceil(config.steps * learning.RECIPES[name].steps), name
    assert learned.noises["anchored-class"].abs().max() > 16 / 255


def test_what_needs_the_true_class_is_not_validated(square_study, given):
    """Validation with the true class would choose the best patch; without labels it takes a forward pass a class."""
    _, curves = learning.learn_all(square_study, given, square_study.clips("val"))
    validated = curves.groupby("variant")["val"].count()
    for name, recipe in learning.RECIPES.items():
        assert (validated[name] == 0) == (recipe.use == "oracle"), name


def test_other_settings_are_another_noise_but_those_of_other_noises_are_not(square_study, given, trainings):
    val = square_study.clips("val")

    def learn(name: str = "anchored", **changes) -> int:
        before, study = len(trainings), copy.copy(square_study)
        learning.learn(use(study, **changes), name, dataclasses.replace(given["given"]), val)
        return len(trainings) - before

    assert learn(eps_of={"anchored": 40.0}) == 1
    assert learn(eps_of={"anchored": 40.0, "gated": 8.0}, shortlist=5, search_steps=3) == 0
    data = given["given"].frames
    for found in ("region", "plates", "anchor"):  # another region source, or other code of it
        kept = getattr(data, found)
        setattr(data, found, 255 - kept)
        assert learn(eps_of={"anchored": 40.0}) == 1, found
        setattr(data, found, kept)
    assert learn(eps_of={"anchored": 32.0}) == 1 and learn(lr=0.1) == 1 and learn(margin=1.0) == 1


def test_a_gate_of_anchored_noise_sees_the_isolated_view(square_study, given):
    views, config, recipes = given["given"].views, square_study.profile.noise, learning.RECIPES
    assert torch.equal(
        learning.fit_gate(square_study, config, views, recipes["anchored-class"]), views["isolated"].probe
    )
    assert torch.equal(learning.fit_gate(square_study, config, views, recipes["gated"]), views["whole"].probe)
    own = posterior_gate(square_study.head(), square_study.clip.tau, config.temperature)
    assert torch.equal(learning.fit_gate(square_study, config, views, recipes["posterior"]), own)
    asked = config.model_copy(update={"gate": "posterior"})
    assert torch.equal(learning.fit_gate(square_study, asked, views, recipes["anchored-class"]), own)


def test_without_truth_there_is_one_material_and_no_real_noise(square_study):
    vars(square_study.store).update(parts=None, plates=None)
    train, val = (square_study.clips(split) for split in ("train", "val"))
    given = learning.materials(square_study, train, val)
    assert list(given) == ["given"] and given["given"].source == "motion"
    learned, _ = learning.learn_all(square_study, given, val)
    assert set(learned.noises) == {name for name, recipe in learning.RECIPES.items() if not recipe.real}
    assert equal(learning.load_learned(square_study).noises, learned.noises)


def test_noises_that_are_missing_name_the_notebook(square_study):
    with pytest.raises(UserError, match="anchored.safetensors is missing .* run notebook 04 first"):
        learning.load_learned(square_study)
