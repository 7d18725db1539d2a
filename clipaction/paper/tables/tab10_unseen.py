"""tab10: classes that were left out of training."""

from __future__ import annotations

import pandas as pd

from ...analysis.harmonic import AGAINST, MEASURES, base_and_novel, in_words
from ..items import Table, table
from ..on_demand import to_be_made
from ..results import INTERVALS, Results
from ..selections import by_section, order, rows_for
from ..typeset import bold_best, column, pct, points, sectioned

TITLE = "Classes left out of training"
FRONT = ["competing", "section", "method"]
STEPS = 80  # of each training, where no reference says how many it had
NAMES = {"base": "base", "novel": "novel", "harmonic": "harmonic mean"}


@table("tab10", TITLE)
def tab10(results: Results) -> Table:
    rows = results.maybe("noise/unseen.parquet")
    if rows is None or rows.empty:
        columns = [*FRONT, "steps", *MEASURES]
        return to_be_made(results, "tab10", TITLE, "noise.unseen_steps", STEPS, columns)
    data = base_and_novel(rows)
    sections = by_section(results, data["method"].unique())
    methods = [name for names in sections.values() for name in names]
    data["section"] = data["method"].map({name: section for section, names in sections.items() for name in names})
    data = order(data, competing=["all", "own"], method=methods)
    data = data[FRONT + [name for name in data.columns if name not in FRONT]]
    divisions, classes = rows["division"].nunique(), rows["cls"].nunique()
    caption = (
        f"{TITLE}, %. {divisions} divisions of the {classes} classes, drawn by the seed. In each, noises (with "
        f"{rows['steps'].iloc[0]} steps), gates, probe and prompts learn from the base classes alone; every class is "
        "novel once. All compete: every clip is judged among all classes. Own compete: base clips among base classes, "
        "novel clips among novel ones, from the same scores. The probe knows base classes only; how likely it is one "
        "of them, CLIP says. Differences are clip by clip, all divisions together. "
        f"{in_words(data)} {INTERVALS} {results.facts(rows)}"
    )
    view = printed(results, data, methods)
    return Table(data, sectioned(view, [name for name, names in sections.items() for _ in names]), caption)


def printed(results: Results, data: pd.DataFrame, methods: list[str]) -> pd.DataFrame:
    """A row a method; all classes competing with intervals, then each clip's own side."""
    every = [True] * len(methods)
    view = pd.DataFrame({"method": [results.method(name).label for name in methods]})
    for competing, title in (("all", "all compete"), ("own", "own compete")):
        rows = rows_for(data, "method", methods, competing=competing)
        for measure, name in NAMES.items():
            ends = (f"{measure}_low", f"{measure}_high") if competing == "all" else ()
            view[f"{title}: {name}"] = bold_best(column(rows, pct, measure, *ends), rows[measure], every)
            if competing == "all":
                for other, ending in AGAINST.items():
                    diff = f"{measure}_diff{ending}"
                    if measure != "base" and diff in rows:
                        label = f"{name}, to {'no noise' if other == 'none' else results.method(other).label}"
                        view[label] = column(rows, points, diff, f"{diff}_low", f"{diff}_high")
    return view
