"""tab04: features hidden or isolated, each against equal-area controls."""

from __future__ import annotations

import pandas as pd

from ...evaluate.predictions import accuracy
from ...evaluate.summaries import compare, summarise
from ...masking.conditions import describe, parse
from ..items import Table, table
from ..results import INTERVALS, Results
from ..scores import EXPLORATORY
from ..selections import control_of, order, rows_for
from ..typeset import column, count, pct, points, pvalue, ratio

CONTROLS = {"control": "elsewhere", "cells": "cells"}  # kind -> its name in column heads
WORDS = {"control": "the same mask elsewhere", "cells": "random cells"}


@table("tab04", "Feature-specific and isolation masking, each against its equal-area controls")
def tab04(results: Results) -> Table:
    overlap, masking = results.maybe("region_scores.parquet"), results.home("masking")
    names = list(masking["condition"].unique())
    regions = [name for name in names if name.startswith(("hide:", "keep:"))]
    score = summarise(masking[masking["condition"].isin(["none", *regions])], "condition").set_index("condition")
    data = score.loc[regions].reset_index()
    tests = against_controls(masking, regions, set(names))
    if tests is not None:
        data = data.merge(tests, on="condition", how="left")
    for place, field in enumerate(("kind", "part", "grain", "source", "fill"), 1):
        data.insert(place, field, [getattr(parse(name), field) for name in data["condition"]])
    if overlap is not None:
        mean = overlap.groupby(["source", "part"], as_index=False)["iou"].mean()
        data = data.merge(mean, how="left", on=["source", "part"])
    data = order(data, kind=["hide", "keep"])
    kinds = [kind for kind in CONTROLS if tests is not None and kind in set(data["control"])]
    none = masking[masking["condition"] == "none"]
    words = " and ".join(WORDS[kind] for kind in kinds)
    tested = f"Controls cover the same area: {words}; differences and tests are against them. {EXPLORATORY} "
    caption = (
        f"Hiding and isolating features, % and points; unmasked {pct(accuracy(none))} %. {tested if kinds else ''}"
        f"{results.left_out()}{INTERVALS} {results.facts(none)}"
    )
    return Table(data, printed(data, kinds), caption)


def against_controls(masking: pd.DataFrame, regions: list[str], names: set[str]) -> pd.DataFrame | None:
    """compare() of each region condition with each of its controls; None where no control was run."""
    found = []
    for kind in CONTROLS:
        pairs = {name: control for name in regions if (control := control_of(name, kind, names))}
        if pairs:
            found.append(compare(masking, pairs).assign(control=kind))
    if not found:
        return None
    tests = pd.concat(found).rename(columns={"baseline": "control_condition", "acc_baseline": "acc_control"})
    return tests.drop(columns=["n_clips", "n_groups", "acc"])


def printed(data: pd.DataFrame, kinds: list[str]) -> pd.DataFrame:
    """A row a condition; columns for each kind of control."""
    one = data.drop_duplicates("condition").reset_index(drop=True)
    view = pd.DataFrame(
        {
            "condition": [describe(name) for name in one["condition"]],
            "n": column(one, count, "n_clips"),
            "accuracy": column(one, pct, "acc", "acc_low", "acc_high"),
            "confidence": column(one, pct, "confidence"),
        }
    )
    if "iou" in one and one["iou"].notna().any():
        view["region IoU"] = column(one, pct, "iou")
    for kind in kinds:
        label, cells = CONTROLS[kind], rows_for(data, "condition", one["condition"], control=kind)
        view[f"{label}: accuracy"] = column(cells, pct, "acc_control")
        view[f"{label}: difference"] = column(cells, points, "diff", "low", "high")
        view[f"{label}: fixed : broken"] = column(cells, ratio, "fixed", "broken")
        view[f"{label}: p"] = column(cells, pvalue, "p")
    return view
