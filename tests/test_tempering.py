"""Calibration by one temperature: it undoes a scale of the logits."""

import numpy as np
import pytest

from clipaction.evaluate.calibration import temperature


def test_temperature_undoes_a_scale():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, (4000, 5))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = np.array([rng.choice(5, p=row) for row in p])
    assert temperature(logits, labels) == pytest.approx(1, abs=0.06)
    assert temperature(3 * logits, labels) == pytest.approx(3 * temperature(logits, labels), rel=0.01)
