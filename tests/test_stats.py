"""Statistics against numbers worked out by hand, and against data whose truth is known."""

from itertools import product

import numpy as np
import pandas as pd
import pytest
from scipy.stats import permutation_test

from clipaction.base.errors import UserError
from clipaction.evaluate import calibration, intervals, predictions, significance, summaries


def table(pred, label, condition="none", p=0.8, groups=None, method="clip", level="clip") -> pd.DataFrame:
    n = len(pred)
    return pd.DataFrame(
        {
            "clip": [f"c{i:03d}" for i in range(n)],
            "cls": [f"class{k}" for k in label],
            "label": label,
            "pred": pred,
            "group": groups if groups is not None else [f"g{i // 2}" for i in range(n)],
            "domain": "home",
            "scene": "usual",
            "method": method,
            "condition": condition,
            "level": level,
            "top5": [" ".join(str((k + j) % 9) for j in range(5)) for k in pred],
            "p_pred": np.broadcast_to(np.asarray(p, float), n),
            "entropy": 0.5,
            "nll": -np.log(np.broadcast_to(np.asarray(p, float), n)),
            "brier": 0.1,
        }
    )


def test_counts_by_hand():
    rows = table([0, 1, 2, 3], [0, 1, 1, 8])
    assert predictions.accuracy(rows) == 0.5
    assert predictions.top5(rows) == 0.5  # 2 -> 2..6 misses 1; 3 -> 3..7 misses 8
    assert (
        predictions.top5(table([7], [2])) == 1.0 and predictions.top5(table([1], [10])) == 0.0
    )  # a whole number, never a prefix of one


def test_bootstrap_matches_a_plain_loop():
    rng = np.random.default_rng(1)
    values, groups = rng.normal(size=60), rng.integers(0, 9, 60)
    estimate, low, high = intervals.bootstrap_groups(values, groups, n=20000)
    parts = [values[groups == g] for g in np.unique(groups)]
    loop = [np.concatenate([parts[i] for i in rng.integers(0, 9, 9)]).mean() for _ in range(5000)]
    assert estimate == pytest.approx(values.mean())
    assert (low, high) == pytest.approx(
        np.quantile(loop, [intervals.lower_level(9), 1 - intervals.lower_level(9)]), abs=0.04
    )


@pytest.mark.parametrize("count", [7, 40])
def test_bootstrap_covers_the_truth_when_clips_of_a_group_resemble_each_other(count):
    rng, covered, naive = np.random.default_rng(1), 0, 0
    groups = np.repeat(np.arange(count), 5)
    for _ in range(300):
        values = rng.normal(size=count)[groups] + 0.3 * rng.normal(size=5 * count)
        _, low, high = intervals.bootstrap_groups(values, groups, n=400)
        covered += low <= 0 <= high
        _, low, high = intervals.bootstrap_groups(values, np.arange(5 * count), n=400)
        naive += low <= 0 <= high
    assert 0.92 <= covered / 300 <= 0.99
    assert naive / 300 < 0.75  # what ignoring groups would have claimed to be 95 %


def test_bootstrap_is_deterministic_and_blind_to_row_order():
    rng = np.random.default_rng(3)
    values, groups = rng.random(50), np.array([f"g{i}" for i in rng.integers(0, 12, 50)])
    shuffled = rng.permutation(50)
    first = intervals.bootstrap_groups(values, groups)
    assert first == intervals.bootstrap_groups(values, groups)
    assert first == pytest.approx(intervals.bootstrap_groups(values[shuffled], groups[shuffled]), abs=1e-12)
    assert first != intervals.bootstrap_groups(values, groups, seed=1)


def test_intervals_without_spread():
    _, low, high = intervals.bootstrap_groups([1.0, 0.0], ["g", "g"])
    assert np.isnan(low) and np.isnan(high)
    estimate, low, high = intervals.proportion([True] * 20, np.repeat(np.arange(10), 2))
    assert (estimate, high) == (1.0, 1.0) and low == pytest.approx(0.025 ** (1 / 10))
    assert intervals.proportion([False] * 4, range(4))[2] == pytest.approx(1 - 0.025 ** (1 / 4))


def test_empty_and_nan_and_mismatch_are_named():
    with pytest.raises(UserError, match="no rows"):
        intervals.bootstrap_groups([], [])
    with pytest.raises(UserError, match="1 of 2 rows are NaN"):
        intervals.bootstrap_groups([1.0, np.nan], ["a", "b"])
    with pytest.raises(UserError, match="2 values but 1 groups"):
        intervals.bootstrap_groups([1.0, 2.0], ["a"])
    with pytest.raises(UserError, match="2 rows against 1"):
        significance.fixed_broken([1, 0], [1])
    with pytest.raises(UserError, match="no clip-level rows"):
        summaries.summarise(table([0], [0], level="frame"))
    with pytest.raises(UserError, match="give probabilities"):
        calibration.expected_calibration_error([3.0], [1])


