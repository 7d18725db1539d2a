"""pooled: the claims on the clips of several runs together. It reads several folders, so it is not registered."""

from __future__ import annotations

import pandas as pd

from ..claims import answer, claims, marked, printed
from ..items import Table
from ..results import INTERVALS, Pooled, Results
from ..typeset import column, count, pvalue


def pooled(runs: list[Results]) -> Table:
    """Each claim on all clips together, beside the number of each run alone. Groups of the same name in several runs
    are one group. Holm's p is over the primary claims of this table."""
    names = [run.run["profile"]["name"] for run in runs]
    data = claims(Pooled(runs))
    for name, run in zip(names, runs):
        data[name] = data["id"].map(claims(run).set_index("id")["value"])
    whole = [printed(row) for row in data.itertuples()]
    view = pd.DataFrame(
        {
            "claim": data["claim"],
            "family": data["family"],
            "said by": data["said_by"],
            "number": data["number"],
            "n": column(data, count, "n_clips"),
            "groups": column(data, count, "n_groups"),
            "value": [f"{value} [{low_high}] {unit}".strip() for value, low_high, unit in whole],
            **{name: [printed(row)[0] for row in data.assign(value=data[name]).itertuples()] for name in names},
            "p": column(data, pvalue, "p"),
            "Holm p": column(data, pvalue, "p_holm"),
            "verdict": [marked(row) for row in data.itertuples()],
        }
    )
    caption = (
        f"{answer(data)} {len(runs)} whole runs, {', '.join(names)}, and their clips together. p: two-sided, by "
        f"groups; Holm over the primary claims; exploratory ones are uncorrected. {INTERVALS} They tell how the number "
        "would vary with other people and places, the trainings taken as they are; the columns of single runs show "
        "how it varies with both. The best rival is that of all clips here, and of its own clips in a single run."
    )
    return Table(data, view, caption)
