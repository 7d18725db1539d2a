"""What a claim is about, measured: a number a clip, and its mean or mean difference with interval and p."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ..base.seeds import rng
from ..evaluate.intervals import bootstrap_groups, group_sums, proportion
from ..evaluate.predictions import checked, correct
from ..evaluate.significance import sign_flip

SIGN_FLIPS, PERMUTATION = "sign flips of groups", "permutation of groups"


@dataclass(frozen=True)
class Measure:
    """A number a clip. unit: of differences; 'points' are of 100 %. column: what the rows must have."""

    words: str
    unit: str
    column: str
    of: Callable[[pd.DataFrame], np.ndarray]


def taken(words: str, unit: str, column: str) -> Measure:
    """The measure that a column holds already."""
    return Measure(words, unit, column, lambda rows: rows[column].to_numpy(float))


MEASURES = {
    "accuracy": Measure("accuracy", "points", "pred", lambda rows: correct(rows).astype(float)),
    "confidence": taken("mean confidence", "points", "p_pred"),
    "nll": taken("negative log-likelihood", "nats", "nll"),
    "brier": taken("Brier score of all classes", "", "brier"),
    "miscalibration": Measure(
        "negative log-likelihood that a fitted temperature takes off",
        "nats",
        "nll_raw",
        lambda rows: (rows["nll_raw"] - rows["nll"]).to_numpy(float),
    ),
    "relevance": taken("share of relevance on actor and prop", "points", "share"),
    "disagreement": taken("share of frames that disagree with their clip", "points", "disagree_frames"),
}


def paired(rows: pd.DataFrame, other: pd.DataFrame, measure: Measure) -> dict:
    """Mean of a measure minus the same on the other side, clip by clip, over the clips (and conditions) of both."""
    keys = [name for name in ("clip", "at") if name in rows]
    sides = [side.set_index(keys).sort_index() for side in (rows, other)]
    shared = sides[0].index.intersection(sides[1].index)
    after, before = (side.loc[shared] for side in sides)
    difference, groups = measure.of(after) - measure.of(before), after["group"]
    numbers = bootstrap_groups(difference, groups)
    return found(numbers, sign_flip(difference, groups), SIGN_FLIPS, after.reset_index())


def bounded(rows: pd.DataFrame, measure: Measure, against: float) -> dict:
    """Mean of a measure, tested against a boundary."""
    values, groups = measure.of(rows), rows["group"]
    interval = proportion if measure.column == "pred" else bootstrap_groups
    return found(
        interval(values, groups), sign_flip(values - against, groups), f"{SIGN_FLIPS} against the boundary", rows
    )


def contrasted(rows: pd.DataFrame, other: pd.DataFrame, measure: Measure) -> dict:
    """Mean of a measure minus its mean over other clips. A group's clips on both sides are resampled together."""
    both = pd.concat([rows, other])
    values, first = measure.of(both), np.arange(len(both)) < len(rows)
    columns = np.stack([values * first, first, values * ~first, ~first], axis=1).astype(float)

    def difference(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        return sums[..., 0] / np.maximum(sums[..., 1], 1) - sums[..., 2] / np.maximum(sums[..., 3], 1)

    numbers = bootstrap_groups(columns, both["group"], statistic=difference)
    return found(numbers, permutation(values, both["group"], first), PERMUTATION, both)


def found(numbers: tuple[float, float, float], p: float, test: str, rows: pd.DataFrame) -> dict:
    counts = {"n_clips": rows["clip"].nunique(), "n_groups": rows["group"].nunique()}
    return {**dict(zip(("value", "low", "high"), numbers)), **counts, "p": p, "test": test}


def permutation(values, groups, first, n: int = 9999, seed: int = 0) -> float:
    """Two-sided p of equal means of the rows in `first` (bool [m]) and the others, of `values` [m].

    Whole groups [m] change sides, n times at random, as many on each side as there are; a group with rows on both
    sides is two. p is (1 + as extreme) / (n + 1) (Phipson and Smyth 2010, Statistical Applications in Genetics and
    Molecular Biology 9:39).
    """
    values, first = checked(values, "permutation"), np.asarray(first, bool)
    units = np.char.add(np.asarray(groups).astype(str), np.where(first, " first", ""))
    sums, sizes = group_sums(np.stack([values, first], axis=1), units)
    side = sums[:, 1] > 0

    def difference(sides: np.ndarray) -> np.ndarray:
        a, b = sides.astype(float), 1.0 - sides
        return a @ sums[:, 0] / (a @ sizes) - b @ sums[:, 0] / (b @ sizes)

    shuffled = rng(seed, "permutation").permuted(np.tile(side, (n, 1)), axis=1)
    extreme = np.abs(difference(shuffled)) >= abs(difference(side)) - 1e-9
    return float((1 + extreme.sum()) / (n + 1))
