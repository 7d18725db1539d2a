"""Methods: label-free ones cannot be given a label; the scores of protocols are what their formulas say."""

import inspect
from collections.abc import Callable
from functools import partial

import pytest
import torch

from clipaction.analysis.attack import attacked
from clipaction.analysis.tempering import calibrated
from clipaction.base.errors import UserError
from clipaction.evaluate.judge import describe_methods, evaluate_methods
from clipaction.evaluate.methods import METHODS, find_method, method
from clipaction.noise.parameters import ClassNoise
from clipaction.noise.protocols import Setup, build_protocols, gated, hypothesis, oracle, shared
from clipaction.noise.views import embed_views, training_frames
from clipaction.rivals import RivalSetup, prompted
from clipaction.rivals.fitting import network_protocols
from clipaction.rivals.networks import create, network_names
from clipaction.vision.zero_shot import zero_shot


@pytest.fixture
def images(toy_frames):
    return torch.from_numpy(toy_frames).permute(0, 1, 4, 2, 3).float() / 255


@pytest.fixture
def delta():
    return ClassNoise(5, 16, 16 / 255, 4, seed=3)().detach() * 30


@pytest.fixture
def setup(toy_clip, toy_head, delta) -> Setup:
    noises = {"gated": delta, "naive": delta.flip(0), "shared": delta[:1]}
    return Setup(toy_clip, toy_head, noises, torch.randn(5, 9, generator=torch.Generator().manual_seed(2)))


@pytest.fixture
def methods(toy_study, toy_meta, setup, monkeypatch) -> dict[str, Callable]:
    """Every registered method that can be built, built from toys. (Tuned prompts need a text tower, so here the toy
    head stands for what was tuned.)"""
    monkeypatch.setattr(prompted, "tune_prompts", lambda clip, *_: setup.head)
    views = embed_views(toy_study, training_frames(toy_study, toy_meta), toy_meta)
    rivals = RivalSetup(toy_study.clip, setup.head, views, list(toy_study.classes))
    networks = network_protocols(toy_study, {name: create(name, 5).eval() for name in network_names()})
    setups = {"protocol": setup, "rival": rivals}
    built = {
        name: entry.build(setups[entry.kind]) for name, entry in METHODS.items() if entry.build and entry.kind in setups
    }
    return built | networks


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
        assert clips.shape == (12, 5) and frames.shape == (12, 3, 5), name


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


def test_labels_are_handed_to_bounds_only(methods, toy_study, toy_meta):
    calls = {}

    def spied(name: str, x: torch.Tensor, **options):
        calls.setdefault(name, []).append(options)
        return methods[name](x, **options)

    spies = {name: partial(spied, name) for name in methods}
    table = evaluate_methods(toy_study, toy_meta, spies, ["none"])
    assert set(calls) == set(methods) == set(table["method"])
    for name, options in calls.items():
        if METHODS[name].uses_label:
            assert torch.cat([each["labels"] for each in options]).tolist() == toy_meta["label"].tolist()
        else:
            assert not any(options), name


def test_changed_labels_change_no_answer_but_those_of_bounds(methods, toy_study, toy_meta):
    other = toy_meta.assign(label=(toy_meta["label"] + 1) % 5)
    one, two = (evaluate_methods(toy_study, meta, methods, ["none"]) for meta in (toy_meta, other))
    for name, rows in one.groupby("method"):
        same = (rows["p_pred"].to_numpy() == two.loc[two["method"] == name, "p_pred"].to_numpy()).all()
        assert same != METHODS[name].uses_label, name


def test_tempered_methods_keep_their_answers(methods, toy_study, toy_meta, images):
    free = {name: built for name, built in methods.items() if not METHODS[name].uses_label and not METHODS[name].slow}
    for name, protocol in calibrated(toy_study, free, toy_meta).items():
        before, after = free[name](images)[0], protocol(images)[0]
        assert torch.equal(before.argmax(1), after.argmax(1)), name
        torch.testing.assert_close(after * protocol.keywords["temperature"], before)


def test_protocols_are_built_by_name_and_the_shortlist_says_its_length(setup):
    assert list(build_protocols(setup))[:4] == ["none", "gated", "hypothesis", "shortlist-3"]
    assert list(build_protocols(setup, ["none", "shared"])) == ["none", "shared"]
    assert find_method("shortlist-5").label == "shortlist-5" and find_method("shortlist-5").slow
    unknown = find_method("mine")
    assert (unknown.label, unknown.colour, unknown.uses_label) == ("mine", "grey", False)
    with pytest.raises(UserError, match='unknown method "gatde"; did you mean "gated"?'):
        METHODS["gatde"]


def test_methods_are_described_for_figures(registries):
    @method("told", "told the class", uses_label=True, labels="the clip's own")
    def told(setup):
        return None

    facts = describe_methods(["gated", "told", "shortlist-7"])
    assert facts["told"]["uses_label"] and not facts["gated"]["uses_label"]
    assert facts["shortlist-7"]["label"] == "shortlist-7" and facts["gated"]["colour"] == "blue"


def test_oracle_depends_on_labels(toy_clip, toy_head, images, delta):
    labels = torch.arange(12) % 5
    one, two = (oracle(toy_clip, toy_head, images, delta, y)[0] for y in (labels, (labels + 1) % 5))
    assert not torch.allclose(one, two)


def test_zero_noise_changes_nothing(toy_clip, toy_head, images):
    zero, labels = torch.zeros(5, 3, 16, 16), torch.zeros(12, dtype=torch.long)
    base = zero_shot(toy_clip, toy_head, images)[0]
    for scores in (
        gated(toy_clip, toy_head, images, zero)[0],
        shared(toy_clip, toy_head, images, zero[:1])[0],
        hypothesis(toy_clip, toy_head, images, zero)[0],
        oracle(toy_clip, toy_head, images, zero, labels)[0],
    ):
        torch.testing.assert_close(scores, base, atol=1e-5, rtol=1e-4)


def test_shortlist_of_all_classes_is_hypothesis_and_a_shorter_one_keeps_its_scores(toy_clip, toy_head, images, delta):
    full = hypothesis(toy_clip, toy_head, images, delta)[0]
    torch.testing.assert_close(hypothesis(toy_clip, toy_head, images, delta, shortlist=5)[0], full)
    two = hypothesis(toy_clip, toy_head, images, delta, shortlist=2)[0]
    assert ((two > -1).sum(1) == 2).all()
    torch.testing.assert_close(two[two > -1], full[two > -1])


def test_attack_rate_counts_other_classes_clips_only(toy_clip, toy_head, images):
    labels = torch.arange(12) % 5
    turned, tried = attacked(toy_clip, toy_head, images, labels, torch.zeros(5, 3, 16, 16))
    clean = zero_shot(toy_clip, toy_head, images)[0].argmax(1)
    assert tried.tolist() == [int((labels != c).sum()) for c in range(5)]
    assert turned.tolist() == [int(((clean == c) & (labels != c)).sum()) for c in range(5)]
