"""Invented results that hold every claim of claims.yaml, whatever method its headline is."""

from __future__ import annotations

from pathlib import Path
from unittest.mock import patch

import numpy as np
import pandas as pd
import synthetic

from clipaction.paper.claim_list import BEST_RIVAL, Other, claim_list

STRONG, MIXED = 3.0, 3.5  # gains of the headline and of its mixture: all rivals have less


def methods_of(step: str) -> list[str]:
    """The methods that claims about a step name."""
    listed, names = claim_list(), []
    for claim in listed.claims:
        if claim.step == step:
            other = claim.against.method if isinstance(claim.against, Other) else None
            names += [claim.method, *([other] if other and other != BEST_RIVAL else [])]
    return list(dict.fromkeys(map(listed.method, names)))


def write_claimed(folder: Path, **options) -> Path:
    """A results folder of profile quick, completed."""
    synthetic.write_results(folder, "quick", **options)
    rng, headline = np.random.default_rng(1), claim_list().headline
    clips = pd.read_parquet(folder / "clips.parquet").query("ok")
    test, ward = (clips[(clips["split"] == "test") & (clips["domain"] == d)] for d in ("home", "ward"))
    noise = pd.read_parquet(folder / "predictions" / "noise.parquet")
    for step, rows, classes in (("noise", test, 12), ("ward", ward, 16)):
        path = folder / "predictions" / f"{step}.parquet"
        table = noise if step == "noise" else pd.read_parquet(path)
        own = (headline, f"{headline}+probe")
        missing = [name for name in methods_of(step) if name in own or name not in set(table["method"])]
        with patch.dict(synthetic.GAIN, {headline: STRONG, f"{headline}+probe": MIXED}):
            new = [synthetic.predict(rows, classes, m, c, rng) for m in missing for c in table["condition"].unique()]
        table = pd.concat([table[~table["method"].isin(own)], *new], ignore_index=True)
        gone = table["method"].eq(headline) & table["condition"].str.startswith("hide:")
        table.loc[gone, "pred"] = (table.loc[gone, "label"] + 1) % classes  # with the actor gone nothing is right
        table.to_parquet(path)
        noise = table if step == "noise" else noise
    noise.assign(nll=0.9 * noise["nll"], temperature=1.1).to_parquet(folder / "predictions" / "calibrated.parquet")
    relevance = pd.read_parquet(folder / "relevance.parquet")
    none = relevance[relevance["method"] == "none"]
    moved = [none.assign(method=m, share=none["share"] + 0.1) for m in methods_of("relevance") if m != "none"]
    pd.concat([none, *moved]).to_parquet(folder / "relevance.parquet")
    return folder
