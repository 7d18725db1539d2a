"""The claims of claims.yaml, measured and judged: one row a claim, with its verdict and the reason for it.

Only methods without the clip's label can support a claim.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ..evaluate.significance import holm
from .claim_list import Claim, ClaimList, Question, claim_list
from .claim_sides import boundary, in_words, rows_of, sides_of
from .measures import MEASURES, bounded, contrasted, paired
from .results import Results
from .typeset import NOTHING, pct, pvalue

HOLDS, FAILS, OPEN = "claim holds", "claim does not hold", "undecided"
LEVEL = 0.05  # of Holm's p
COLUMNS = [
    *("id", "claim", "said_by", "family", "number", "source", "unit", "expected", "against", "value", "low", "high"),
    *("n_clips", "n_groups", "p", "p_holm", "test", "trained", "verdict", "reason"),
]


def claims(results: Results | str, listed: ClaimList | None = None) -> pd.DataFrame:
    """One row a claim; claims whose data the run does not have are left out.

    Columns: id, claim, said_by, family, number (what is measured), source (figure or table), unit (points, %, nats or
    none), expected (side), against (boundary), value, low, high, n_clips, n_groups, p (two-sided, by groups), p_holm
    (over the primary claims; NaN for others), test (whose p it is), trained (whether it comes after a training),
    verdict, reason.
    """
    results, listed = Results.of(results), listed or claim_list()
    rows = []
    for claim in listed.asked():
        sides = sides_of(results, listed, claim)
        if sides and (row := measured(results, claim, *sides)):
            rows.append(row | {"trained": claim.step in listed.trained})
    return judged(pd.DataFrame(rows))


def measured(results: Results, claim: Claim, own, other) -> dict | None:
    """A row without its verdict; None where one of the sides has no rows."""
    measure, against = MEASURES[claim.measure], boundary(results, claim)
    mine = rows_of(results, claim, own)
    theirs = mine if other is None else rows_of(results, claim, other)
    if mine.empty or theirs.empty:
        return None
    if other is None:
        number = bounded(mine, measure, against)
    else:
        number = (paired if own.scene == other.scene else contrasted)(mine, theirs, measure)
    share = measure.unit == "points" and other is None
    facts = {"number": in_words(results, claim, own, other), "unit": "%" if share else measure.unit}
    said = claim.model_dump(include={"id", "claim", "said_by", "family", "source"})
    return said | facts | {"expected": claim.side, "against": against} | number


def judged(table: pd.DataFrame) -> pd.DataFrame:
    """The same rows with p_holm, verdict and reason."""
    table = table.reindex(columns=COLUMNS)
    primary = table["family"] == "primary"
    table["p_holm"] = np.nan
    if primary.any():
        table.loc[primary, "p_holm"] = holm(table.loc[primary, "p"])
    decided = [verdict(row.low, row.high, row.expected, row.against, own_p(row)) for row in table.itertuples()]
    table["verdict"] = np.array(decided, dtype=object)
    table["reason"] = np.array([reason(row) for row in table.itertuples()], dtype=object)
    return table


def own_p(row: Any) -> float:
    """The p that decides: Holm's of a primary claim, the uncorrected one of others."""
    return row.p_holm if row.family == "primary" else row.p


def verdict(low: float, high: float, expected: str, against: float = 0.0, p: float = np.nan) -> str:
    """HOLDS if the whole interval is on the expected side of `against`, FAILS if it is on the other side, both only
    where p, if there is one, is below LEVEL; else OPEN. The interval alone would decide too easily where few groups
    differ: four of 84 that move the same way keep a bootstrap's interval off zero, at p = 0.125."""
    above, below = low > against, high < against
    if expected == "<":
        above, below = below, above
    if p >= LEVEL:
        return OPEN
    return HOLDS if above else FAILS if below else OPEN


def reason(row: Any) -> str:
    """Why a row has its verdict: 'the interval lies above 0 and Holm p = 0.012'."""
    edge = pct(row.against) + " %" if row.unit == "%" else f"{row.against:g}"
    if np.isnan(row.low):
        return "one group gives no interval"
    if row.low <= row.against <= row.high:
        return f"the interval contains {edge}"
    above, p = row.low > row.against, own_p(row)
    text = f"the interval lies {'above' if above else 'below'} {edge}"
    text += ", on the other side" if above != (row.expected == ">") else ""
    if np.isnan(p):
        return text
    return text + (", but " if row.verdict == OPEN else " and ") + "Holm " * (row.family == "primary") + equal(p)


def equal(p: float) -> str:
    """'p = 0.012', 'p < 0.001'."""
    text = pvalue(p)
    return f"p {text[0]} {text[1:]}" if text.startswith("<") else f"p = {text}"


def marked(row: Any) -> str:
    """The verdict as printed: that of an exploratory claim says so."""
    return row.verdict if row.family == "primary" else f"{row.verdict} (exploratory)"


def left_out(table: pd.DataFrame) -> list[str]:
    """The claims of claims.yaml that a table of `claims` does not have."""
    return [claim.claim for claim in claim_list().asked() if claim.id not in set(table["id"])]


def printed(row: Any) -> tuple[str, str, str]:
    """The number of a row of `claims` as printed: value, interval, unit; e.g. ('+6.5', '2.7 to 10.4', 'points')."""
    if row.unit in ("points", "%"):
        value, low, high = pct(row.value, sign="+" if row.unit == "points" else ""), pct(row.low), pct(row.high)
    else:
        numbers = (row.value, row.low, row.high)
        value, low, high = (NOTHING if np.isnan(x) else f"{x:+.3f}".replace("-", "−") for x in numbers)
    return value, f"{low} to {high}", row.unit


def answer(table: pd.DataFrame) -> str:
    """The questions of claims.yaml, each answered by its claim in one sentence."""
    return " ".join(answered(table, question) for question in claim_list().questions)


def answered(table: pd.DataFrame, question: Question) -> str:
    """'Does noise add anything to CLIP + probe? Yes (...): claim holds, because ...'"""
    found = table[table["id"] == question.claim]
    if found.empty:
        return f"{question.ask} Not measured in this run."
    row = next(found.itertuples())
    value, interval, unit = printed(row)
    word = {HOLDS: "Yes", FAILS: "No, it takes away", OPEN: "Not shown"}[row.verdict]
    clips = f"on {row.n_clips:,} clips in {row.n_groups} groups"
    number = f"{row.number}, {clips}: {f'{value} {unit}'.strip()}, 95 % interval {interval}, {equal(row.p)}"
    return f"{question.ask} {word} ({number}; Holm {equal(row.p_holm)}): {row.verdict}, because {row.reason}."