def test_fixed_broken_and_holm_by_hand():
    a, b = np.array([0] * 8 + [1] * 2 + [1] * 5, bool), np.array([1] * 8 + [0] * 2 + [1] * 5, bool)
    assert significance.fixed_broken(a, b) == (8, 2) and significance.fixed_broken(b, a) == (2, 8)
    assert significance.fixed_broken(a, a) == (0, 0)
    assert significance.holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])


def test_sign_flip_by_hand():
    # five groups all up by the same: 2 of 2**5 sign patterns are as extreme
    assert significance.sign_flip(np.ones(10), np.repeat(np.arange(5), 2)) == 2 / 32
    assert significance.sign_flip([1, -1], ["a", "b"]) == 1.0
    assert significance.sign_flip([1.0, 1.0], ["a", "a"]) == 1.0  # one group proves nothing
    assert significance.sign_flip(np.zeros(6), np.arange(6)) == 1.0


def brute_force(sums: np.ndarray) -> float:
    """The share of all sign patterns whose sum is at least as far from zero."""
    flipped = [abs(np.dot(signs, sums)) for signs in product([-1, 1], repeat=len(sums))]
    return float(np.mean(np.array(flipped) >= abs(sums.sum()) - 1e-9))


@pytest.mark.parametrize("whole", [True, False])
def test_sign_flips_of_few_groups_are_exact(whole):
    generator = np.random.default_rng(4)
    for count in (1, 2, 5, 9, 13):
        groups = np.repeat(np.arange(count), 3)
        values = generator.integers(-1, 2, 3 * count) if whole else generator.normal(0.3, 1, 3 * count)
        expected = brute_force(np.bincount(groups, values))
        assert significance.sign_flip(values, groups) == pytest.approx(expected, abs=1e-12)
        order = generator.permutation(3 * count)
        assert significance.sign_flip(values[order], groups[order]) == pytest.approx(expected, abs=1e-12)


def test_groups_without_a_difference_change_no_p():
    values = np.array([1.0, 1, 0, 1, -1, 1])
    groups = np.array(list("abcdef"))
    p = significance.sign_flip(values, groups)
    assert significance.sign_flip(np.append(values, np.zeros(80)), [*groups, *range(80)]) == p


def test_random_sign_flips_agree_with_all_of_them_and_with_scipy():
    generator = np.random.default_rng(5)
    values, groups = generator.normal(0.4, 1, 12), np.arange(12)
    exact = significance.sign_flip(values, groups)
    assert significance.sign_flip(values, groups, n=4000) == pytest.approx(exact, abs=0.03)
    many = generator.normal(0.2, 1, 40)
    theirs = permutation_test((many,), np.sum, permutation_type="samples", n_resamples=2000, rng=generator).pvalue
    assert significance.sign_flip(many, range(40)) == pytest.approx(theirs, abs=0.05)


def test_clips_of_a_group_do_not_count_as_independent():
    """Six clips that improve are strong evidence in six groups, and none in one."""
    assert significance.sign_flip(np.ones(6), range(6)) == 2 / 64
    assert significance.sign_flip(np.ones(6), ["one"] * 6) == 1.0


def test_calibration_error_by_hand():
    # bin (0.9,1]: 0.95 against 1/2 right; bin (0.5,0.6]: 0.6 against 1 right
    confidence, correct = [0.95, 0.95, 0.6, 0.6], [1, 0, 1, 1]
    assert calibration.expected_calibration_error(confidence, correct) == pytest.approx(0.5 * 0.45 + 0.5 * 0.4)
    assert calibration.expected_calibration_error(confidence, correct, bins=2, binning="mass") == pytest.approx(
        0.5 * 0.45 + 0.5 * 0.4
    )
    curve = calibration.reliability_curve(confidence, correct)
    assert curve["n"].tolist() == [2, 2] and curve["accuracy"].tolist() == [1.0, 0.5]
    assert curve["low"].tolist() == pytest.approx([0.5, 0.9]) and curve["confidence"].tolist() == pytest.approx(
        [0.6, 0.95]
    )
    with pytest.raises(UserError, match="use 'width' or 'mass'"):
        calibration.expected_calibration_error(confidence, correct, binning="quantile")


@pytest.mark.parametrize("binning", ["width", "mass"])
def test_calibration_error_of_known_models(binning):
    rng = np.random.default_rng(0)
    confidence = rng.uniform(0.2, 1, 20000)
    honest, proud = rng.random(20000) < confidence, rng.random(20000) < confidence - 0.2
    assert calibration.expected_calibration_error(confidence, honest, binning=binning) < 0.015
    assert calibration.expected_calibration_error(confidence, proud, binning=binning) == pytest.approx(0.2, abs=0.015)
    order = rng.permutation(20000)
    assert calibration.expected_calibration_error(confidence[order], proud[order], binning=binning) == pytest.approx(
        calibration.expected_calibration_error(confidence, proud, binning=binning), abs=1e-12
    )


