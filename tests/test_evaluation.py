"""Predictions: right numbers, kept only while everything that decided them is the same, and independent of batching."""

import threading
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction.base.cache import cached_table
from clipaction.base.code import fingerprint
from clipaction.base.errors import UserError
from clipaction.evaluate import sweep
from clipaction.evaluate.judge import evaluate_frames, evaluate_methods
from clipaction.evaluate.predictions import prediction_rows
from clipaction.evaluate.sweep import evaluate, piece_path
from clipaction.noise import protocols  # noqa: F401  (importing it registers its methods)
from clipaction.vision.zero_shot import zero_shot

SQUARE = "shape:square:30:centre:still"


@pytest.fixture
def store(toy_study):
    return toy_study.store


@pytest.fixture
def masked(monkeypatch):
    """The conditions for which frames were really masked, one entry a chunk of clips."""
    names, original = [], sweep.masked_batches

    def counted(*args, **options):
        names.append(args[3].name)
        return original(*args, **options)

    monkeypatch.setattr(sweep, "masked_batches", counted)
    return names


def test_probabilities_are_the_softmax_of_scores_over_tau(toy_meta):
    scores = np.random.default_rng(0).normal(0, 0.1, (12, 5))
    table = prediction_rows(scores, None, toy_meta, 0.07, "clip", "none")
    p = torch.tensor(scores / 0.07).softmax(1).numpy()
    np.testing.assert_allclose(table["p_pred"], p.max(1))
    np.testing.assert_allclose(table["p_true"], p[np.arange(12), toy_meta["label"]])
    np.testing.assert_allclose(table["entropy"], -(p * np.log(p)).sum(1))
    right = np.eye(5)[toy_meta["label"]]
    np.testing.assert_allclose(table["nll"], -np.log(table["p_true"]))
    np.testing.assert_allclose(table["brier"], ((p - right) ** 2).sum(1))
    assert (table["pred"] == scores.argmax(1)).all() and all(len(best.split()) == 5 for best in table["top5"])


def test_no_core_waits_at_the_end_of_a_condition(toy_study, toy_meta, tmp_path):
    before, two = torch.get_num_threads(), threading.Barrier(2, timeout=20)

    def in_pairs(x):
        two.wait()  # the third and last chunk of a condition is answered beside the first of the next
        return zero_shot(toy_study.clip, toy_study.head(), x)

    at = (toy_study.clip, toy_study.head(), toy_study.store, toy_meta, ["none", SQUARE], tmp_path)
    torch.set_num_threads(2)
    try:
        table = evaluate(*at, batch=12, protocol=in_pairs)
    finally:
        torch.set_num_threads(before)
    assert len(table) == 2 * 12 * 4


@pytest.mark.parametrize("shapes", [((11, 5), (11, 3, 5)), ((12, 3, 5), (12, 3, 5)), ((12, 5), (12, 5))])
def test_scores_of_another_shape_are_refused(toy_study, toy_meta, tmp_path, shapes):
    at = (toy_study.clip, toy_study.head(), toy_study.store, toy_meta, ["none"], tmp_path)
    with pytest.raises(
        UserError, match=r"clip: its scores are \[1.* for 12 clips of 3 frames; return \[clips, classes\]"
    ):
        evaluate(*at, protocol=lambda x: tuple(map(torch.zeros, shapes)))


def test_proper_scores_of_certain_answers(toy_meta):
    certain = np.eye(5)[toy_meta["label"]]
    right, wrong = (
        prediction_rows(scores, None, toy_meta, 0.001, "m", "none") for scores in (certain, certain[:, ::-1])
    )
    assert (right["brier"] == 0).all() and (right["nll"] == 0).all()
    off = wrong[wrong["pred"] != wrong["label"]]
    assert len(off) and np.allclose(off["brier"], 2)
    assert (off["p_true"] == 0).all() and np.allclose(off["nll"], 1000)  # of a probability too small for a number
    even = prediction_rows(np.zeros((12, 5)), None, toy_meta, 1.0, "m", "none")
    assert np.allclose(even["nll"], np.log(5)) and np.allclose(even["brier"], 0.8)


