"""Do the claims of a run agree with the published ones? Numbers, signs and verdicts.

The number of a primary claim may be off by a third of the effect that it guards (the smaller of here and published),
and by no more than tolerance.yaml allows. Its verdict must be the same where the published interval is clear of the
boundary by more than that. Near the boundary it may move to or from undecided, which is a remark; it may never turn
round. And each verdict must follow from the numbers beside it.

Training amplifies rounding, which differs between kinds of processors. On another kind, a number that comes after a
training is therefore held to tolerance.yaml alone in the table of a single run, and guarded as above in the pooled
one. An undecided claim has no effect to guard, so there its number is held to tolerance.yaml in the pooled table, too.
Verdicts and signs are compared everywhere.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ..evaluate.significance import holm
from .claims import COLUMNS, FAILS, HOLDS, LEVEL, OPEN, own_p, verdict
from .comparison import compare

ITEMS = ("claims", "pooled")
EFFECTS = ("value", "low", "high")  # and, in the pooled table, the value of each run
MACHINE = ("processor", "system", "device", "torch")  # rows of tab08 by which kinds of machines are told apart
NEAR = 5  # Holm's p is near its level within this factor


def same_machine(made: Path, reference: Path) -> bool:
    """Whether two folders of figures come from one kind of machine, by their tab08.csv; yes where one has none."""
    files = [folder / "tab08.csv" for folder in (made, reference)]
    if not all(file.is_file() for file in files):
        return True
    tables = [pd.read_csv(file, dtype=str, index_col=0) for file in files]
    mine, theirs = (table.iloc[:, 0].reindex(MACHINE) for table in tables)
    return mine.equals(theirs)


def agree(
    made: pd.DataFrame, reference: pd.DataFrame, limit: Callable[[str], float], pooled: bool, same: bool
) -> tuple[str, str]:
    """('reproduced' or 'differs', what differs, and remarks) of two tables of claims.

    limit: the absolute tolerance of a column. pooled: whether they are of several runs. same: whether both come from
    one kind of machine.
    """
    if list(made.columns) != list(reference.columns) or not set(COLUMNS) <= set(reference):
        return compare(made, reference, limit)
    judged = ["verdict", "reason"]  # they follow from the numbers, and are compared below
    status, detail = compare(
        made.drop(columns=judged),
        reference.drop(columns=judged),
        lambda column: tolerance(made, reference, column, limit(column), pooled, same),
    )
    if list(made["id"]) != list(reference["id"]):
        return "differs", detail or "other claims"
    guard = tolerance(made, reference, "value", limit("value"), pooled, same)
    wrong, remarks = verdicts(made, reference, guard)
    wrong += signs(made, reference, guard)
    for where, table in (("here", made), ("published", reference)):
        wrong += [f"{where}: {text}" for text in inconsistent(table)]
    return "differs" if wrong else status, "; ".join(filter(None, [*wrong, detail, *remarks]))


def tolerance(
    made: pd.DataFrame, reference: pd.DataFrame, column: str, limit: float, pooled: bool, same: bool
) -> np.ndarray:
    """[rows] the absolute tolerance of a column of claims, see above. Of two effects the smaller one counts."""
    wide = np.full(len(reference), limit)
    if len(made) != len(reference) or (column in COLUMNS and column not in EFFECTS):
        return wide
    name = "value" if column in EFFECTS else column
    effect = np.fmin(*((table[name] - table["against"]).abs() for table in (made, reference)))
    guarded = reference["family"] == "primary"
    if not same:
        untrained, decided = ~reference["trained"].astype(bool), reference["verdict"] != OPEN
        guarded &= untrained | decided if pooled and column in EFFECTS else untrained
    return np.where(guarded, np.fmin(wide, effect / 3), wide)


def verdicts(made: pd.DataFrame, reference: pd.DataFrame, guard: np.ndarray) -> tuple[list[str], list[str]]:
    """(changes of verdicts that must not be, those that are only worth a remark)."""
    wrong, remarks = [], []
    for new, old, near in zip(made.itertuples(), reference.itertuples(), guard):
        if new.verdict == old.verdict:
            continue
        text = f"verdict of {old.id}: {new.verdict} instead of {old.verdict}"
        if old.family != "primary":
            remarks.append(f"{text} (exploratory)")
        elif OPEN not in (new.verdict, old.verdict) or clear(old, near):
            wrong.append(text)
        else:
            remarks.append(f"{text} (near the boundary)")
    return wrong, remarks


def clear(row: Any, near: float) -> bool:
    """Whether a claim's verdict cannot change when its interval moves by `near` and its p by the factor NEAR."""
    low, high = row.low - row.against, row.high - row.against
    if row.expected == "<":
        low, high = -high, -low
    if row.verdict == HOLDS:
        return low > near and row.p_holm < LEVEL / NEAR
    if row.verdict == FAILS:
        return -high > near and row.p_holm < LEVEL / NEAR
    if low > 0 or high < 0:  # undecided by its p alone
        return not LEVEL / NEAR < row.p_holm <= LEVEL * NEAR
    return not min(-low, high) <= near  # also where one group gives no interval


def signs(made: pd.DataFrame, reference: pd.DataFrame, guard: np.ndarray) -> list[str]:
    """Primary claims whose effect has turned round, where it is larger than the tolerance."""
    new, old = (table["value"] - table["against"] for table in (made, reference))
    turned = (reference["family"] == "primary") & (old.abs() > guard) & (np.sign(new) != np.sign(old))
    return [
        f"sign of {row.id}: {made['value'][row.Index]:+g} instead of {row.value:+g}"
        for row in reference[turned].itertuples()
    ]


def inconsistent(table: pd.DataFrame) -> list[str]:
    """Rows whose Holm p or verdict does not follow from the other numbers of the table."""
    primary = table["family"] == "primary"
    corrected = pd.Series(np.nan, table.index)
    if primary.any():
        corrected[primary] = holm(table.loc[primary, "p"].fillna(1))
    decided = [verdict(row.low, row.high, row.expected, row.against, own_p(row)) for row in table.itertuples()]
    # csv files hold six digits
    off = ~np.isclose(table["p_holm"].astype(float), corrected, rtol=1e-4, equal_nan=True)
    texts = [f"Holm p of {name} does not follow from the p values" for name in table.loc[off, "id"]]
    return texts + [
        f"verdict of {name} does not follow from its numbers" for name in table.loc[table["verdict"] != decided, "id"]
    ]
