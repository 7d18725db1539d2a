"""95 % intervals of means, from a bootstrap over groups.

Clips of one group (a person, scene and camera) resemble each other. They are not independent evidence, so whole groups
are resampled. With few groups a percentile interval is too narrow; it is widened after Hesterberg 2015 (The American
Statistician 69:371). All results are deterministic by seed and do not depend on the order of the rows.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.stats import norm, t
from statsmodels.stats.proportion import proportion_confint

from ..base.errors import UserError
from ..base.seeds import rng
from .predictions import checked

Interval = tuple[float, float, float]  # estimate, low, high


def _mean(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return sums[..., 0] / sizes


def bootstrap_groups(values, groups, n: int = 2000, seed: int = 0, statistic: Callable = _mean) -> Interval:
    """(estimate, low, high) of the mean of `values` [m]: a 95 % percentile interval from `n` resamples of `groups` [m].

    values may be [m, k]; then statistic(sums [..., k], sizes [...]) -> [...] is a function of column sums and row
    counts. For a paired difference give bootstrap_groups(a - b, groups). With a single group low and high are NaN.
    Groups are not stratified by class: intervals include the small variation of the class mix, which makes them
    slightly too wide. Raises UserError for no rows, NaN, or another number of groups than of values.
    """
    values = checked(values, "bootstrap")
    sums, sizes = group_sums(values.reshape(len(values), -1), groups)
    estimate = float(statistic(sums.sum(0), sizes.sum()))
    if len(sizes) < 2:
        return estimate, float("nan"), float("nan")
    counts, level = _resamples(len(sizes), n, seed), lower_level(len(sizes))
    low, high = np.quantile(statistic(counts @ sums, counts @ sizes), [level, 1 - level])
    return estimate, float(low), float(high)


def proportion(outcomes, groups, n: int = 2000, seed: int = 0) -> Interval:
    """bootstrap_groups for a share of yes/no rows, in [0, 1].

    Where all rows agree (share 0 or 1) the bootstrap has no spread. Then the interval is Clopper and Pearson's with the
    number of groups as the sample size, as if the clips of a group were one observation: it is rather too wide than too
    narrow.
    """
    estimate, low, high = bootstrap_groups(outcomes, groups, n, seed)
    if estimate in (0.0, 1.0):
        size = len(np.unique(np.asarray(groups).astype(str)))
        low, high = proportion_confint(round(estimate * size), size, method="beta")
    return estimate, float(low), float(high)


def group_sums(values: np.ndarray, groups) -> tuple[np.ndarray, np.ndarray]:
    """Per group, sorted by name: column sums [G, k] of values [m, k], and the number of rows [G]."""
    names, index = np.unique(np.asarray(groups).astype(str), return_inverse=True)
    if len(index) != len(values):
        raise UserError(f"bootstrap: {len(values)} values but {len(index)} groups; give one group a row")
    sums = np.stack([np.bincount(index, column, len(names)) for column in values.T], axis=1)
    return sums, np.bincount(index, minlength=len(names)).astype(float)


@lru_cache(maxsize=256)
def lower_level(groups: int) -> float:
    """Hesterberg's lower quantile level for a 95 % interval: 0.025 for many groups, less for few.

    It makes up for Student's t and for the factor n/(n-1) of a variance, both of which a bootstrap leaves out.
    """
    return float(norm.cdf(-np.sqrt(groups / (groups - 1)) * t.ppf(0.975, groups - 1)))


@lru_cache(maxsize=16)
def _resamples(groups: int, n: int, seed: int) -> np.ndarray:
    """[n, groups]: how often each group is drawn in each of n resamples of `groups` groups with replacement."""
    return rng(seed, "bootstrap").multinomial(groups, np.full(groups, 1 / groups), size=n).astype(float)
