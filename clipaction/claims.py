"""The paper's claims, each as one number with its interval, and the verdict that the interval gives: nothing here is worded by hand.

Only label-free methods are asked; the oracle knows the answer and can support no claim.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from . import stats
from .conditions import describe
from .results import Results, noise_conditions
from .typeset import pct

HOLDS, FAILS, OPEN = "claim holds", "claim does not hold", "undecided"
HEADLINE = ("zero-shot", "scene", "where", "gated", "beyond-shared", "ward")  # the six numbers above the report


def verdict(low: float, high: float, expected: str, against: float = 0.0) -> str:
    """The whole interval on the expected side ('>' or '<') of `against`: holds; on the other: does not; around it or unknown: undecided."""
    above, below = low > against, high < against
    return HOLDS if (above if expected == ">" else below) else FAILS if (below if expected == ">" else above) else OPEN


def brier(rows: pd.DataFrame) -> np.ndarray:
    """Squared error of each clip's confidence in its answer: low where confidence says when to trust it."""
    return (rows["p_pred"].to_numpy() - stats.hits(rows)) ** 2


def change(before: pd.DataFrame, after: pd.DataFrame, score: Callable = stats.hits) -> dict:
    """Mean paired change of a per-clip score, on the clips that both have."""
    shared = sorted(set(before["clip"]) & set(after["clip"]))
    before, after = (rows.set_index("clip").loc[shared] for rows in (before, after))
    value, low, high = stats.bootstrap_groups(score(after).astype(float) - score(before), after["group"])
    return {"value": value, "low": low, "high": high, "n_clips": len(shared), "n_groups": after["group"].nunique()}


def contrast(rows: pd.DataFrame, a: pd.Series, b: pd.Series) -> dict:
    """Accuracy of the rows in `a` minus that of the rows in `b`, other clips of the same groups, which are resampled together."""
    hit = stats.hits(rows).astype(float)
    columns = np.stack([hit * a, a, hit * b, b], axis=1).astype(float)

    def difference(sums, sizes):
        return sums[..., 0] / np.maximum(sums[..., 1], 1) - sums[..., 2] / np.maximum(sums[..., 3], 1)

    value, low, high = stats.bootstrap_groups(columns, rows["group"], statistic=difference)
    return {"value": value, "low": low, "high": high, "n_clips": int(a.sum() + b.sum()), "n_groups": rows["group"].nunique()}


