"""Which rows of the results an item uses, and in which order."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import pandas as pd

from ..evaluate.methods import Method
from ..masking.conditions import parse
from .looks import SCENES
from .results import Results

SECTIONS = (  # of tables and figures that hold every method, in this order; those that are told the label come last
    "noise",
    "noise + probe",
    "rivals",
    "views and prompts",
    "controls",
    "trained as on real videos",
)
TOLD, BASELINE = "told the label", "none"


def order(table: pd.DataFrame, **lists: Iterable) -> pd.DataFrame:
    """Sorted by the given columns, each in the order of its list; other values come last, as the table has them."""

    def rank(values: pd.Series) -> pd.Series:
        known = list(lists[str(values.name)])
        return values.map(lambda value: known.index(value) if value in known else len(known))

    return table.sort_values(list(lists), key=rank, kind="stable").reset_index(drop=True)


def section_of(method: Method) -> str:
    """Where a method stands: its own section, else by its kind ('rivals'); 'told the label' where it uses the clip's
    label."""
    return TOLD if method.uses_label else method.section or f"{method.kind}s".replace("unknowns", "other methods")


def by_section(results: Results, names: Iterable[str]) -> dict[str, list[str]]:
    """Methods by section, in the order in which tables list them. No noise stands first, in the section ''."""
    found: dict[str, list[str]] = {}
    for name in results.in_order(names):
        section = "" if name == BASELINE else section_of(results.method(name))
        found.setdefault(section, []).append(name)
    known = ["", *SECTIONS]
    last = len(known) + len(found)
    rank = {name: last if name == TOLD else known.index(name) if name in known else len(known) for name in found}
    return {name: found[name] for name in sorted(found, key=lambda name: rank[name])}


def rows_for(table: pd.DataFrame, column: str, values: Iterable, **where: Any) -> pd.DataFrame:
    """The rows that match `where`, one for each value of `column`, which becomes the index; NaN where there is none."""
    for name, value in where.items():
        table = table[table[name] == value]
    return table.set_index(column).reindex(values)


def scopes(results: Results, home: pd.DataFrame, ward: pd.DataFrame | None) -> list[tuple[str, str, pd.DataFrame]]:
    """(domain, part, rows): home, whole and by scene; the ward, whole, its shared classes and those of its own."""
    parts = [(results.place, "all", home)]
    scenes = [scene for scene in SCENES if scene in set(home["scene"])]
    parts += [(results.place, scene, home[home["scene"] == scene]) for scene in scenes if len(scenes) > 1]
    if ward is not None:
        shared = ward["cls"].isin(results.classes)
        parts.append(("ward", "all", ward))
        if 0 < shared.sum() < len(ward):
            parts += [("ward", "shared classes", ward[shared]), ("ward", "own classes", ward[~shared])]
    return parts


def shape_names(masking: pd.DataFrame) -> pd.DataFrame:
    """One row a shape condition in black: condition, shape, percent, placement, motion."""
    named = [parse(name) for name in masking["condition"].unique() if name.startswith("shape:")]
    fields = ("shape", "percent", "placement", "motion")
    rows = [{"condition": c.name, **{field: getattr(c, field) for field in fields}} for c in named if not c.fill]
    return pd.DataFrame(rows, columns=["condition", *fields])


def noise_conditions(predictions: pd.DataFrame) -> dict[str, str]:
    """{'none': 'none', 'shape': the masked condition, 'heldout': another shape, which no training view had, 'hide': the
    one without actor and prop}, where there are any. The first shape in the rows is 'shape', the second 'heldout'."""
    names = list(predictions["condition"].unique())
    shapes, hidden = ([name for name in names if name.startswith(kind)] for kind in ("shape:", "hide:"))
    found = dict(zip(("shape", "heldout"), shapes)) | dict(zip(("hide",), hidden))
    return {"none": "none"} | found if "none" in names else found


def control_of(condition: str, kind: str, names: set[str]) -> str | None:
    """The equal-area control of a region condition ('control' or 'cells'), or None.

    A clean plate, which blackens nothing, has its silhouette's.
    """
    candidates = (f"{kind}:{condition}", f"{kind}:{condition.replace(':plate', ':silhouette')}")
    return next((name for name in candidates if name in names), None)
