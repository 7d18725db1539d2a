"""Methods: label-free ones cannot be given a label; the scores of protocols are what their formulas say."""

import dataclasses
import inspect
from collections.abc import Callable
from functools import partial

import numpy as np
import pytest
import torch

from clipaction.analysis.attack import attacked
from clipaction.analysis.tempering import calibrated
from clipaction.base.errors import UserError
from clipaction.evaluate.judge import describe_methods, evaluate_methods
from clipaction.evaluate.methods import METHODS, find_method, method
from clipaction.noise.apply import gated, hypothesis, oracle, shared
from clipaction.noise.learning import RECIPES, Learned, materials, setup_of
from clipaction.noise.parameters import ClassNoise
from clipaction.noise.protocols import HEADLINE, Setup, build_protocols
from clipaction.rivals import build_rivals, prompted
from clipaction.rivals.fitting import network_protocols
from clipaction.rivals.networks import create, network_names
from clipaction.vision.clip import clips_to_input
from clipaction.vision.zero_shot import zero_shot


@pytest.fixture
def images(square_study):
    return clips_to_input(square_study.store.frames)


@pytest.fixture
def delta():
    return ClassNoise(6, 48, 16 / 255, 4, seed=3)().detach() * 30


@pytest.fixture
def setup(square_study, delta) -> Setup:
    """With all noises, and another gate for each that has one."""
    rows = {"anchored": delta[4:], "anchored-class": delta, "anchored-class-real": delta.flip(0), "shared": delta[:1]}
    noises = {name: rows.get(name, delta[:5] * (1 + k / 8)) for k, name in enumerate(RECIPES)}
    generator = torch.Generator().manual_seed(2)
    gates = {name: 4 * torch.randn(5, 9, generator=generator) for name, recipe in RECIPES.items() if recipe.gate}
    return setup_of(square_study, Learned(noises, gates))


@pytest.fixture
def methods(square_study, setup, monkeypatch) -> dict[str, Callable]:
    """Every registered method that can be built, built from toys. (Tuned prompts need a text tower, so here the toy
    head stands for what was tuned.)"""
    monkeypatch.setattr(prompted, "tune_prompts", lambda clip, *_: setup.head)
    train, val = (square_study.clips(split) for split in ("train", "val"))
    rivals = build_rivals(square_study, materials(square_study, train, val))
    networks = network_protocols(square_study, {name: create(name, 5).eval() for name in network_names()})
    protocols = {
        name: entry.build(setup) for name, entry in METHODS.items() if entry.build and entry.kind == "protocol"
    }
    return protocols | rivals | networks


def test_label_free_methods_cannot_receive_labels(methods, images):
    assert set(methods) == {name for name, entry in METHODS.items() if entry.build}
    labels = torch.arange(12) % 5
    for name, built in methods.items():
        parameters = inspect.signature(built).parameters.values()
        free = [parameter.name for parameter in parameters if parameter.default is parameter.empty]
        if METHODS[name].uses_label:
            assert free == ["x", "labels"] and built(images, labels=labels)[0].shape == (12, 5)
            continue
        assert free == ["x"], f"{name} takes {free}"
        with pytest.raises(TypeError, match="labels"):
            built(images, labels=labels)
        clips, frames = built(images)
        assert clips.shape == (12, 5) and frames.shape == (12, 4, 5), name


def test_no_label_free_method_holds_labels_of_the_clips_that_it_judges(methods):
    """A method is built with models, noises, gates and numbers; whole numbers in tensors could be labels."""
    for name, built in methods.items():
        for value in (*built.args, *built.keywords.values()):
            assert not (isinstance(value, torch.Tensor) and value.dtype == torch.long), name


def test_every_clip_is_judged_alone(methods, images):
    for name, built in methods.items():
        if not METHODS[name].uses_label:
            together, alone = built(images)[0], torch.cat([built(x[None])[0] for x in images])
            torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-4, msg=name)


