"""Paired tests of two methods or conditions on the same clips, and the correction for several of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from statsmodels.stats.contingency_tables import mcnemar as exact_mcnemar
from statsmodels.stats.multitest import multipletests

from ..base.seeds import rng
from .intervals import group_sums
from .predictions import checked, checked_pair


def mcnemar(a_correct, b_correct) -> tuple[int, int, float]:
    """(fixed, broken, p) of bool [n] against bool [n], row by row of the same clips.

    fixed: wrong in a and right in b; broken: the reverse; p: McNemar's exact two-sided p, which takes clips as
    independent.
    """
    a, b = (v.astype(bool) for v in checked_pair(a_correct, b_correct, "mcnemar"))
    fixed, broken = int((~a & b).sum()), int((a & ~b).sum())
    if not fixed + broken:
        return 0, 0, 1.0
    return fixed, broken, float(exact_mcnemar([[0, broken], [fixed, 0]], exact=True).pvalue)


def sign_flip(differences, groups, n: int = 9999, seed: int = 0) -> float:
    """Two-sided p of a mean of zero of paired `differences` [m], by n random sign flips of whole `groups` [m].

    It asks what McNemar's test asks, but clips of a group need not be independent.
    """
    differences = checked(differences, "sign_flip")
    sums = group_sums(differences[:, None], groups)[0][:, 0]
    extreme = np.abs(_signs(len(sums), n, seed) @ sums) >= abs(sums.sum()) - 1e-9
    return float((1 + extreme.sum()) / (n + 1))


@lru_cache(maxsize=4)
def _signs(groups: int, n: int, seed: int) -> np.ndarray:
    """[n, groups] random signs, -1 or 1."""
    return rng(seed, "sign_flip").choice([-1.0, 1.0], size=(n, groups))


def holm(pvalues) -> np.ndarray:
    """Holm's step-down adjusted p values (Holm 1979, Scandinavian Journal of Statistics 6:65), in the order given."""
    return multipletests(checked(pvalues, "holm"), method="holm")[1]
