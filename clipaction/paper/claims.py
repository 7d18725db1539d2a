"""The paper's claims, each one number with its interval. The interval alone decides the verdict.

Only methods without the clip's label can support a claim.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pandas as pd

from ..evaluate.intervals import bootstrap_groups, proportion
from ..evaluate.predictions import correct
from ..masking.conditions import describe, parse
from ..masking.plan import first_hiding
from .results import Results
from .selections import noise_conditions
from .typeset import pct

HOLDS, FAILS, OPEN = "claim holds", "claim does not hold", "undecided"
HEADLINE = ("zero-shot", "scene", "where", "gated", "beyond-shared", "ward")  # the six numbers above the report
Score = Callable[[pd.DataFrame], np.ndarray]  # of prediction rows, one number a row


def claims(results: Results | str) -> pd.DataFrame:
    """One row a claim. A claim whose data a profile does not have is left out.

    Columns: id, claim, number (what is measured), source (table), expected (sign), against, value, low, high, n_clips,
    n_groups, verdict, headline.
    """
    results = Results.of(results)
    found = [*about_clip(results), *about_noise(results), *about_the_rest(results)]
    return pd.DataFrame(found)


def about_clip(results: Results) -> Iterator[dict]:
    """Plain CLIP: zero shot and masked."""
    zero, masking = results.home("zero_shot"), results.home("masking")
    value, low, high = proportion(correct(zero), zero["group"])
    found = {"value": value, "low": low, "high": high, "n_clips": len(zero), "n_groups": zero["group"].nunique()}
    text, chance = "CLIP names the action zero-shot, above chance", 1 / len(results.classes)
    yield claim("zero-shot", text, "top-1 accuracy, zero shot", "tab02", ">", found, chance)
    if {"usual", "other"} <= set(zero["scene"]):
        number = "accuracy in the usual scene minus in another action's scene"
        found = contrast(zero, zero["scene"] == "usual", zero["scene"] == "other")
        yield claim("scene", "CLIP leans on the scene", number, "tab02", ">", found)
    masked, conditions = noise_conditions(results.home("noise")).get("shape"), set(masking["condition"])
    unmasked = under(masking, "none")
    if masked and masked in conditions:
        text, number = "Masking part of the frame costs accuracy", f"{describe(masked)} minus unmasked"
        yield claim("masking", text, number, "tab03", "<", change(unmasked, under(masking, masked)))
    if hidden := first_hiding(masking["condition"].unique(), "box", controlled=True):
        text, number = "What is hidden matters, not only how much", f"{describe(hidden)} minus the same boxes elsewhere"
        found = change(under(masking, f"control:{hidden}"), under(masking, hidden))
        yield claim("where", text, number, "tab04", "<", found)
        kept = hidden.replace("hide:", "keep:").replace(":box", ":silhouette")
        if kept in conditions:
            who = "actor and prop alone serve" if parse(kept).part == "actor+prop" else "actor alone serves"
            text = f"The {who} better than the whole frame"
            found = change(unmasked, under(masking, kept))
            yield claim("isolation", text, f"{describe(kept)} minus unmasked", "tab04", ">", found)


def about_noise(results: Results) -> Iterator[dict]:
    """Gated noise against no noise and against its rivals, at home."""
    noise = results.home("noise")
    names = noise_conditions(noise)
    none, gated = under(noise, "none", "none"), under(noise, "none", "gated")
    text, number = "Gated class-specific noise raises label-free accuracy", "gated noise minus no noise, unmasked"
    yield claim("gated", text, number, "tab05", ">", change(none, gated))
    for scene, words in (("random", "a random scene"), ("other", "another action's scene")):
        if scene in set(noise["scene"]):
            text, number = f"Gated noise helps in {words}", f"gated noise minus no noise, unmasked, {words}"
            found = change(none[none["scene"] == scene], gated[gated["scene"] == scene])
            yield claim(f"gated-{scene}", text, number, "tab05", ">", found)
    if "shape" in names:
        number = f"gated noise minus no noise, {describe(names['shape'])}"
        found = change(under(noise, names["shape"], "none"), under(noise, names["shape"], "gated"))
        yield claim("gated-masked", "Gated noise helps on masked clips too", number, "tab05", ">", found)
    both = noise[noise["condition"].isin([names["none"], names.get("shape")])]
    both = both.assign(clip=both["condition"] + " " + both["clip"])  # a clip counts once under each condition
    found = change(both[both["method"] == "shared"], both[both["method"] == "gated"])
    found["n_clips"] = noise["clip"].nunique()
    text, number = "Gated noise beats one noise shared by all classes", "gated minus shared noise, unmasked and masked"
    yield claim("beyond-shared", text, number, "tab05", ">", found)
    text, number = (
        "Gated noise beats a linear probe that saw the same labels",
        "gated noise minus linear probe, unmasked",
    )
    yield claim("beyond-probe", text, number, "tab05", ">", change(under(noise, "none", "probe"), gated))
    text, number = "Gated noise makes the model surer", "mean confidence, gated noise minus none, unmasked"
    yield claim("sure", text, number, "tab05", ">", change(none, gated, confidence))
    text, number = "Gated noise makes confidence truer", "Brier score of the confidence, gated minus none, unmasked"
    yield claim("confidence", text, number, "fig05", "<", change(none, gated, brier))
    if "hide" in names:
        before, after = under(noise, names["hide"], "none"), under(noise, names["hide"], "gated")
        text, words = "Gated noise lowers the reliance on the background", describe(names["hide"])
        yield claim("reliance", text, f"gated noise minus no noise, {words}", "fig08", "<", change(before, after))
        text, number = (
            "Gated noise makes the model less sure where nobody acts",
            f"confidence, gated noise minus none, {words}",
        )
        yield claim("sure-blind", text, number, "tab05", "<", change(before, after, confidence))


def about_the_rest(results: Results) -> Iterator[dict]:
    """Relevance, and the second domain."""
    relevance, ward = results.table("relevance.parquet"), results.ward("ward")
    if len(relevance):
        before, after = (relevance[relevance["method"] == name] for name in ("none", "gated"))
        text, number = (
            "Gated noise moves relevance towards actor and prop",
            "share of relevance on actor and prop, gated minus none",
        )
        yield claim("relevance", text, number, "fig07", ">", change(before, after, share))
    if ward is not None:
        text, number = "Noise learned at home helps in the ward", "gated noise minus no noise, ward, unmasked"
        yield claim(
            "ward", text, number, "tab07", ">", change(under(ward, "none", "none"), under(ward, "none", "gated"))
        )


def claim(id: str, text: str, number: str, source: str, expected: str, found: dict, against: float = 0.0) -> dict:
    """A row of `claims`; found: value, low, high, n_clips, n_groups."""
    facts = {"id": id, "claim": text, "number": number, "source": source, "expected": expected, "against": against}
    decided = verdict(found["low"], found["high"], expected, against)
    return facts | found | {"verdict": decided, "headline": id in HEADLINE}


def verdict(low: float, high: float, expected: str, against: float = 0.0) -> str:
    """HOLDS if the whole interval is on the expected side of `against`, FAILS if on the other, else OPEN."""
    above, below = low > against, high < against
    if expected == "<":
        above, below = below, above
    return HOLDS if above else FAILS if below else OPEN


def under(rows: pd.DataFrame, condition: str, method: str | None = None) -> pd.DataFrame:
    """The rows of one condition, and of one method where it is named."""
    return rows[(rows["condition"] == condition) & ((rows["method"] == method) if method else True)]


def confidence(rows: pd.DataFrame) -> np.ndarray:
    """Probability of each answer."""
    return rows["p_pred"].to_numpy()


def brier(rows: pd.DataFrame) -> np.ndarray:
    """Squared error of each clip's confidence in its answer: low where confidence says when to trust it."""
    return (rows["p_pred"].to_numpy() - correct(rows)) ** 2


