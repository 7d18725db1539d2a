"""Rows that keep their scores, and what is made of them without a forward pass: mixtures of two methods."""

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction.base.cache import cached_table
from clipaction.base.errors import UserError
from clipaction.evaluate import mixing
from clipaction.evaluate.methods import Method
from clipaction.evaluate.predictions import log_probabilities, prediction_rows, validation_rows

TAU = 0.05
CONDITIONS = ("none", "shape:square:30:centre:still")


def rows_of(meta, method: str, seed: int, split: str = "val", conditions=CONDITIONS, strength: float = 0.1):
    """Rows of a method whose scores are drawn; `strength` is what the true class gets on top."""
    generator, parts = np.random.default_rng(seed), []
    for condition in conditions:
        scores = generator.normal(0, 0.1, (len(meta), 5))
        scores[np.arange(len(meta)), meta["label"]] += strength
        parts.append(prediction_rows(scores, None, meta.assign(split=split), TAU, method, condition, scores=True))
    return pd.concat(parts, ignore_index=True)


@pytest.fixture
def pair(toy_meta):
    return rows_of(toy_meta, "noise", 1), rows_of(toy_meta, "probe", 2)


def same_answers(one: pd.DataFrame, two: pd.DataFrame) -> bool:
    texts = (
        one[["clip", "condition", "pred", "top5", "label"]] == two[["clip", "condition", "pred", "top5", "label"]]
    ).all()
    numbers = ["p_true", "p_pred", "margin", "entropy", "nll", "brier"]
    return texts.all() and np.allclose(one[numbers], two[numbers], atol=1e-6)


def test_scores_kept_in_rows_are_their_log_probabilities_also_after_writing(toy_meta, tmp_path):
    scores = np.random.default_rng(0).normal(0, 0.1, (12, 5))
    frames = np.random.default_rng(1).normal(0, 0.1, (12, 3, 5))
    rows = prediction_rows(scores, frames, toy_meta, TAU, "clip", "none", scores=True)
    rows = cached_table(tmp_path / "rows.parquet", "key", lambda made=rows: made)
    rows = cached_table(tmp_path / "rows.parquet", "key", lambda: pytest.fail("computed again"))
    clips = rows[rows["level"] == "clip"]
    expected = torch.tensor(scores / TAU).log_softmax(1).numpy()
    np.testing.assert_allclose(log_probabilities(clips), expected, atol=1e-5)
    assert clips["scores"].iloc[0].dtype == np.float32 and rows.loc[rows["level"] == "frame", "scores"].isna().all()
    again = prediction_rows(log_probabilities(clips), None, clips, 1.0, "clip", "none", scores=True)
    assert same_answers(again, clips)
    assert "scores" not in prediction_rows(scores, frames, toy_meta, TAU, "clip", "none")


def test_weight_one_gives_a_and_weight_zero_gives_b(pair):
    a, b = pair
    assert same_answers(mixing.mixed_rows(a, b, 1.0, "both"), a)
    assert same_answers(mixing.mixed_rows(a, b, 0.0, "both"), b)
    mixed = mixing.mixed_rows(a, b, 0.5, "both")
    assert set(mixed["method"]) == {"both"} and list(mixed) == list(a)


def test_mixing_by_hand():
    p, q = torch.tensor([0.8, 0.2]), torch.tensor([0.5, 0.5])
    mixed = (mixing.mix_scores(p.log() * TAU, q.log() * TAU, 0.5, TAU) / TAU).softmax(-1)
    expected = torch.tensor([0.4, 0.1]).sqrt()
    torch.testing.assert_close(mixed, expected / expected.sum())
    assert torch.allclose(mixing.mix_scores(p.log() + 7, q.log() - 3, 0.3), mixing.mix_scores(p.log(), q.log(), 0.3))


def test_rows_are_paired_by_clip_and_condition_not_by_place(pair):
    a, b = pair
    shuffled = b.sample(frac=1, random_state=0)
    assert same_answers(mixing.mixed_rows(a, shuffled, 0.4, "m"), mixing.mixed_rows(a, b, 0.4, "m"))
    backwards = mixing.mixed_rows(a.iloc[::-1], b, 0.4, "m")
    assert same_answers(backwards.iloc[::-1].reset_index(drop=True), mixing.mixed_rows(a, b, 0.4, "m"))


def test_no_label_changes_a_mixture(pair):
    a, b = pair
    other = [rows.assign(label=(rows["label"] + 1) % 5) for rows in pair]
    one, two = mixing.mixed_rows(a, b, 0.4, "m"), mixing.mixed_rows(*other, 0.4, "m")
    assert (one["pred"] == two["pred"]).all() and (one["p_pred"] == two["p_pred"]).all()
    assert not np.allclose(one["p_true"], two["p_true"])


