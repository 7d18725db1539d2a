"""tab02: plain CLIP, no mask and no noise."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...evaluate.intervals import bootstrap_groups
from ...evaluate.summaries import summarise
from ..items import Table, table
from ..looks import SCENE_LABELS
from ..results import INTERVALS, Results
from ..selections import scopes
from ..typeset import column, count, nats, pct


@table("tab02", "Zero shot: plain CLIP, overall and by how well scene and action agree")
def tab02(results: Results) -> Table:
    home, unstable = results.home("zero_shot"), results.table("instability.parquet")
    records = []
    for domain, part, rows in scopes(results, home, results.ward("zero_shot")):
        mine = unstable[unstable["clip"].isin(rows["clip"])]
        value, low, high = bootstrap_groups(mine["disagree_frames"], mine["group"]) if len(mine) else (np.nan,) * 3
        unsteady = {"instability": value, "instability_low": low, "instability_high": high}
        records.append({"domain": domain, "part": part, **summarise(rows).iloc[0], **unsteady})
    data = pd.DataFrame(records)
    view = pd.DataFrame(
        {
            "domain": data["domain"],
            "clips": data["part"].map(SCENE_LABELS).fillna(data["part"]),
            "n": column(data, count, "n_clips"),
            "groups": column(data, count, "n_groups"),
            "top-1": column(data, pct, "acc", "acc_low", "acc_high"),
            "top-5": column(data, pct, "top5"),
            "confidence": column(data, pct, "confidence"),
            "when wrong": column(data, pct, "confidence_wrong"),
            "ECE": column(data, pct, "ece", "ece_low", "ece_high"),
            "NLL, nats": column(data, nats, "nll", "nll_low", "nll_high"),
            "entropy, nats": column(data, nats, "entropy"),
            "frames that disagree": column(data, pct, "instability", "instability_low", "instability_high"),
        }
    )
    caption = (
        "Zero shot, %. ECE: expected calibration error of the answers. NLL: mean negative log-likelihood of the true "
        f"class, a proper score of the whole distribution. {INTERVALS} {results.facts(home)}"
    )
    return Table(data, view, caption)
