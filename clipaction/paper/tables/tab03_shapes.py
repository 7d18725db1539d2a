"""tab03: accuracy at each masked area and shape, against the same clips unmasked."""

from __future__ import annotations

import pandas as pd

from ...evaluate.predictions import accuracy
from ...evaluate.summaries import compare, summarise
from ...masking.shapes import SHAPES
from ..items import Table, table
from ..results import INTERVALS, Results
from ..scores import EXPLORATORY
from ..selections import order, shape_names
from ..typeset import NOTHING, column, pct, points

KEYS = ["shape", "placement", "motion", "percent"]
PRINTED = (
    ("accuracy", pct, ("acc", "acc_low", "acc_high")),
    ("change", points, ("diff",)),
    ("confidence", pct, ("confidence",)),
)


@table("tab03", "Percentage and shape masking: accuracy at each masked area, against the same clips unmasked")
def tab03(results: Results) -> Table:
    masking = results.home("masking")
    names = shape_names(masking)
    chosen = masking[masking["condition"].isin(["none", *names["condition"]])]
    tests = compare(chosen, "none").drop(columns=["baseline", "n_clips", "n_groups", "acc"])
    data = names.merge(summarise(chosen, "condition"), on="condition").merge(tests, on="condition")
    data = order(data.sort_values(KEYS), shape=SHAPES, placement=["centre", "random"], motion=["still", "moving"])
    unmasked = chosen[chosen["condition"] == "none"]
    caption = (
        f"Percentage and shape masking, % and points; unmasked {pct(accuracy(unmasked))} %. Calibration, NLL and "
        f"paired tests are in the csv. {EXPLORATORY} {INTERVALS} {results.facts(unmasked)}"
    )
    return Table(data, printed(data), caption)


def printed(data: pd.DataFrame) -> pd.DataFrame:
    """A row a shape, placement and motion; columns for each number at each percentage."""
    view = data[KEYS[:3]].drop_duplicates().reset_index(drop=True)
    for name, write, fields in PRINTED:
        for percent in sorted(data["percent"].unique()):
            cells = data[data["percent"] == percent]
            cells = cells[KEYS[:3]].assign(**{f"{name}, {percent:g} %": column(cells, write, *fields)})
            view = view.merge(cells, how="left").fillna(NOTHING)
    return view
