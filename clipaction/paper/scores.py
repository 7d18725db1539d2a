"""Numbers that several figures and tables need."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..evaluate.intervals import bootstrap_groups
from ..evaluate.summaries import compare, summarise
from ..masking.conditions import describe
from .results import Results
from .selections import BASELINE

EXPLORATORY = (  # of every p in a table; it is said wherever one is printed
    "p: two-sided, sign flips of whole groups; exploratory, not corrected for the number of rows (Holm's correction is "
    "for the primary claims, in the report)."
)
OTHER_NOISE = ("random", "shuffled", "swapped")  # controls that change a noise: its attack rate is not theirs


def interval(values: ArrayLike, groups: ArrayLike) -> dict[str, float]:
    """value, low, high: the mean with its 95 % interval over groups."""
    return dict(zip(("value", "low", "high"), bootstrap_groups(values, groups)))


def with_tests(results: Results, rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """summarise() by method and `by`, with compare() against the method 'none' beside it (NaN for 'none' itself).

    Bounds have no p: they are not hypotheses about a method.
    """
    score = summarise(rows, ["method", *by])
    rows = rows[rows["condition"].isin(rows.loc[rows["method"] == BASELINE, "condition"])]
    if rows["method"].nunique() < 2:
        return score
    tests = compare(rows, BASELINE, on="method", by=by).drop(columns=["baseline", "n_clips", "n_groups", "acc"])
    tests.loc[[results.method(name).uses_label for name in tests["method"]], "p"] = np.nan
    return score.merge(tests, how="left", on=["method", *by])


def label_use(results: Results, data: pd.DataFrame) -> pd.DataFrame:
    """Columns `labels` (what a method learned from) and `uses_label` (whether it is told the clip's own)."""
    methods = [results.method(name) for name in data["method"]]
    return data.assign(labels=[m.labels for m in methods], uses_label=[m.uses_label for m in methods])


def fitting(calibrated: pd.DataFrame) -> str:
    """On which clips the temperatures of calibrated rows were fitted, in words."""
    pairs = calibrated[["condition", "fitted_on"]].drop_duplicates()
    other = [
        f"{describe(row.condition)}: {row.fitted_on}" for row in pairs.itertuples() if row.condition != row.fitted_on
    ]
    same = "fitted on validation clips under the same condition"
    return f"{same} ({'; '.join(other)})" if other else same


def noise_attack_rates(results: Results) -> dict[str, float]:
    """Noise -> share of other classes' clips that get a class's answer when its noise is added, over all classes;
    'none' is without noise."""
    attack = results.table("noise/attack.parquet").groupby("variant")[["successes", "of"]].sum()
    return (attack["successes"] / attack["of"]).to_dict()


def attack_rates(results: Results, names: Iterable[str]) -> dict[str, float]:
    """Method -> the attack rate of the noise that it needs; NaN where it was not measured, and for mixtures."""
    rate = noise_attack_rates(results)
    needs = {name: results.method(name).needs for name in names if name not in OTHER_NOISE}
    noise = {BASELINE: "none"} | {name: needed[0] for name, needed in needs.items() if len(needed) == 1}
    return {name: rate.get(variant, np.nan) for name, variant in noise.items()}


def clips_a_class(counts: pd.Series) -> str:
    """'28 clips a class.' or '20 to 28 clips a class.'"""
    return (
        f"{min(counts)} clips a class."
        if min(counts) == max(counts)
        else f"{min(counts)} to {max(counts)} clips a class."
    )