def claims(results) -> pd.DataFrame:
    """One row a claim: id, claim, number (what is measured), source (table), expected sign, against, value, low, high, n_clips, n_groups,
    verdict, headline. A claim whose data a profile does not have is left out."""
    results = Results.of(results)
    zero, masking, noise, ward = (results.home("zero_shot"), results.home("masking"), results.home("noise"), results.ward("ward"))
    names, chance, records = noise_conditions(noise), 1 / len(results.classes), []

    def claim(id: str, text: str, number: str, source: str, expected: str, found: dict, against: float = 0.0) -> None:
        records.append({"id": id, "claim": text, "number": number, "source": source, "expected": expected, "against": against, **found,
                        "verdict": verdict(found["low"], found["high"], expected, against), "headline": id in HEADLINE})

    def under(condition: str, method: str | None = None, rows: pd.DataFrame = noise) -> pd.DataFrame:
        return rows[(rows["condition"] == condition) & ((rows["method"] == method) if method else True)]

    value, low, high = stats.proportion(stats.hits(zero), zero["group"])
    found = {"value": value, "low": low, "high": high, "n_clips": len(zero), "n_groups": zero["group"].nunique()}
    claim("zero-shot", "CLIP names the action zero-shot, above chance", "top-1 accuracy, zero shot", "tab02", ">", found, chance)
    if {"usual", "other"} <= set(zero["scene"]):
        claim("scene", "CLIP leans on the scene", "accuracy in the usual scene minus in another action's scene", "tab02", ">",
              contrast(zero, zero["scene"] == "usual", zero["scene"] == "other"))
    conditions = set(masking["condition"])
    if names.get("shape") in conditions:
        claim("masking", "Masking part of the frame costs accuracy", f"{describe(names['shape'])} minus unmasked", "tab03", "<",
              change(under("none", rows=masking), under(names["shape"], rows=masking)))
    hidden = next((name for name in ("hide:actor+prop:box", "hide:actor+prop:box@motion") if {name, f"control:{name}"} <= conditions), None)
    if hidden:
        claim("where", "What is hidden matters, not only how much", f"{describe(hidden)} minus the same boxes elsewhere", "tab04", "<",
              change(under(f"control:{hidden}", rows=masking), under(hidden, rows=masking)))
        kept = hidden.replace("hide:", "keep:").replace(":box", ":silhouette")
        if kept in conditions:
            claim("isolation", "The actor and prop alone serve better than the whole frame", f"{describe(kept)} minus unmasked",
                  "tab04", ">", change(under("none", rows=masking), under(kept, rows=masking)))
    claim("gated", "Gated class-specific noise raises label-free accuracy", "gated noise minus no noise, unmasked", "tab05", ">",
          change(under("none", "none"), under("none", "gated")))
    for scene, words in (("random", "a random scene"), ("other", "another action's scene")):
        if scene in set(noise["scene"]):
            there = noise[noise["scene"] == scene]
            claim(f"gated-{scene}", f"Gated noise helps in {words}", f"gated noise minus no noise, unmasked, {words}", "tab05", ">",
                  change(under("none", "none", there), under("none", "gated", there)))
    if "shape" in names:
        claim("gated-masked", "Gated noise helps on masked clips too", f"gated noise minus no noise, {describe(names['shape'])}",
              "tab05", ">", change(under(names["shape"], "none"), under(names["shape"], "gated")))
    both = noise[noise["condition"].isin([names["none"], names.get("shape")])]
    both = both.assign(clip=both["condition"] + " " + both["clip"])
    claim("beyond-shared", "Gated noise beats one noise shared by all classes", "gated minus shared noise, unmasked and masked", "tab05", ">",
          change(*(both[both["method"] == name] for name in ("shared", "gated"))) | {"n_clips": noise["clip"].nunique()})
    claim("beyond-probe", "Gated noise beats a linear probe that saw the same labels", "gated noise minus linear probe, unmasked", "tab05", ">",
          change(under("none", "probe"), under("none", "gated")))
    sure = lambda rows: rows["p_pred"].to_numpy()  # noqa: E731
    claim("sure", "Gated noise makes the model surer", "mean confidence, gated noise minus none, unmasked", "tab05", ">",
          change(under("none", "none"), under("none", "gated"), sure))
    claim("confidence", "Gated noise makes confidence truer", "Brier score of the confidence, gated minus none, unmasked", "fig05", "<",
          change(under("none", "none"), under("none", "gated"), brier))
    if "hide" in names:
        claim("reliance", "Gated noise lowers the reliance on the background", f"gated noise minus no noise, {describe(names['hide'])}",
              "fig08", "<", change(under(names["hide"], "none"), under(names["hide"], "gated")))
        claim("sure-blind", "Gated noise makes the model less sure where nobody acts", f"confidence, gated noise minus none, {describe(names['hide'])}",
              "tab05", "<", change(under(names["hide"], "none"), under(names["hide"], "gated"), sure))
    relevance = results.table("relevance.parquet")
    if len(relevance):
        sides = (relevance[relevance["method"] == name] for name in ("none", "gated"))
        claim("relevance", "Gated noise moves relevance towards actor and prop", "share of relevance on actor and prop, gated minus none",
              "fig07", ">", change(*sides, score=lambda rows: rows["share"].to_numpy()))
    if ward is not None:
        claim("ward", "Noise learned at home helps in the ward", "gated noise minus no noise, ward, unmasked", "tab07", ">",
              change(under("none", "none", ward), under("none", "gated", ward)))
    return pd.DataFrame(records)


def printed(claim) -> tuple[str, str, str]:
    """A row's number as printed: value, interval, unit; e.g. ('+6.5', '2.7 to 10.4', 'points')."""
    numbers = (claim.value, claim.low, claim.high)
    if claim.id == "confidence":
        value, low, high = (f"{x:+.3f}".replace("-", "−") for x in numbers)
        return value, f"{low} to {high}", ""
    value, low, high = pct(claim.value, sign="" if claim.id == "zero-shot" else "+"), pct(claim.low), pct(claim.high)
    return value, f"{low} to {high}", "%" if claim.id == "zero-shot" else "points"