def share(rows: pd.DataFrame) -> np.ndarray:
    """Share of each clip's relevance on actor and prop."""
    return rows["share"].to_numpy()


def change(before: pd.DataFrame, after: pd.DataFrame, score: Score = correct) -> dict:
    """Mean paired change of a score, on the clips that both tables have."""
    shared = sorted(set(before["clip"]) & set(after["clip"]))
    before, after = (rows.set_index("clip").loc[shared] for rows in (before, after))
    value, low, high = bootstrap_groups(score(after).astype(float) - score(before), after["group"])
    return {"value": value, "low": low, "high": high, "n_clips": len(shared), "n_groups": after["group"].nunique()}


def contrast(rows: pd.DataFrame, a: pd.Series, b: pd.Series) -> dict:
    """Accuracy of the rows in `a` minus that of the rows in `b`. A group's clips in both are resampled together."""
    right = correct(rows).astype(float)
    columns = np.stack([right * a, a, right * b, b], axis=1).astype(float)

    def difference(sums: np.ndarray, sizes: np.ndarray) -> np.ndarray:
        return sums[..., 0] / np.maximum(sums[..., 1], 1) - sums[..., 2] / np.maximum(sums[..., 3], 1)

    value, low, high = bootstrap_groups(columns, rows["group"], statistic=difference)
    return {
        "value": value,
        "low": low,
        "high": high,
        "n_clips": int(a.sum() + b.sum()),
        "n_groups": rows["group"].nunique(),
    }


def printed(row: Any) -> tuple[str, str, str]:
    """The number of a row of `claims` as printed: value, interval, unit; e.g. ('+6.5', '2.7 to 10.4', 'points')."""
    if row.id == "confidence":
        value, low, high = (f"{x:+.3f}".replace("-", "−") for x in (row.value, row.low, row.high))
        return value, f"{low} to {high}", ""
    zero_shot = row.id == "zero-shot"
    value, low, high = pct(row.value, sign="" if zero_shot else "+"), pct(row.low), pct(row.high)
    return value, f"{low} to {high}", "%" if zero_shot else "points"
