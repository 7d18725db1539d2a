"""tab07: every method at home and in the ward, beside networks trained on the clips alone."""

from __future__ import annotations

import pandas as pd

from ...masking.conditions import describe
from ..items import Table, table
from ..results import INTERVALS, Results
from ..scores import EXPLORATORY, label_use, with_tests
from ..selections import by_section, noise_conditions, order, rows_for
from ..typeset import bold_best, column, count, pct, sectioned

FRONT = ["part", "condition", "method", "labels", "uses_label"]


@table("tab07", "Generalisation: every method at home and in the ward, beside the baselines the paper argues against")
def tab07(results: Results) -> Table:
    rows = all_rows(results)
    parts = split_parts(results, rows)
    sections, conditions = by_section(results, rows["method"]), noise_conditions(rows)
    methods = [name for names in sections.values() for name in names]
    tested = [with_tests(results, part, ["condition"]).assign(part=name) for name, part in parts.items() if len(part)]
    data = label_use(results, pd.concat(tested, ignore_index=True))
    data = order(data, part=parts, condition=conditions.values(), method=methods)
    data = data[FRONT + [name for name in data.columns if name not in FRONT]]
    view, sizes = printed(results, data[data["condition"] != conditions.get("heldout")], methods)  # that is in tab05
    other = bool(rows["domain"].eq("ward").any())
    known = (
        " The networks know the home classes only and are tested on those; CLIP chooses among all of the ward's."
        if other
        else ""
    )
    caption = (
        f"Generalisation and baselines, accuracy in %. {sizes}.{known} Differences and tests against no "
        f"noise are in the csv. {EXPLORATORY} {INTERVALS} {results.facts(split='home test' + ' and ward' * other)}"
    )
    return Table(data, sectioned(view, [name for name, names in sections.items() for _ in names]), caption)


def all_rows(results: Results) -> pd.DataFrame:
    """Predictions of all methods in all domains; the test clips' domain is called as captions call it."""
    rows = [results.home("noise")]
    rows += [part for step in ("ward", "baselines") if (part := results.ward(step)) is not None]
    if results.maybe("predictions/baselines.parquet") is not None:
        rows.append(results.home("baselines"))
    table = pd.concat(rows, ignore_index=True)
    table["domain"] = table["domain"].replace("", results.place)
    return table


def split_parts(results: Results, rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Home; the ward, for methods that know more than the home classes; and the classes that both share."""
    home, ward = rows["domain"] == results.place, rows[rows["domain"] == "ward"]
    every = ward.groupby("method")["cls"].transform("nunique") > len(results.classes)
    shared = ward[ward["cls"].isin(results.classes)]
    return {results.place: rows[home], "ward": ward[every], "ward, shared classes": shared}


def printed(results: Results, data: pd.DataFrame, methods: list[str]) -> tuple[pd.DataFrame, str]:
    """A row a method, a column a part and condition; and the number of clips of each part, as text."""
    looks = [results.method(name) for name in methods]
    free = [not look.uses_label for look in looks]
    view = pd.DataFrame({"method": [look.label for look in looks], "labels": [look.labels for look in looks]})
    sizes = []
    for (part, condition), cells in data.groupby(["part", "condition"], sort=False):
        cells = rows_for(cells, "method", methods)
        text = column(cells, pct, "acc", "acc_low", "acc_high")
        hidden = condition.startswith("hide:")
        view[f"{part}, {describe(condition)}"] = text if hidden else bold_best(text, cells["acc"], free)
        sizes.append(f"{part}: n = {count(cells['n_clips'].max())}")
    return view, "; ".join(dict.fromkeys(sizes))
