"""Whether confidence is honest: of the answers given with 80 % confidence, 80 % should be right."""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.optimize import minimize_scalar
from scipy.special import log_softmax
from statsmodels.stats.proportion import proportion_confint

from ..base.errors import UserError
from .intervals import Interval, bootstrap_groups
from .predictions import checked_pair


def expected_calibration_error(confidence, correct, bins: int = 10, binning: str = "width") -> float:
    """Sum over bins of (share of rows) x |accuracy - mean confidence|, in [0, 1].

    Guo et al. 2017, arXiv:1706.04599, equation 3. confidence [m] in [0, 1], correct [m] bool. binning: 'width' (as in
    the paper) has bins of equal width over [0, 1]; 'mass' has as many rows in each bin. In small samples the estimate
    is too high. Raises UserError for scores that are not probabilities.
    """
    return float(np.abs(_gaps(confidence, correct, bins, binning).sum(0)).sum() / len(np.asarray(correct)))


def calibration_interval(
    confidence, correct, groups, bins: int = 10, binning: str = "width", n: int = 2000, seed: int = 0
) -> Interval:
    """expected_calibration_error with its 95 % interval over `groups` [m]; the bins stay fixed.

    The error is an absolute value, so resampling makes it larger. The interval is therefore the basic one (2 x estimate
    - quantile), clipped to [0, 1] and widened until it holds the estimate.
    """
    gaps = _gaps(confidence, correct, bins, binning)
    ece, low, high = bootstrap_groups(gaps, groups, n, seed, lambda sums, sizes: np.abs(sums).sum(-1) / sizes)
    return ece, float(np.clip(2 * ece - high, 0, ece)), float(np.clip(2 * ece - low, ece, 1))


def reliability_curve(confidence, correct, bins: int = 10, binning: str = "width") -> pd.DataFrame:
    """One row for each bin that is not empty.

    Columns: low, high (the bin's edges), n, confidence (mean), accuracy, acc_low, acc_high (Wilson's interval; clips as
    independent).
    """
    confidence, correct = checked_pair(confidence, correct, "reliability")
    edges, index = _bins(confidence, bins, binning)
    table = (
        pd.DataFrame({"bin": index, "confidence": confidence, "accuracy": correct})
        .groupby("bin")
        .agg(n=("accuracy", "size"), confidence=("confidence", "mean"), accuracy=("accuracy", "mean"))
        .reset_index()
    )
    low, high = proportion_confint(table["accuracy"] * table["n"], table["n"], method="wilson")
    table.insert(0, "low", edges[table["bin"]])
    table.insert(1, "high", edges[table["bin"] + 1])
    return table.drop(columns="bin").assign(acc_low=low, acc_high=high)


def temperature(logits_val, labels_val) -> float:
    """The T in [1/8, 100] for which softmax(logits / T) has the least cross-entropy on validation clips.

    Guo et al. 2017, section 4.2. logits_val [n, C], labels_val int [n]. Dividing by T leaves every answer as it is and
    changes its confidence. The upper end is near the uniform distribution, the best for answers that tell nothing; the
    lower one keeps a few clips that are all right from making every answer certain.
    """
    logits, labels = np.asarray(logits_val, dtype=np.float64), np.asarray(labels_val)
    rows = np.arange(len(labels))

    def loss(log_t: float) -> float:
        return -log_softmax(logits / np.exp(log_t), axis=1)[rows, labels].mean()

    return float(np.exp(minimize_scalar(loss, bounds=(-np.log(8), np.log(100)), method="bounded").x))


def _gaps(confidence, correct, bins: int, binning: str) -> np.ndarray:
    """[m, bins]: confidence - correct of each row, in the column of its bin; 0 elsewhere."""
    confidence, correct = checked_pair(confidence, correct, "calibration")
    return np.eye(bins)[_bins(confidence, bins, binning)[1]] * (confidence - correct)[:, None]


def _bins(confidence: np.ndarray, bins: int, binning: str) -> tuple[np.ndarray, np.ndarray]:
    """(edges [bins + 1], bin of each row [m]). Bins are (low, high] as in Guo et al.; equal values share a bin."""
    if binning not in ("width", "mass"):
        raise UserError(f"binning '{binning}': use 'width' or 'mass'")
    low, high = confidence.min(), confidence.max()
    if low < 0 or high > 1 + 1e-6:
        raise UserError(f"confidence outside [0,1] ({low:.3g} to {high:.3g}); give probabilities, not scores")
    steps = np.linspace(0, 1, bins + 1)
    edges = steps if binning == "width" else np.quantile(confidence, steps)
    return edges, np.searchsorted(edges[1:-1], confidence, side="left")
