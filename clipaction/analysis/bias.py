"""What each class leans on, from the masking predictions alone."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..evaluate.predictions import accuracy, correct
from ..masking.plan import first_hiding


def majority(values: np.ndarray) -> int:
    """The most frequent value; the smallest of equals."""
    return int(np.bincount(values).argmax())


def bias(masking: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """A row a class and one for 'all': cls, n_clips, acc (unmasked), background, actor, flips, sure_wrong,
    sure_blind, into, into_share.

    background: accuracy with actor and prop gone (by the clean plate where there is one, else by a box), which the
    place alone earns. actor: accuracy that hiding them costs beyond the same boxes elsewhere (NaN where a profile has
    no such control). flips: share of answers that change when they are gone. sure_wrong: mean confidence of wrong
    answers, unmasked. sure_blind: mean confidence when they are gone. into, into_share: the commonest answer then,
    and its share. No rows where no region source hides actor and prop."""
    clips = masking[masking["level"] == "clip"]
    names = clips["condition"].unique()
    boxed = first_hiding(names, "box")
    gone = first_hiding(names, "plate") or boxed
    if gone is None or "none" not in names:
        return pd.DataFrame(columns=["cls"])
    conditions = ("none", gone, boxed, f"control:{boxed}")
    sides = [clips[clips["condition"] == name].sort_values("clip") for name in conditions]
    shared = set.intersection(*(set(side["clip"]) for side in sides if len(side)))  # clips may be left out of some
    sides = [side[side["clip"].isin(shared)] for side in sides]
    if not shared:
        return pd.DataFrame(columns=["cls"])
    records = []
    for cls in [*sides[0]["cls"].unique(), "all"]:
        seen, blind, box, control = (rows if cls == "all" else rows[rows["cls"] == cls] for rows in sides)
        into = majority(blind["pred"].to_numpy())
        records.append(
            {
                "cls": cls,
                "n_clips": len(seen),
                "acc": accuracy(seen),
                "background": accuracy(blind),
                "actor": accuracy(control) - accuracy(box) if len(control) else np.nan,
                "flips": float((seen["pred"].to_numpy() != blind["pred"].to_numpy()).mean()),
                "sure_wrong": float(seen["p_pred"][~correct(seen)].mean()),
                "sure_blind": float(blind["p_pred"].mean()),
                "into": classes[into],
                "into_share": float((blind["pred"] == into).mean()),
            }
        )
    return pd.DataFrame(records)


def falls(masking: pd.DataFrame, classes: Sequence[str]) -> pd.DataFrame:
    """Which class is mistaken for which other one, under which mask: condition, cls, into, clips, of (clips right
    when whole), share; the largest share first.

    Only clips that are right when whole and wrong under the mask count; controls and other fills are left out.
    """
    rows = masking[(masking["level"] == "clip") & ~masking["condition"].str.contains("control:|cells:|/")]
    whole = rows[rows["condition"] == "none"]
    right = whole.loc[correct(whole), ["clip", "cls"]]
    mistaken = rows[rows["clip"].isin(right["clip"]) & ~correct(rows)]
    table = mistaken.groupby(["condition", "cls", "pred"], observed=True).size().rename("clips").reset_index()
    table["into"] = [classes[k] for k in table["pred"]]
    of = rows[rows["clip"].isin(right["clip"])].groupby(["condition", "cls"], observed=True).size().rename("of")
    table = table.merge(of.reset_index(), on=["condition", "cls"])
    table["share"] = table["clips"] / table["of"]
    order = ["share", "clips", "condition", "cls"]
    table = table.sort_values(order, ascending=[False, False, True, True], kind="stable")
    return table[["condition", "cls", "into", "clips", "of", "share"]].reset_index(drop=True)


def flips(masking: pd.DataFrame) -> pd.DataFrame:
    """Clips that are right when whole and right with the same mask elsewhere, but wrong with one thing hidden; one a
    class, the most confident mistakes first."""
    clips = masking[masking["level"] == "clip"]
    sides = {name: rows.set_index("clip") for name, rows in clips.groupby("condition")}

    def right(rows: pd.DataFrame) -> pd.Series:
        return rows["pred"] == rows["label"]

    found = []
    for name, rows in sides.items():
        one_thing = name.startswith("hide:") and "background" not in name and "/" not in name
        if one_thing and f"control:{name}" in sides:
            whole, control = (right(sides[other])[rows.index] for other in ("none", f"control:{name}"))
            flipped = whole & control & ~right(rows)
            found.append(rows[flipped].reset_index())
    table = pd.concat(found, ignore_index=True) if found else masking.head(0)
    table = table.sort_values(["p_pred", "clip"], ascending=[False, True], kind="stable")
    table = table.drop_duplicates("clip").drop_duplicates("cls")
    return table[["clip", "cls", "condition", "pred", "p_pred", "p_true"]].reset_index(drop=True)