def test_calibration_interval_covers():
    rng, covered = np.random.default_rng(5), 0
    for _ in range(100):
        confidence = rng.uniform(0.5, 1, 300)
        ece, low, high = calibration.calibration_interval(
            confidence, rng.random(300) < confidence - 0.15, np.arange(300) // 3, n=400
        )
        assert 0 <= low <= ece <= high <= 1
        covered += low <= 0.15 <= high
    assert covered >= 88


def test_summarise():
    rows = pd.concat(
        [
            table([0, 1, 2, 2], [0, 1, 2, 1], p=[0.9, 0.8, 0.7, 0.6]),
            table([0, 0, 0, 0], [0, 1, 2, 1], "hide:actor:box"),
            table([5, 5], [0, 1], level="frame"),
        ]
    )
    out = summaries.summarise(rows, "condition").set_index("condition")
    none = out.loc["none"]
    assert (none.n_clips, none.n_groups, none.acc) == (4, 2, 0.75)
    assert none.confidence == pytest.approx(0.75) and none.confidence_wrong == pytest.approx(0.6)
    assert none.ece == pytest.approx((0.1 + 0.2 + 0.3 + 0.6) / 4) and none.ece_low <= none.ece <= none.ece_high
    assert none.acc_low <= none.acc <= none.acc_high and none.entropy == 0.5
    assert none.nll == pytest.approx(-np.log([0.9, 0.8, 0.7, 0.6]).mean()) and none.brier == pytest.approx(0.1)
    assert none.nll_low <= none.nll <= none.nll_high
    assert out.loc["hide:actor:box"].acc == 0.25
    assert len(summaries.summarise(rows[rows.condition == "none"])) == 1
    pd.testing.assert_frame_equal(
        summaries.summarise(rows, ["condition", "cls"]), summaries.summarise(rows.iloc[::-1], ["condition", "cls"])
    )


def test_compare():
    label = [0, 1, 2, 3, 0, 1, 2, 3]
    before, after = table([0, 1, 2, 3, 1, 2, 3, 0], label), table([0, 1, 2, 0, 0, 1, 2, 0], label, "control:x", p=0.5)
    rows = pd.concat([before, after.sample(frac=1, random_state=0), table(label, label, "x")])
    out = summaries.compare(rows, "none").set_index("condition")
    row = out.loc["control:x"]
    assert (row.n_clips, row.n_groups, row.fixed, row.broken) == (8, 4, 3, 1)
    assert row["diff"] == pytest.approx(0.25) and row.low <= 0.25 <= row.high
    assert row.acc == 0.75 and row.acc_baseline == 0.5
    assert row.flip == 0.5 and row.confidence_diff == pytest.approx(-0.3)
    # sums of the groups: 0, -1, 2, 1. Of the eight patterns of the last three, six are 2 or more, either way
    assert row.p == 6 / 8 and out.loc["x", "p"] == 2 / 2**2
    assert not {"p_holm", "p_group"} & set(out)
    own = summaries.compare(rows, {"x": "control:x"}, by=["domain"])
    assert own[["domain", "condition", "baseline", "fixed", "broken"]].values.tolist() == [
        ["home", "x", "control:x", 2, 0]
    ]
    with pytest.raises(UserError, match="no rows for cells:x"):
        summaries.compare(rows, {"x": "cells:x"})
    with pytest.raises(UserError, match="occurs twice"):
        summaries.compare(pd.concat([rows, rows.assign(method="cnn")]), "none")
    assert (
        len(summaries.compare(pd.concat([rows, rows.assign(method="cnn")]), "clip", on="method", by="condition")) == 3
    )


def test_background_reliance_confusion_and_frames():
    rows = pd.concat(
        [table([0, 0, 1, 0], [0, 0, 1, 1]), table([0, 1, 1, 1], [0, 0, 1, 1], "hide:actor+prop:plate", p=0.3)]
    )
    out = summaries.background_reliance(rows).set_index("cls")
    assert out.acc.tolist() == [1.0, 0.5] and out.reliance.tolist() == [0.5, 1.0]
    assert out.confidence.tolist() == pytest.approx([0.3, 0.3])
    assert summaries.background_reliance(rows, by=()).reliance.tolist() == [0.75]
    with pytest.raises(UserError, match="hide:actor:box"):
        summaries.background_reliance(rows, "hide:actor:box")
    assert summaries.confusion(rows[rows.condition == "none"], 3).tolist() == [[2, 0, 0], [1, 1, 0], [0, 0, 0]]
    frames = table([0, 1, 0, 0], [0] * 4, level="frame").assign(clip=["c000", "c000", "c001", "c001"])
    shares = summaries.frame_disagreement(pd.concat([rows[rows.condition == "none"], frames]))
    assert shares.values.tolist() == [["c000", 0.5], ["c001", 0.0]]
    with pytest.raises(UserError, match="one method and one condition"):
        summaries.frame_disagreement(rows)