def test_the_weight_goes_to_whoever_knows_more(toy_meta):
    many = pd.concat([toy_meta.assign(clip=f"{k} " + toy_meta["clip"]) for k in range(20)], ignore_index=True)
    good, bad = rows_of(many, "good", 1, strength=0.2), rows_of(many, "bad", 2, strength=0)
    assert mixing.choose_weight(good, bad) > 0.75 and mixing.choose_weight(bad, good) < 0.25
    losses = mixing.mixing_losses(good, bad)
    assert losses.idxmin() == mixing.choose_weight(good, bad) and tuple(losses.index) == mixing.WEIGHTS
    assert losses[1.0] == pytest.approx(good["nll"].mean(), abs=1e-5)
    assert losses[0.0] == pytest.approx(bad["nll"].mean(), abs=1e-5)
    assert mixing.choose_weight(good, good.assign(method="twin")) == 0  # all weights alike: the lowest


def test_two_independent_views_are_better_together(toy_meta):
    many = pd.concat([toy_meta.assign(clip=f"{k} " + toy_meta["clip"]) for k in range(40)], ignore_index=True)
    a, b = rows_of(many, "a", 1), rows_of(many, "b", 2)
    weight = mixing.choose_weight(a, b)
    assert 0.3 <= weight <= 0.7
    assert mixing.mixed_rows(a, b, weight, "m")["nll"].mean() < min(a["nll"].mean(), b["nll"].mean())


def test_clips_without_their_actor_choose_no_weight(toy_meta):
    seen = [rows_of(toy_meta, name, seed) for name, seed in (("a", 1), ("b", 2))]
    blind = [
        rows_of(toy_meta, name, seed, conditions=("hide:actor+prop:plate",), strength=s)
        for name, seed, s in (("a", 3, 2), ("b", 4, 0))
    ]
    together = [pd.concat(parts, ignore_index=True) for parts in zip(seen, blind)]
    assert mixing.choose_weight(*together) == mixing.choose_weight(*seen)


def test_only_validation_clips_choose(pair, toy_meta):
    for wrong in (
        rows_of(toy_meta, "noise", 1, "test"),
        pd.concat([pair[0].head(3), rows_of(toy_meta, "noise", 1, "train")]),
    ):
        with pytest.raises(UserError, match="only validation clips may choose"):
            mixing.choose_weight(wrong, pair[1])
    with pytest.raises(UserError, match="only validation clips may choose"):
        mixing.choose_weight(pair[0], rows_of(toy_meta, "probe", 2, "test"))
    assert validation_rows(pair[0], "x") is pair[0]


def test_what_cannot_be_mixed_is_named(pair, toy_meta):
    a, b = pair
    with pytest.raises(UserError, match="evaluate the method with scores=True"):
        mixing.mixed_rows(a.drop(columns="scores"), b, 0.5, "m")
    with pytest.raises(UserError, match="mixing noise and probe: 1 rows of the first have no partner"):
        mixing.mixed_rows(a, b.iloc[1:], 0.5, "m")
    with pytest.raises(UserError, match="the first table must hold one row of one method"):
        mixing.mixed_rows(pd.concat([a, b]), b, 0.5, "m")
    four = prediction_rows(np.zeros((12, 7)), None, toy_meta, TAU, "probe", "none", scores=True)
    with pytest.raises(UserError, match="5 classes against 7"):
        mixing.mixed_rows(a[a["condition"] == "none"], four, 0.5, "m")
    with pytest.raises(UserError, match=r"rows of \[5, 7\] classes"):
        log_probabilities(pd.concat([a, four]))


def test_all_mixtures_whose_parts_are_there(toy_meta):
    methods = {
        "noise": Method("noise", "noise"),
        "both": Method("both", "both", kind="mixture", parts=("noise", "probe")),
        "lost": Method("lost", "lost", kind="mixture", parts=("noise", "nobody")),
    }
    val, test = (
        pd.concat([rows_of(toy_meta, "noise", seed, split), rows_of(toy_meta, "probe", seed + 1, split)])
        for split, seed in (("val", 1), ("test", 3))
    )
    only_whole = test[(test["method"] == "noise") | (test["condition"] == "none")]
    mixed, weights = mixing.mixtures(methods, val, only_whole)
    assert weights["method"].tolist() == ["both"] and set(mixed["condition"]) == {"none"}
    a, b = (val[val["method"] == name] for name in ("noise", "probe"))
    assert weights["weight"].item() == mixing.choose_weight(a, b) and weights["n_val"].item() == len(a)
    mine, theirs = (test[(test["method"] == name) & (test["condition"] == "none")] for name in ("noise", "probe"))
    expected = mixing.mixed_rows(mine, theirs, weights["weight"].item(), "both")
    assert same_answers(mixed, expected) and set(mixed["split"]) == {"test"}
    again, _ = mixing.mixtures(methods, val, val)
    assert set(again["split"]) == {"val"} and len(again) == len(a)
    none, empty = mixing.mixtures({"noise": methods["noise"]}, val, test)
    assert none.empty and empty.empty
    permuted = mixing.mixtures(methods, val, test.assign(label=(test["label"] + 1) % 5))[1]
    assert permuted.equals(weights)
