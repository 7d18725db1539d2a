"""A linear probe on frozen features: a gate for noise, and a rival of it."""

from __future__ import annotations

from itertools import product

import numpy as np
from scipy.special import log_softmax
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits

from ..base import parallel
from ..base.errors import UserError

SHARES = (0.999, 1 - 1e-9)  # of the variance that the components kept have; the rest is rounding
STRENGTHS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0)  # C, the inverse of the weight of the penalty


def linear_probe(
    train_features: np.ndarray,
    labels: np.ndarray,
    val_features: np.ndarray,
    val_labels: np.ndarray,
    classes: int | None = None,
) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression on whitened features: the principal components of the unit features [n, D], each divided by
    its standard deviation. How many components, and C, are chosen by validation cross-entropy.

    Whitening makes the solver converge within a hundred steps, and the probe better: much of what tells actions apart
    lies in directions of small variance.

    -> weight [classes, D] and bias [classes] of the logits of the features themselves; a class without training clips
    has no weight and a bias of -50."""
    labels, val_labels = np.asarray(labels), np.asarray(val_labels)
    # in double precision: in single precision, how far the solver comes depends on the processor's rounding
    train_features, val_features = (np.asarray(each, np.float64) for each in (train_features, val_features))
    if not len(val_labels) or len(np.unique(labels)) < 2:
        raise UserError("linear probe: needs training clips of at least two classes and some validation clips")
    count = classes or int(max(labels.max(), val_labels.max())) + 1

    def fit(setting: tuple[PCA, float]) -> tuple[float, np.ndarray, np.ndarray]:
        whitening, c = setting
        probe = LogisticRegression(C=c, max_iter=2000).fit(whitening.transform(train_features), labels)
        two = len(probe.classes_) == 2  # scikit-learn keeps only the second one's
        coefficients = np.vstack([0 * probe.coef_, probe.coef_]) if two else probe.coef_
        weight, bias = np.zeros((count, train_features.shape[1])), np.full(count, -50.0)
        scale = np.sqrt(whitening.explained_variance_)[:, None]
        weight[probe.classes_] = coefficients @ (whitening.components_ / scale)
        bias[probe.classes_] = np.r_[0.0, probe.intercept_] if two else probe.intercept_
        bias[probe.classes_] -= weight[probe.classes_] @ whitening.mean_
        logits = log_softmax(val_features @ weight.T + bias, axis=1)
        return -logits[np.arange(len(val_labels)), val_labels].mean(), weight, bias

    with threadpool_limits(1):  # products this small take six times as long on two threads that wait for each other
        whitenings = [PCA(share, whiten=True, svd_solver="full").fit(train_features) for share in SHARES]
        return min(parallel.each(fit, product(whitenings, STRENGTHS)), key=lambda found: found[0])[1:]
