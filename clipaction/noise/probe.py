"""A linear probe on frozen features: a gate for noise, and a rival of it."""

from __future__ import annotations

import numpy as np
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ..base import parallel
from ..base.errors import UserError


def linear_probe(
    train_features: np.ndarray,
    labels: np.ndarray,
    val_features: np.ndarray,
    val_labels: np.ndarray,
    classes: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression on unit features [n, D], its C of 1 ... 1e4 chosen by validation cross-entropy.

    -> weight [classes, D] and bias [classes] of the logits; a class without training clips has no weight and a bias
    of -50."""
    labels, val_labels = np.asarray(labels), np.asarray(val_labels)
    # in double precision: in single precision, how far the solver comes depends on the processor's rounding
    train_features, val_features = (np.asarray(each, np.float64) for each in (train_features, val_features))
    if not len(val_labels) or len(np.unique(labels)) < 2:
        raise UserError("linear probe: needs training clips of at least two classes and some validation clips")
    count = classes or int(max(labels.max(), val_labels.max())) + 1

    def fit(c: float) -> tuple[float, np.ndarray, np.ndarray]:
        probe = LogisticRegression(C=c, max_iter=2000).fit(train_features, labels)
        weight, bias = np.zeros((count, probe.coef_.shape[1])), np.full(count, -50.0)
        two = len(probe.classes_) == 2  # scikit-learn keeps only the second one's
        weight[probe.classes_] = np.vstack([0 * probe.coef_, probe.coef_]) if two else probe.coef_
        bias[probe.classes_] = np.r_[0.0, probe.intercept_] if two else probe.intercept_
        logits = log_softmax(val_features @ weight.T + bias, axis=1)
        return -logits[np.arange(len(val_labels)), val_labels].mean(), weight, bias

    with threadpool_limits(1):  # products this small take six times as long on two threads that wait for each other
        return min(parallel.each(fit, np.logspace(4, 0, 5)), key=lambda found: found[0])[1:]  # the longest first
