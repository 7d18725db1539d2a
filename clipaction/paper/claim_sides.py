"""Which saved rows a claim compares, and how they are called."""

from __future__ import annotations

from typing import NamedTuple

import pandas as pd

from ..base.errors import UserError
from ..masking.conditions import describe
from ..masking.plan import first_hiding
from .claim_list import BEST_RIVAL, Claim, ClaimList, Other, Role
from .looks import SCENE_LABELS
from .measures import MEASURES
from .results import Results
from .selections import noise_conditions

METHOD_WORDS = {"none": "no noise"}
CONDITION_WORDS = {"elsewhere": "the same mask elsewhere"}
OF_NOISE = {"square": "shape", "heldout": "heldout", "hidden": "hide"}  # roles that `noise_conditions` knows
WITHOUT_CONDITIONS = ("relevance", "instability")  # steps whose tables hold unmasked clips at home, and no more


class Side(NamedTuple):
    """What a claim compares: the rows of a method under some conditions in some scene."""

    method: str
    condition: tuple[Role, ...]
    scene: str


def sides_of(results: Results, claims: ClaimList, claim: Claim) -> tuple[Side, Side | None] | None:
    """The claim's own side, and the one that it is compared with (None: a boundary). None where the run has none of the
    rivals."""
    own = Side(claims.method(claim.method), claim.condition, claim.scene)
    if not isinstance(claim.against, Other):
        return own, None
    changed = claim.against.changed
    if "condition" in changed:
        changed["condition"] = (changed["condition"],)
    if "method" in changed:
        name = changed["method"]
        changed["method"] = best_rival(results, claims, claim, own) if name == BEST_RIVAL else claims.method(name)
    return None if None in changed.values() else (own, own._replace(**changed))


def best_rival(results: Results, claims: ClaimList, claim: Claim, own: Side) -> str | None:
    """The rival whose number is best on the very rows that the claim is about; None where the run has none."""
    measure, found = MEASURES[claim.measure], {}
    for name in claims.rivals:
        rows = rows_of(results, claim, own._replace(method=name))
        if name != own.method and len(rows):
            found[name] = measure.of(rows).mean()
    best = max if claim.side == ">" else min
    return best(found, key=lambda name: found[name]) if found else None


def rows_of(results: Results, claim: Claim, side: Side) -> pd.DataFrame:
    """The rows of one side; none where the run does not have them, or not what is measured. Under several conditions
    the column `at` tells them apart. Raises UserError for a method that is told the clip's own class."""
    rows = table_of(results, claim)
    if MEASURES[claim.measure].column not in rows:
        return rows.head(0)
    if "method" in rows:
        if results.method(side.method).uses_label:
            raise UserError(
                f"claim {claim.id}: {side.method} is told each clip's class; only others can support a claim"
            )
        rows = rows[rows["method"] == side.method]
    if side.scene != "all":
        rows = rows[rows["scene"] == side.scene] if "scene" in rows else rows.head(0)
    if claim.step not in WITHOUT_CONDITIONS:
        names = [name_of(results, role) for role in side.condition]
        rows = rows.head(0) if None in names else rows[rows["condition"].isin(names)]
        rows = rows.assign(at=rows["condition"]) if len(names) > 1 else rows
    return rows


def table_of(results: Results, claim: Claim) -> pd.DataFrame:
    """All rows of the claim's step and domain. Those of step calibrated have the NLL before it, too, as nll_raw."""
    if claim.step in WITHOUT_CONDITIONS:
        return results.table(f"{claim.step}.parquet")
    if claim.domain == "ward":
        rows = results.ward(claim.step)
        return pd.DataFrame(columns=["condition"]) if rows is None else rows
    rows = results.home(claim.step)
    if claim.step == "calibrated" and "nll" in (before := results.home("noise")):
        keys = ["clip", "method", "condition"]
        rows = rows.merge(before[[*keys, "nll"]].rename(columns={"nll": "nll_raw"}), on=keys)
    return rows


def name_of(results: Results, role: Role) -> str | None:
    """The condition that has a role in this run; None where none has."""
    if role == "none":
        return "none"
    if role in OF_NOISE:
        return noise_conditions(results.home("noise")).get(OF_NOISE[role])
    names = results.home("masking")["condition"].unique()
    boxed = first_hiding(names, "box", controlled=True)
    if boxed is None:
        return None
    isolated = boxed.replace("hide:", "keep:").replace(":box", ":silhouette")
    name = {"boxed": boxed, "elsewhere": f"control:{boxed}", "isolated": isolated}[role]
    return name if name in names else None


def in_words(results: Results, claim: Claim, own: Side, other: Side | None) -> str:
    """What is measured: 'accuracy, unmasked: gated noise minus no noise'."""
    varied = list(claim.against.changed) if isinstance(claim.against, Other) else []
    text = MEASURES[claim.measure].words
    if "method" not in varied and claim.step != "instability":
        text += f" of {method_words(results, own.method)}"
    context = []
    if "condition" not in varied and claim.step not in WITHOUT_CONDITIONS:
        context.append(condition_words(results, own.condition))
    if "scene" not in varied and own.scene != "all":
        context.append(SCENE_LABELS[own.scene])
    context += ["in the ward"] if claim.domain == "ward" else []
    text = ", ".join([text, *context])
    if other is None:
        return text
    words = {
        "method": lambda side: method_words(results, side.method),
        "condition": lambda side: condition_words(results, side.condition),
        "scene": lambda side: SCENE_LABELS[side.scene],
    }[varied[0]]
    chosen = "the best rival here, " if isinstance(claim.against, Other) and claim.against.method == BEST_RIVAL else ""
    return f"{text}: {words(own)} minus {chosen}{words(other)}"


def method_words(results: Results, name: str) -> str:
    look = results.method(name)
    special = f", {look.section}" if look.section.startswith("trained") else ""  # others have a label of their own
    return METHOD_WORDS.get(name) or look.label + special


def condition_words(results: Results, roles: tuple[Role, ...]) -> str:
    return " and ".join(CONDITION_WORDS.get(role) or describe(str(name_of(results, role))) for role in roles)


def boundary(results: Results, claim: Claim) -> float:
    """Where the claim's boundary lies: 0 for a difference."""
    if claim.against == "chance":
        return 1 / len(results.classes if claim.domain == "home" else results.run["classes"])
    return 0.0 if isinstance(claim.against, Other) else float(claim.against)
