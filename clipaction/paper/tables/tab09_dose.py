"""tab09: which measures follow the dose of scene bias, and how small a difference in dose they detect."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...analysis.dose_response import MEASURES, OWN, levels, response
from ...demo.batches import USUAL_CAPTIONS
from ...demo.plan import USUAL_SHARE
from ..figures.fig10_dose import HOW
from ..items import Table, table
from ..results import INTERVALS, Results
from ..selections import order
from ..typeset import NOTHING, column, pct, points, sectioned

KEY = ["method", "measure"]
WAYS = {1: "rises", -1: "falls", 0: NOTHING}


@table("tab09", "Known doses of scene bias")
def tab09(results: Results) -> Table:
    values = results.maybe("dose.parquet")
    if values is None:
        caption = f"Doses of scene bias: not measured. {HOW} {results.facts()}"
        return Table(pd.DataFrame(columns=[*KEY, "pearson"]), pd.DataFrame(columns=["measure", "r"]), caption)
    level = levels(values)
    models = list(level["model"].unique())
    wide = level.pivot(index=KEY, columns="model", values="value")[models]
    data = response(values).merge(wide.rename(columns=column_name).reset_index(), on=KEY)
    data = order(data, method=results.in_order(data["method"].unique()), measure=MEASURES)
    data.insert(2, "expected", [WAYS[MEASURES[name][1]] for name in data["measure"]])
    data.insert(3, "follows", [follows(row) for row in data.itertuples()])
    caption = (
        "Measures at known doses of scene bias (the share of training images whose scene was made the action's own), "
        f"in %; own: the demo's model, apart ({USUAL_SHARE:.0%} coupled and {USUAL_CAPTIONS:.0%} false captions; in no "
        "number to its right). r, rho: Pearson's and Spearman's correlation with the dose over the models of known "
        "dose. Slope: points of the measure for 10 points of dose, by least squares. Follows: whether its interval is "
        "on the expected side of zero. Detects: the smallest difference in dose, in points, that these clips tell with "
        "80 % power (2.8 standard errors of a paired difference by the slope). "
        f"{INTERVALS} {results.facts(values)}"
    )
    return Table(data, printed(results, data, models), caption)


def column_name(model: str) -> str:
    """'25%' -> 'at_25', the profile's own model -> 'own'."""
    return "own" if model == OWN else f"at_{model.strip('%')}"


def follows(row) -> str:
    """'yes', 'no' or 'undecided': is the slope on the expected side? A dash where nothing is expected."""
    if row.expected == NOTHING:
        return NOTHING
    if np.isnan(row.low) or row.low <= 0 <= row.high:
        return "undecided"
    return "yes" if (row.slope > 0) == (row.expected == "rises") else "no"


def printed(results: Results, data: pd.DataFrame, models: list[str]) -> pd.DataFrame:
    """A row a measure, a section a method; a column a model."""
    view = pd.DataFrame({"measure": [MEASURES[name][0] for name in data["measure"]]})
    for model in models:
        view["own" if model == OWN else model.replace("%", " %")] = column(data, pct, column_name(model))
    view["expected"], view["follows"] = data["expected"], data["follows"]
    for name, key in (("r", "pearson"), ("rho", "spearman")):
        view[name] = [NOTHING if np.isnan(x) else f"{x:.2f}".replace("-", "−") for x in data[key]]
    view["slope"] = [points(*(0.1 * x for x in each)) for each in data[["slope", "low", "high"]].to_numpy()]
    view["detects"] = [NOTHING if np.isnan(x) else f"{100 * x:.0f}" for x in data["detectable"]]
    return sectioned(view, [results.method(name).label for name in data["method"]])
