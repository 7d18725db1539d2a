"""Numbers that several figures and tables need."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ..evaluate.intervals import bootstrap_groups
from ..evaluate.significance import holm
from ..evaluate.summaries import compare, summarise
from .results import Results


def interval(values: ArrayLike, groups: ArrayLike) -> dict[str, float]:
    """value, low, high: the mean with its 95 % interval over groups."""
    return dict(zip(("value", "low", "high"), bootstrap_groups(values, groups)))


def with_tests(results: Results, rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """summarise() by method and `by`, with compare() against the method 'none' beside it (NaN for 'none' itself)."""
    score = summarise(rows, ["method", *by])
    rows = rows[rows["condition"].isin(rows.loc[rows["method"] == "none", "condition"])]
    if rows["method"].nunique() < 2:
        return score
    tests = compare(rows, "none", on="method", by=by).drop(columns=["baseline", "n_clips", "n_groups", "acc"])
    uses_label = np.array([results.method(name).uses_label for name in tests["method"]])
    tests.loc[~uses_label, "p_holm"] = holm(tests.loc[~uses_label, "p"])
    tests.loc[uses_label, "p_holm"] = np.nan  # a bound is not one of the hypotheses
    return score.merge(tests, how="left", on=["method", *by])


def label_use(results: Results, data: pd.DataFrame) -> pd.DataFrame:
    """Columns `labels` (what a method learned from) and `uses_label` (whether it is told the clip's own)."""
    methods = [results.method(name) for name in data["method"]]
    return data.assign(labels=[m.labels for m in methods], uses_label=[m.uses_label for m in methods])


def attack_rates(results: Results) -> dict[str, float]:
    """Method -> share of other classes' clips that its noise turns into its class, over all classes."""
    attack = results.table("noise/attack.parquet").groupby("variant")[["hits", "of"]].sum()
    rate = (attack["hits"] / attack["of"]).to_dict()
    shortlist = f"shortlist-{results.run['profile']['noise']['shortlist']}"
    noise = {"none": "none", "naive-hypothesis": "naive", "naive-oracle": "naive"}
    noise |= dict.fromkeys(("gated", "hypothesis", shortlist, "oracle"), "gated")
    return {name: rate.get(variant, np.nan) for name, variant in noise.items()}


def clips_a_class(counts: pd.Series) -> str:
    """'28 clips a class.' or '20 to 28 clips a class.'"""
    return (
        f"{min(counts)} clips a class."
        if min(counts) == max(counts)
        else f"{min(counts)} to {max(counts)} clips a class."
    )
