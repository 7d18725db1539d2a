"""Dose and response: does a measure follow the dose of bias, and how small a difference in dose can it tell?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from scipy.stats import pearsonr, spearmanr

from ..evaluate.intervals import bootstrap_groups

MEASURES = {  # name: what it is, and whether it should rise (1) or fall (-1) with the dose; 0: not a measure of bias
    "scene_gap": ("accuracy in the usual minus in another's scene", 1),
    "background": ("accuracy with actor and prop gone", 1),
    "sure_blind": ("confidence with actor and prop gone", 1),
    "actor": ("effect of hiding actor and prop, beyond control", -1),
    "relevance": ("relevance on actor and prop", -1),
    "accuracy": ("accuracy", 0),
    "usual": ("accuracy in the usual scene", 0),
    "isolated": ("accuracy with only actor and prop seen", 0),
}
OWN = "own"  # the model of the study, of no known dose
POWER = 1.96 + 0.84  # two-sided 5 %, power 80 %: z(0.975) + z(0.8)


def levels(values: pd.DataFrame) -> pd.DataFrame:
    """The mean of each measure with its 95 % interval over groups: method, measure, model, dose, n_clips, n_groups,
    value, low, high, in the order in which `values` (see `dose.judge_doses`) has them."""
    records = []
    for key, rows in values.groupby(["method", "measure", "model"], sort=False):
        facts = {"dose": rows["dose"].iloc[0], "n_clips": len(rows), "n_groups": rows["group"].nunique()}
        interval = zip(("value", "low", "high"), bootstrap_groups(rows["value"], rows["group"]))
        records.append(dict(zip(("method", "measure", "model"), key)) | facts | dict(interval))
    return pd.DataFrame(records)


def response(values: pd.DataFrame) -> pd.DataFrame:
    """How each measure of each method follows the dose, over the models of known dose, on the same clips.

    Columns: method, measure, n_clips, n_groups, pearson, spearman (of the measure with the dose, over the models; NaN
    where the measure is the same at every dose), slope (least squares, for a dose from 0 to 1; low, high: over
    groups), se (standard error of the paired difference between two models of neighbouring doses, over groups, root
    mean square of all neighbours) and detectable, the smallest difference in dose that this many clips detect with 80 %
    power at 5 % error: 2.8 se / |slope| (Cohen 1988, section 2.2, for a normal estimate). detectable is NaN where the
    interval of the slope holds zero, so that nothing is known of the response.
    """
    known, records = values[values["dose"].notna()], []
    for (method, measure), rows in known.groupby(["method", "measure"], sort=False):
        table = rows.pivot(index="clip", columns="dose", values="value")
        groups = rows.drop_duplicates("clip").set_index("clip")["group"].loc[table.index]
        doses, means = table.columns.to_numpy(float), table.mean().to_numpy()
        away = doses - doses.mean()
        slopes = table.to_numpy() @ (away / (away**2).sum())  # each clip's own slope; their mean is that of the means
        slope, low, high = bootstrap_groups(slopes, groups)
        spread = [standard_error(step, groups) for step in np.diff(table.to_numpy(), axis=1).T]
        se = float(np.sqrt(np.mean(np.square(spread))))
        varied = np.ptp(means) > 1e-12
        records.append(
            {
                "method": method,
                "measure": measure,
                "n_clips": len(table),
                "n_groups": groups.nunique(),
                "pearson": pearsonr(doses, means).statistic if varied else np.nan,
                "spearman": spearmanr(doses, means).statistic if varied else np.nan,
                "slope": slope,
                "low": low,
                "high": high,
                "se": se,
                "detectable": POWER * se / abs(slope) if low * high > 0 else np.nan,
            }
        )
    return pd.DataFrame(records)


def standard_error(values: np.ndarray, groups: pd.Series) -> float:
    """The standard error of a mean of `values` [m] whose clips come in `groups` [m] (cluster-robust, with the factor
    G / (G - 1) for G groups; Cameron and Miller 2015, equation 11)."""
    sums = pd.Series(values - values.mean()).groupby(groups.to_numpy()).sum()
    count = len(sums)
    return float(np.sqrt(count / (count - 1) * (sums**2).sum())) / len(values) if count > 1 else np.nan
