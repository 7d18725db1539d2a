"""tab08: how long this run took, and on what."""

from __future__ import annotations

import pandas as pd

from ..items import Table, table
from ..results import Results


@table("tab08", "Run time and environment of this run: the one table that depends on the machine")
def tab08(results: Results) -> Table:
    timing = results.table("timing.parquet").reset_index(drop=True)
    told = {step: seconds for steps in results.noted("forecast.json").values() for step, seconds in steps.items()}
    rates = [
        f"{row.items:.0f} {row.unit}s, {row.items / max(row.seconds, 1e-9):.1f} a second" for row in timing.itertuples()
    ]
    steps = pd.DataFrame({"what": timing["step"], "value": [f"{s:.1f} s" for s in timing["seconds"]], "rate": rates})
    steps["forecast"] = [f"{told[step]:.0f} s" if step in told else "" for step in timing["step"]]
    facts = pd.DataFrame(results.json("environment.json").items(), columns=["what", "value"]).astype(str)
    data = pd.concat([steps, facts], ignore_index=True).fillna("")
    view = data.rename(columns={"what": "step or component", "value": "time or version"})
    caption = (
        f"Run time and environment of this run; the steps took {timing['seconds'].sum():.0f} s. Never compared with "
        f"the reference. {results.facts(split='all')}"
    )
    return Table(data, view, caption)
