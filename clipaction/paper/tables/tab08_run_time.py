"""tab08: how long this run took, and on what."""

from __future__ import annotations

import pandas as pd

from ..items import Table, table
from ..results import Results


@table("tab08", "Run time and environment of this run: the one table that depends on the machine")
def tab08(results: Results) -> Table:
    timing = results.table("timing.parquet").reset_index(drop=True)
    rates = [
        f"{row.items:.0f} {row.unit}s, {row.items / max(row.seconds, 1e-9):.1f} a second" for row in timing.itertuples()
    ]
    steps = pd.DataFrame({"what": timing["step"], "value": [f"{s:.1f} s" for s in timing["seconds"]], "rate": rates})
    facts = [
        {"what": name, "value": str(value), "rate": ""} for name, value in results.json("environment.json").items()
    ]
    data = pd.concat([steps, pd.DataFrame(facts)], ignore_index=True)
    view = data.rename(columns={"what": "step or component", "value": "time or version"})
    caption = (
        f"Run time and environment of this run; the steps took {timing['seconds'].sum():.0f} s. Never compared with "
        f"the reference. {results.facts(split='all')}"
    )
    return Table(data, view, caption)