def test_honesty_has_the_best_expected_proper_score(toy_meta):
    """Any other answer than the true distribution is punished, also one with the same confidence in its answer."""
    truth, n = np.array([0.5, 0.3, 0.1, 0.06, 0.04]), 4000
    label = np.random.default_rng(0).choice(5, p=truth, size=n)
    meta = toy_meta.iloc[np.zeros(n, int)].assign(label=label)
    for claimed in ([0.5, 0.125, 0.125, 0.125, 0.125], [0.9, 0.04, 0.03, 0.02, 0.01], [0.2] * 5):
        honest, other = (
            prediction_rows(np.tile(np.log(p), (n, 1)), None, meta, 1.0, "m", "none") for p in (truth, claimed)
        )
        for score in ("nll", "brier"):
            assert honest[score].mean() < other[score].mean(), (claimed, score)


def test_clip_and_frame_rows_agree_with_the_head(toy_clip, toy_head, store, toy_meta, tmp_path, toy_frames):
    table = evaluate(toy_clip, toy_head, store, toy_meta, ["none"], tmp_path)
    x = torch.from_numpy(toy_frames).permute(0, 1, 4, 2, 3).float() / 255
    clips, frames = zero_shot(toy_clip, toy_head, x)
    assert (table[table["level"] == "clip"]["pred"].to_numpy() == clips.argmax(1).numpy()).all()
    assert (table[table["level"] == "frame"]["pred"].to_numpy().reshape(12, 3) == frames.argmax(2).numpy()).all()


def test_batch_size_and_order_change_nothing(toy_clip, toy_head, store, toy_meta, tmp_path):
    name, backwards = "shape:patches:30:random:moving", toy_meta.iloc[::-1].reset_index(drop=True)
    one = evaluate(toy_clip, toy_head, store, toy_meta, [name], tmp_path / "a", batch=3)
    two = evaluate(toy_clip, toy_head, store, backwards, [name], tmp_path / "b", batch=64)
    both = one.merge(two, on=["clip", "level", "frame"])
    assert len(both) == len(one) and np.allclose(both["p_pred_x"], both["p_pred_y"], atol=1e-5)


def test_a_finished_condition_is_reused_and_one_more_costs_only_itself(
    toy_clip, toy_head, store, toy_meta, tmp_path, masked
):
    evaluate(toy_clip, toy_head, store, toy_meta, ["none"], tmp_path)
    evaluate(toy_clip, toy_head, store, toy_meta, ["none", SQUARE], tmp_path)
    assert masked == ["none", SQUARE]


@pytest.mark.parametrize(
    "change", ["weights", "head", "store", "seed", "clips", "labels", "groups", "protocol", "scores"]
)
def test_whatever_decides_a_prediction_is_in_its_key(toy_clip, toy_head, store, toy_meta, tmp_path, masked, change):
    arguments = {"clip": toy_clip, "head": toy_head, "store": store, "meta": toy_meta, "conditions": ["none"]}
    arguments |= {"folder": tmp_path, "seed": 0}
    evaluate(**arguments)
    evaluate(**arguments)
    assert len(masked) == 1

    def other(x):
        return zero_shot(toy_clip, toy_head, x)

    if change == "weights":
        toy_clip.weights_hash = "other"
    elif change == "store":
        object.__setattr__(store, "folder", store.folder.with_name("other"))
    else:
        changes = {"head": {"head": toy_head.flip(0)}, "seed": {"seed": 1}, "clips": {"meta": toy_meta.head(6)}}
        changes |= {"labels": {"meta": toy_meta.assign(label=0)}, "groups": {"meta": toy_meta.assign(group="one")}}
        changes |= {"protocol": {"protocol": other}, "scores": {"scores": True}}
        arguments |= changes[change]
    found = evaluate(**arguments)
    assert len(masked) == 2 and ("scores" in found) == (change == "scores")


def test_predictions_of_other_clips_lie_in_files_of_their_own(toy_clip, toy_head, store, toy_meta, tmp_path, masked):
    """Validation and test clips, two domains: neither writes over the other."""
    for _ in range(2):
        for part in (toy_meta.head(6), toy_meta.tail(6)):
            table = evaluate(toy_clip, toy_head, store, part, ["none"], tmp_path)
            assert table["clip"].unique().tolist() == part["clip"].tolist()
    assert len(masked) == 2 and len(list(tmp_path.glob("*.parquet"))) == 2
    names = [piece_path(tmp_path, method, condition, ["a"]) for method in "ab" for condition in ("x:y", "x_y")]
    assert len(set(names)) == 4 and all(path.name.count("/") == 0 for path in names)


def test_a_half_written_table_is_computed_again(tmp_path):
    path = tmp_path / "p.parquet"
    path.write_bytes(b"PAR1 and then the power went")
    assert cached_table(path, "key", lambda: pd.DataFrame({"a": [1]}))["a"].tolist() == [1]
    assert cached_table(path, "key", lambda: pytest.fail("computed again"))["a"].tolist() == [1]


