"""Calibration by one temperature: it undoes a scale of the logits, keeps answers, and fits the frames it is used on."""

import numpy as np
import pandas as pd
import pytest

from clipaction.analysis import tempering
from clipaction.base.errors import UserError
from clipaction.evaluate.calibration import temperature
from clipaction.evaluate.predictions import log_probabilities, prediction_rows

SQUARE = "shape:square:30:centre:still"


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Logits [n, 5] and labels drawn from their softmax: honest by construction."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(0, 2, (n, 5))
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return logits, np.array([rng.choice(5, p=row) for row in p])


def rows(split: str, scale: float, method: str = "none", condition: str = "none", n: int = 3000, seed: int = 0):
    """Clip rows with scores of a method whose logits are `scale` times the honest ones."""
    logits, label = drawn(n, seed)
    facts = {
        "clip": [f"{split}{i}" for i in range(n)],
        "cls": "",
        "label": label,
        "group": "g",
        "domain": "",
        "scene": "",
    }
    meta = pd.DataFrame({**facts, "split": split})
    return prediction_rows(scale * logits, None, meta, 1.0, method, condition, scores=True)


def test_temperature_undoes_a_scale():
    logits, labels = drawn(4000)
    assert temperature(logits, labels) == pytest.approx(1, abs=0.06)
    assert temperature(3 * logits, labels) == pytest.approx(3 * temperature(logits, labels), rel=0.01)


def test_each_method_and_condition_has_its_own():
    """What is fitted behind a square never sees whole clips, and no method sees another's."""
    val = pd.concat(
        [rows("val", 1), rows("val", 3, condition=SQUARE), rows("val", 0.5, "noise"), rows("val", 2, "noise", SQUARE)]
    )
    found = tempering.temperatures(val).set_index(["method", "condition"])["temperature"]
    expected = {("none", "none"): 1, ("none", SQUARE): 3, ("noise", "none"): 0.5, ("noise", SQUARE): 2}
    assert set(found.index) == set(expected)
    for key, scale in expected.items():
        assert found[key] == pytest.approx(scale, rel=0.1)
    for kept in ("none", SQUARE):  # other rows, or none at all: the same temperature
        alone = tempering.temperatures(val[(val["method"] == "none") & (val["condition"] == kept)])
        assert alone["temperature"].item() == found["none", kept]


def test_calibrated_rows_keep_every_answer_and_have_the_scaled_probabilities():
    val, test = rows("val", 3, seed=1), rows("test", 3, seed=2, n=500)
    made = tempering.calibrated(val, test)
    assert (made["pred"] == test["pred"]).all() and (made["top5"] == test["top5"]).all()
    assert list(made) == [*test, "temperature", "fitted_on"] and made["clip"].tolist() == test["clip"].tolist()
    t = made["temperature"].unique().item()
    logits = log_probabilities(test) / t
    p = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    np.testing.assert_allclose(made["p_pred"], p.max(1))
    assert made["nll"].mean() < test["nll"].mean() and made["p_pred"].mean() < test["p_pred"].mean()


def test_only_validation_clips_fit_and_no_test_label_matters():
    val, test = rows("val", 3, seed=1), rows("test", 3, seed=2, n=300)
    with pytest.raises(UserError, match="only validation clips may choose"):
        tempering.calibrated(pd.concat([val, test]), test)
    other = test.assign(label=(test["label"] + 1) % 5)
    one, two = tempering.calibrated(val, test), tempering.calibrated(val, other)
    assert (one["p_pred"] == two["p_pred"]).all() and (one["temperature"] == two["temperature"]).all()
    assert not np.allclose(one["nll"], two["nll"])
    permuted = tempering.calibrated(val.assign(label=(val["label"] + 1) % 5), test)
    assert permuted["temperature"].iloc[0] != pytest.approx(one["temperature"].iloc[0], rel=0.1)


def test_other_frames_may_stand_in_where_it_is_said():
    val = pd.concat([rows("val", 1, seed=1), rows("val", 3, condition="another scene", seed=1)])
    test = pd.concat([rows("test", 3, n=50), rows("test", 3, condition="another scene", n=50)])
    made = tempering.calibrated(val, test, {"none": "another scene"}).groupby("condition")
    assert made["fitted_on"].first().to_dict() == {"none": "another scene", "another scene": "another scene"}
    assert made["temperature"].first().tolist() == pytest.approx([3, 3], rel=0.1)
    plain = tempering.calibrated(val, test).groupby("condition")
    assert plain["temperature"].first().to_dict() == pytest.approx({"none": 1, "another scene": 3}, rel=0.1)


def test_answers_that_tell_nothing_become_even_and_right_ones_do_not_become_certain():
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 3, (500, 5))
    assert temperature(logits, rng.integers(0, 5, 500)) > 20
    assert temperature(logits, logits.argmax(1)) == pytest.approx(1 / 8, rel=0.01)


def test_what_validation_lacks_is_left_out():
    val = rows("val", 1, n=200)
    test = pd.concat([rows("test", 1, n=50), rows("test", 1, condition=SQUARE, n=50), rows("test", 1, "noise", n=50)])
    made = tempering.calibrated(val, test)
    assert set(zip(made["method"], made["condition"])) == {("none", "none")}
    with pytest.raises(UserError, match="no method has rows of validation and of test clips"):
        tempering.calibrated(val, test[test["method"] == "noise"])
