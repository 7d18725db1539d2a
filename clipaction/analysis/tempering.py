"""Confidence mended without touching the answers: one temperature for each method and kind of frame (Guo et al. 2017,
arXiv:1706.04599, section 4.2).

A temperature that was fitted on whole clips does not fit masked ones: there a model should be less sure. So each is
fitted on validation clips under the very condition to which it is applied. All is computed from rows that kept their
scores: no forward pass.
"""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd

from ..base.errors import UserError
from ..evaluate.calibration import temperature
from ..evaluate.predictions import log_probabilities, prediction_rows, validation_rows

KEY = ["method", "condition"]


def temperatures(val: pd.DataFrame) -> pd.DataFrame:
    """The temperature of each method under each condition, fitted on its rows of validation clips.

    val: clip rows with `scores`. Columns: method, condition, temperature, n_val (rows it was fitted on). Raises
    UserError for rows of other clips than validation's.
    """
    records = []
    for (method, condition), rows in validation_rows(val, "a temperature").groupby(KEY, sort=False, observed=True):
        fitted = temperature(log_probabilities(rows), rows["label"].to_numpy())
        records.append({"method": method, "condition": condition, "temperature": fitted, "n_val": len(rows)})
    return pd.DataFrame(records, columns=[*KEY, "temperature", "n_val"])


def calibrated(val: pd.DataFrame, test: pd.DataFrame, fitted_on: Mapping[str, str] | None = None) -> pd.DataFrame:
    """Rows of `test`, each at the temperature of its method and kind of frame; pred is as before.

    val, test: clip rows with `scores`. fitted_on: {condition in test: condition in val} where they differ, such as
    validation clips in another clip's scene for unmasked test clips, whose places are new. The result has the columns
    of prediction rows, `temperature` and `fitted_on`. What `val` has no rows for is left out. Raises UserError where
    nothing is left.
    """
    found = temperatures(val).set_index(KEY)["temperature"].to_dict()
    parts = []
    for (method, condition), rows in test.groupby(KEY, sort=False, observed=True):
        source = (fitted_on or {}).get(condition, condition)
        if (method, source) in found:
            fitted = found[method, source]
            scaled = prediction_rows(log_probabilities(rows), None, rows, fitted, method, condition, scores=True)
            parts.append(scaled.assign(temperature=fitted, fitted_on=source))
    if not parts:
        raise UserError("calibration: no method has rows of validation and of test clips under the same condition")
    return pd.concat(parts, ignore_index=True)
