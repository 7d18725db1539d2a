"""tab11: the settings that were tried for each noise, on validation clips."""

from __future__ import annotations

import pandas as pd

from ...analysis.search import KINDS
from ...masking.conditions import describe
from ...masking.plan import SQUARE
from ..items import Table, table
from ..on_demand import to_be_made
from ..results import INTERVALS, Results
from ..typeset import NOTHING, column, pct

TITLE = "Search for the noises' settings, on validation clips"
FRONT = ["noise", "eps", "lr", "steps"]
STEPS = 80  # of each training, where no reference says how many it had
NAMES = {"whole": "unmasked", "masked": describe(SQUARE), "scene": "another action's scene"}


@table("tab11", TITLE)
def tab11(results: Results) -> Table:
    data = results.maybe("noise/search.parquet")
    if data is None or data.empty:
        return to_be_made(results, "tab11", TITLE, "noise.search_steps", STEPS, [*FRONT, "ce", "best", "used"])
    trained = data.dropna(subset=["eps"])
    tried = trained.groupby("noise").size()
    caption = (
        f"{TITLE}, %. {effort(tried)}: eps {listed(trained['eps'])} (of 255), learning rate {listed(trained['lr'])}. "
        "The noise of the last step is judged, as its protocol uses it. Cross-entropy in nats: of all kinds of frames "
        "together, lower is better, with its difference to the best setting of the same noise, clip by clip. Attack "
        "rate: of other classes' clips. In use: what the profile trains with. No noise and the probe are for "
        f"orientation. No test clip was used. {INTERVALS} {results.facts(split='validation')}"
    )
    return Table(data, printed(results, data), caption)


def effort(tried: pd.Series) -> str:
    """How many settings each noise was given, in words."""
    low, high = tried.min(), tried.max()
    return f"{low} settings for each of the {len(tried)} noises" if low == high else f"{low} to {high} settings a noise"


def listed(values: pd.Series) -> str:
    """'16 and 48'."""
    *first, last = (f"{value:g}" for value in sorted(values.unique()))
    return f"{', '.join(first)} and {last}" if first else last


def printed(results: Results, data: pd.DataFrame) -> pd.DataFrame:
    """A row a setting; each noise's best cross-entropy in bold."""

    def number(value: float) -> str:
        return NOTHING if pd.isna(value) else f"{value:g}"

    view = pd.DataFrame({"noise": [results.method(name).label for name in data["noise"]]})
    view["eps"], view["rate"], view["steps"] = (column(data, number, name) for name in ("eps", "lr", "steps"))
    cells = column(data, nats3, "ce", "ce_low", "ce_high")
    view["cross-entropy"] = [f"**{cell}**" if best else cell for cell, best in zip(cells, data["best"])]
    view["to the best"] = [
        NOTHING if best or pd.isna(eps) else nats3(*each)
        for best, eps, *each in data[["best", "eps", "worse", "worse_low", "worse_high"]].to_numpy()
    ]
    for kind in KINDS:
        if f"acc_{kind}" in data:
            view[NAMES[kind]] = column(data, pct, f"acc_{kind}")
    view["attack rate"] = column(data, pct, "attack")
    view["in use"] = ["yes" if used else "" for used in data["used"]]
    return view


def nats3(value: float, low: float, high: float) -> str:
    """0.138, 0.042, 0.249 -> '0.138 [0.042, 0.249]'."""
    return f"{value:.3f} [{low:.3f}, {high:.3f}]".replace("-", "−")
