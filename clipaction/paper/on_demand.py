"""Tables that a run makes only when asked for: without their results they are empty, and the caption says how to make
them."""

from __future__ import annotations

import pandas as pd

from .items import Table
from .results import Results


def to_be_made(results: Results, item: str, what: str, field: str, steps: int, columns: list[str]) -> Table:
    """An empty table with these columns, for `item` (such as 'tab10').

    what: what it would hold. field: the profile's field that asks for it, a number of training steps. steps: the value
    to recommend where no reference says how many the published table had."""
    reference = results.published(f"{item}.csv")
    if reference is not None and len(reference) and "steps" in reference:
        steps = int(reference["steps"].max())
    command = f"--from 04 --set {field}={steps}"
    caption = f"{what}: made on demand, not part of this run; the same command with `{command}` makes it."
    empty = pd.DataFrame(columns=columns)
    return Table(empty, empty, f"{caption} {results.facts()}")