def test_labels_are_handed_to_bounds_only(methods, square_study):
    calls = {}

    def spied(name: str, x: torch.Tensor, **options):
        calls.setdefault(name, []).append(options)
        return methods[name](x, **options)

    spies = {name: partial(spied, name) for name in methods}
    table = evaluate_methods(square_study, square_study.meta, spies, ["none"])
    assert set(calls) == set(methods) == set(table["method"])
    for name, options in calls.items():
        if METHODS[name].uses_label:
            assert torch.cat([each["labels"] for each in options]).tolist() == square_study.meta["label"].tolist()
        else:
            assert not any(options), name


def test_changed_labels_change_no_answer_but_those_of_bounds(methods, square_study):
    other = square_study.meta.assign(label=(square_study.meta["label"] + 1) % 5)
    one, two = (evaluate_methods(square_study, meta, methods, ["none"]) for meta in (square_study.meta, other))
    for name, rows in one.groupby("method"):
        same = (rows["p_pred"].to_numpy() == two.loc[two["method"] == name, "p_pred"].to_numpy()).all()
        assert same != METHODS[name].uses_label, name


def test_a_method_that_changes_its_frames_is_refused(methods, square_study):
    def darker(x: torch.Tensor):
        return methods["none"](x.mul_(0.5))

    with pytest.raises(UserError, match="random: changes the frames that it is given"):
        evaluate_methods(square_study, square_study.meta, {"random": darker, "none": methods["none"]}, ["none"])


def test_tempered_methods_keep_their_answers(methods, square_study):
    free = {name: built for name, built in methods.items() if not METHODS[name].uses_label and not METHODS[name].slow}
    val, test = (
        evaluate_methods(square_study, square_study.meta.assign(split=split), free, ["none"], scores=True)
        for split in ("val", "test")
    )
    after = calibrated(val, test)
    assert (after["method"] == test["method"]).all() and (after["temperature"] != 1).all()
    assert (after["pred"] == test["pred"]).all() and not np.allclose(after["p_pred"], test["p_pred"])


def test_protocols_are_built_by_name_and_the_shortlist_says_its_length(setup):
    built = build_protocols(setup)
    assert list(built)[:3] == ["none", "anchored", HEADLINE] and "shortlist-3" in built and "shortlist" not in built
    assert list(build_protocols(setup, ["none", "shared"])) == ["none", "shared"]
    assert find_method("shortlist-5").label == "shortlist-5" and find_method("shortlist-5").slow
    unknown = find_method("mine")
    assert (unknown.label, unknown.colour, unknown.uses_label) == ("mine", "grey", False)
    with pytest.raises(UserError, match='unknown method "gatde"; did you mean "gated"?'):
        METHODS["gatde"]


def test_protocols_are_built_where_their_noises_are(setup):
    few = dataclasses.replace(setup, noises={name: setup.noises[name] for name in ("shared", "anchored")})
    assert list(build_protocols(few)) == ["none", "anchored", "shared", "swapped"]
    with pytest.raises(UserError, match='protocol "gated" needs the noise gated; learn it first'):
        build_protocols(few, ["gated"])
    with pytest.raises(UserError, match='unknown protocol "probe"; choose one of none, anchored'):
        build_protocols(few, ["probe"])


def test_every_noise_is_used_by_a_protocol_and_every_need_is_a_noise():
    needs = {name: entry.needs for name, entry in METHODS.items() if entry.kind == "protocol"}
    assert {noise for needed in needs.values() for noise in needed} == set(RECIPES)


def test_parts_of_mixtures_are_label_free_methods():
    mixtures = [entry for entry in METHODS.values() if entry.kind == "mixture"]
    assert {"clip+probe", f"{HEADLINE}+probe", "anchored+probe"} <= {entry.name for entry in mixtures}
    for entry in mixtures:
        assert len(entry.parts) == 2 and entry.build is None and not entry.uses_label
        assert not any(METHODS[part].uses_label or METHODS[part].slow for part in entry.parts), entry.name


