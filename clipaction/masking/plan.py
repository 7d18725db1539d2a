"""All conditions that a profile asks for."""

from __future__ import annotations

from collections.abc import Iterable

from . import regions
from .conditions import parse

SQUARE = "shape:square:30:centre:still"  # the masked condition of notebooks 04 and 05
HELDOUT = "shape:blob:30:centre:still"  # a mask shape that no training view had


def plan(profile) -> list[str]:
    """The names of all conditions of a profile's `masking` and `regions` sections, each region condition with its
    controls.

    A source is asked only for parts that it can give, a plate only of truth. Isolating the background is left out
    where actor+prop is hidden: it is the same picture. Text alone is no picture. Only actor+prop is isolated by its
    box, too. Last come the profile's own conditions (`masking.also`)."""
    names = ["none", *shape_names(profile.masking)]
    for source in profile.regions.sources:
        names += region_names(profile.regions, source)
    names += filled_names(names, profile.regions.fills)
    return list(dict.fromkeys([*names, *profile.masking.also]))


def shape_names(masking) -> list[str]:
    names = []
    for shape in masking.shapes:
        for place in masking.placements:
            for motion in masking.motions:
                names += [f"shape:{shape}:{percent:g}:{place}:{motion}" for percent in masking.percents]
    return names


def region_names(wanted, source: str) -> list[str]:
    """The conditions of one region source, each followed by its controls."""
    names = []
    at = "" if source in ("truth", "relevance") else f"@{source}"
    for part in [part for part in wanted.parts if regions.gives(source, part)]:
        for kind in ("hide", "keep"):
            if kind == "keep" and (part == "text" or (part == "background" and "actor+prop" in wanted.parts)):
                continue
            for grain in wanted.grains:
                name = f"{kind}:{part}:{grain}{at}"
                if kind == "keep" and grain == "box" and "silhouette" in wanted.grains and part != "actor+prop":
                    continue
                if grain == "silhouette" or (grain == "box" and source != "relevance"):  # scattered pixels have no box
                    names += [name, *(f"{control}:{name}" for control in wanted.controls)]
                elif grain == "plate" and kind == "hide" and source == "truth" and part != "background":
                    names.append(name)
    return names


def filled_names(names: list[str], fills) -> list[str]:
    """Other fills of the 30 % square and of the first box of actor and prop: is it the missing thing, or the black
    edge?"""
    boxed = [name for name in names if name.startswith("hide:actor+prop:box")]
    filled = []
    for name in (SQUARE, *boxed[:1]):
        filled += [f"{each}/{fill}" for each in (name, f"control:{name}") if each in names for fill in fills]
    return filled


def hidden_condition(profile, plates: bool) -> str:
    """How actor and prop are taken away: by the clean plate where there is one, else by the box of the first region
    source of the profile that finds them (or the actor alone); by motion, which needs no weights, where none of its
    sources does."""
    if plates:
        return "hide:actor+prop:plate"
    for part in ("actor+prop", "actor"):
        for source in profile.regions.sources:
            if regions.gives(source, part):
                return f"hide:{part}:box" + ("" if source == "truth" else f"@{source}")
    return "hide:actor+prop:box@motion"


def first_hiding(names: Iterable[str], grain: str, controlled: bool = False) -> str | None:
    """The first of these conditions that hides actor and prop (else the actor alone) in this grain, if any.

    controlled: only one whose equal-area control is among the names, too.
    """
    names = list(names)
    for part in ("actor+prop", "actor"):
        for c in map(parse, names):
            wanted = (c.kind, c.part, c.grain, c.control, c.fill) == ("hide", part, grain, "", "")
            if wanted and (not controlled or f"control:{c.name}" in names):
                return c.name
    return None
