"""Accuracy on base classes (in training) and on novel ones (left out), and their harmonic mean 2 b n / (b + n), which
is high only where both are (Zhou et al. 2022, arXiv:2203.05557)."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from ..evaluate.intervals import Interval, bootstrap_groups
from ..evaluate.methods import find_method, in_order

COMPETING = {"all": "right", "own": "right_own"}  # which classes compete: the column that says whether it was right
AGAINST = {"none": "", "clip+probe": "_to_probe"}  # what methods are compared with: the ending of the columns


def harmonic_mean(base: np.ndarray, novel: np.ndarray) -> np.ndarray:
    """2 b n / (b + n) of shares in [0, 1]; 0 where both are 0."""
    total = np.asarray(base + novel)
    return np.divide(2 * base * novel, total, out=np.zeros_like(total, dtype=float), where=total > 0)


MEASURES: dict[str, Callable] = {
    "base": lambda base, novel: base,
    "novel": lambda base, novel: novel,
    "harmonic": harmonic_mean,
}


def base_and_novel(rows: pd.DataFrame) -> pd.DataFrame:
    """A row for each of COMPETING and method: competing, method, steps, n_clips, n_groups; base, novel and harmonic,
    each with _low and _high, and as a difference to no noise (_diff, _diff_low, _diff_high) and to CLIP + probe
    (_diff_to_probe, ...; where there is that method).

    rows: the table of `analysis.unseen.unseen_classes`, all divisions together. Intervals: 95 %, over groups; the
    divisions of one clip stay together, differences are paired."""
    records = []
    for competing, column in COMPETING.items():
        right = rows.pivot(index=["division", "clip", "group", "seen"], columns="method", values=column).astype(float)
        seen, groups = right.index.get_level_values("seen").to_numpy(), right.index.get_level_values("group")
        for name in in_order(right):
            record = {"competing": competing, "method": name, "steps": rows["steps"].iloc[0]}
            record |= {"n_clips": rows["clip"].nunique(), "n_groups": rows["group"].nunique()}
            own = right[name].to_numpy()
            for measure in MEASURES:
                record |= triple(measure, measured(measure, own, seen, groups))
            for other in (other for other in AGAINST if other in right):
                for measure in MEASURES:
                    found = measured(measure, own, seen, groups, right[other].to_numpy())
                    itself = other == name  # no difference to tell
                    record |= triple(f"{measure}_diff{AGAINST[other]}", (np.nan,) * 3 if itself else found)
            records.append(record)
    return pd.DataFrame(records)


def measured(measure: str, right: np.ndarray, seen: np.ndarray, groups, other: np.ndarray | None = None) -> Interval:
    """One of MEASURES of answers `right` [m] (0 or 1) to clips whose class was `seen` [m], with its interval over
    groups [m]; with the answers of another method, the difference to it."""
    sides = [right] if other is None else [right, other]
    columns = np.stack([seen, ~seen, *(side * part for side in sides for part in (seen, ~seen))], 1).astype(float)

    def statistic(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        shares = sums[..., 2:] / np.tile(sums[..., :2], len(sides))
        values = [MEASURES[measure](shares[..., i], shares[..., i + 1]) for i in range(0, 2 * len(sides), 2)]
        return values[0] - values[1] if other is not None else values[0]

    return bootstrap_groups(columns, groups, statistic=statistic)


def triple(name: str, interval: Interval) -> dict[str, float]:
    return dict(zip((name, f"{name}_low", f"{name}_high"), interval))


def in_words(table: pd.DataFrame) -> str:
    """What the table of `base_and_novel` says of novel classes, all classes competing: which methods differ from no
    noise, by intervals clear of zero, and which has the highest harmonic mean."""
    rows = table[table["competing"] == "all"].set_index("method")
    others = rows.drop(index="none")
    better, worse = others["novel_diff_low"] > 0, others["novel_diff_high"] < 0

    def named(which: pd.Series) -> str:
        return "; ".join(find_method(name).label for name in others.index[which]) or "none"

    best = rows["harmonic"].idxmax()
    return (
        f"Of clips of novel classes CLIP without noise gets {100 * rows.loc['none', 'novel']:.1f} % right. Better, "
        f"with an interval clear of zero: {named(better)}. Worse: {named(worse)}. No difference can be told: "
        f"{named(~better & ~worse)}. The highest harmonic mean has {find_method(best).label}, "
        f"{100 * rows.loc[best, 'harmonic']:.1f} % (no noise: {100 * rows.loc['none', 'harmonic']:.1f} %)."
    )