def test_a_protocol_uses_the_noise_and_the_gate_of_its_name(setup, images):
    """Another noise of that name changes its answer, and another gate, too; nothing else does."""
    names = [
        name for name, entry in METHODS.items() if entry.kind == "protocol" and entry.build and not entry.uses_label
    ]
    before = {name: METHODS[name].build(setup)(images[:4])[0] for name in names}
    for noise in RECIPES:
        other = setup_of_other(setup, noise)
        changed = {name for name in names if not torch.equal(METHODS[name].build(other)(images[:4])[0], before[name])}
        assert changed == {name for name in names if noise in METHODS[name].needs}, noise
    for gate in setup.gates:
        other = dataclasses.replace(setup, gates=setup.gates | {gate: -setup.gates[gate]})
        changed = {name for name in names if not torch.equal(METHODS[name].build(other)(images[:4])[0], before[name])}
        assert changed == {name for name in names if gate in METHODS[name].needs}, gate


def setup_of_other(setup: Setup, noise: str) -> Setup:
    return dataclasses.replace(setup, noises=setup.noises | {noise: 0.1 + setup.noises[noise].flip(3)})


def test_exchanged_noise_is_d_out_inside_and_d_in_outside(setup, images):
    d_in, d_out = setup.noises["anchored"]
    by_hand = dataclasses.replace(setup, noises={"anchored": torch.stack([d_out, d_in])})
    (one,), (two,) = (build_protocols(s, [n]).values() for s, n in ((setup, "swapped"), (by_hand, "anchored")))
    assert torch.equal(one(images)[0], two(images)[0])


def test_methods_are_described_for_figures(registries):
    @method("told", "told the class", uses_label=True, labels="the clip's own")
    def told(setup):
        return None

    facts = describe_methods(["gated", "told", "shortlist-7"])
    assert facts["told"]["uses_label"] and not facts["gated"]["uses_label"]
    assert facts["shortlist-7"]["label"] == "shortlist-7" and facts["gated"]["colour"] == METHODS["gated"].colour


def test_oracle_depends_on_labels(square_study, images, delta):
    clip, head = square_study.clip, square_study.head()
    labels = torch.arange(12) % 5
    one, two = (oracle(clip, head, images, delta, y)[0] for y in (labels, (labels + 1) % 5))
    assert not torch.allclose(one, two)


def test_zero_noise_changes_nothing(square_study, images):
    clip, head = square_study.clip, square_study.head()
    zero, labels = torch.zeros(5, 3, 48, 48), torch.zeros(12, dtype=torch.long)
    base = zero_shot(clip, head, images)[0]
    for scores in (
        gated(clip, head, images, zero)[0],
        shared(clip, head, images, zero[:1])[0],
        hypothesis(clip, head, images, zero)[0],
        oracle(clip, head, images, zero, labels)[0],
    ):
        torch.testing.assert_close(scores, base, atol=1e-5, rtol=1e-4)


def test_shortlist_of_all_classes_is_hypothesis_and_a_shorter_one_keeps_its_scores(square_study, images, delta):
    clip, head = square_study.clip, square_study.head()
    full = hypothesis(clip, head, images, delta)[0]
    torch.testing.assert_close(hypothesis(clip, head, images, delta, shortlist=5)[0], full)
    two = hypothesis(clip, head, images, delta, shortlist=2)[0]
    assert ((two > -1).sum(1) == 2).all()
    torch.testing.assert_close(two[two > -1], full[two > -1])


def test_attack_rate_counts_other_classes_clips_only(square_study, images):
    clip, head = square_study.clip, square_study.head()
    labels = torch.arange(12) % 5
    turned, tried = attacked(clip, head, images, labels, torch.zeros(5, 3, 48, 48), None)
    clean = zero_shot(clip, head, images)[0].argmax(1)
    assert tried.tolist() == [int((labels != c).sum()) for c in range(5)]
    assert turned.tolist() == [int(((clean == c) & (labels != c)).sum()) for c in range(5)]