def test_protocols_are_handed_images_and_nothing_else(toy_clip, toy_head, store, toy_meta, tmp_path):
    """Permuted labels change what is scored, never what is predicted."""
    seen = []

    def protocol(*args, **options):
        seen.append((len(args), options))
        return zero_shot(toy_clip, toy_head, *args)

    other = toy_meta.assign(label=(toy_meta["label"] + 1) % 5)
    one = evaluate(toy_clip, toy_head, store, toy_meta, ["none"], tmp_path / "a", protocol=protocol)
    two = evaluate(toy_clip, toy_head, store, other, ["none"], tmp_path / "b", protocol=protocol)
    assert (one["pred"] == two["pred"]).all() and np.allclose(one["p_pred"], two["p_pred"])
    assert all(count == 1 and not options for count, options in seen)


def test_unknown_conditions_are_refused_before_any_is_computed(toy_clip, toy_head, store, toy_meta, tmp_path, masked):
    for wrong in ("shape:sqare:30:centre:still", "hide:actor:box@guess", "hide:head:box@motion", "black"):
        with pytest.raises(UserError):
            evaluate(toy_clip, toy_head, store, toy_meta, ["none", wrong], tmp_path)
    assert masked == []


def test_frames_made_elsewhere_are_judged_and_kept_like_those_of_the_store(toy_study, toy_meta, masked):
    methods = {"none": partial(zero_shot, toy_study.clip, toy_study.toy_head)}
    frames = np.asarray(toy_study.store.frames)
    known = evaluate_methods(toy_study, toy_meta, methods, ["none"], scores=True)
    made = evaluate_frames(toy_study, toy_meta, methods, frames, "elsewhere")
    assert set(made["condition"]) == {"elsewhere"}
    pd.testing.assert_frame_equal(made.drop(columns="condition"), known.drop(columns="condition"))
    evaluate_frames(toy_study, toy_meta, methods, frames.copy(), "elsewhere")
    assert len(masked) == 2
    other = evaluate_frames(toy_study, toy_meta, methods, 255 - frames, "elsewhere")
    assert len(masked) == 3 and not np.allclose(other["p_pred"], made["p_pred"])
    evaluate_frames(toy_study, toy_meta, methods, frames, "another place")
    evaluate_frames(toy_study, toy_meta, methods, 255 - frames, "elsewhere")
    evaluate_frames(toy_study, toy_meta, methods, frames, "another place")
    assert len(masked) == 4  # each was found where it had been kept
    with pytest.raises(UserError, match="oracle: told the clip's class"):
        evaluate_frames(toy_study, toy_meta, {"oracle": methods["none"]}, frames, "elsewhere")


class Scaled(torch.nn.Module):
    """A method that is a module."""

    def __init__(self, factor: float):
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(factor))

    def forward(self, x):
        return self.factor * x


class Shift:
    """A method that is an object with a call."""

    def __init__(self, by: float):
        self.by = by

    def __call__(self, x):
        return x + self.by

    def twice(self, x):
        return x + 2 * self.by


def closure(value):
    def protocol(x, default=1):
        return x * value + default

    return protocol


def with_default(value):
    def protocol(x, default=value):
        return x + default

    return protocol


@dataclass
class Holder:
    """A set-up that a method may hold as a whole."""

    clip: object
    noises: dict


def test_a_methods_fingerprint_covers_all_that_it_was_built_with(toy_clip):
    def build(value: float) -> list:
        tensor = torch.zeros(5000)  # printed, its middle is left out
        tensor[2500] = value
        array, holder = tensor.numpy(), Holder(toy_clip, {"gated": tensor})
        return [
            partial(zero_shot, toy_clip, tensor),
            partial(zero_shot, toy_clip, head=tensor),
            partial(zero_shot, toy_clip, head=[tensor, {"a": tensor}]),
            *(closure(held) for held in (value, tensor, array, holder, pd.DataFrame({"a": array}))),
            *(with_default(held) for held in (value, array)),
            Scaled(value),
            Shift(value),
            Shift(value).twice,
        ]

    for one, same, other in zip(build(1.0), build(1.0), build(2.0)):
        assert fingerprint(one) == fingerprint(same) != fingerprint(other), one


def test_what_cannot_be_read_is_never_taken_for_the_same():
    lines = (line for line in "ab")
    assert fingerprint(closure(lines)) != fingerprint(closure(lines))
