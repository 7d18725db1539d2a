"""The findings in the README: a block written from the published claims, so that no number in it is typed.

python -m clipaction.paper.findings            prints the block
python -m clipaction.paper.findings --write    puts it into README.md, between its two marks
"""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..base.errors import UserError
from ..base.files import write_text
from ..base.paths import ROOT, reference_dir
from .claims import COLUMNS, FAILS, HOLDS, OPEN, answer, equal, printed

README = ROOT / "README.md"
BEGIN = "<!-- findings: written by python -m clipaction.paper.findings --write, not by hand -->"
END = "<!-- end of findings -->"
GROUPS = {HOLDS: "Holds", OPEN: "Undecided", FAILS: "Does not hold"}


def block(folder: Path) -> str:
    """The findings of a folder of published figures, as Markdown between the two marks.

    Taken from pooled.csv where there is one, else from claims.csv. Raises UserError where there is neither.
    """
    table, pooled = published(folder)
    runs = [name for name in table.columns if name not in COLUMNS]
    primary = table["family"] == "primary"
    said = (table["said_by"] == "paper") & ~primary
    largest = table.loc[table["n_clips"].idxmax()]
    file = f"figures/reference/{folder.name}/{'pooled' if pooled else 'claims'}.csv"
    paragraphs = [
        f"From {f'{len(runs)} whole runs taken together' if pooled else 'one run'}: {largest.n_clips:,} test clips in "
        f"{largest.n_groups} groups. Numbers stand with 95 % intervals over groups; p is two-sided, by groups, and "
        f"corrected after Holm within the primary claims ({primary.sum()}). {fixed_on(runs)} `{file}` has them all, "
        "with the reason of each verdict.",
        answer(table),
        *without_masks(table, runs),
        *grouped(table[primary], "Primary claims", runs),
        *grouped(table[said], "What else the abstract says (exploratory, uncorrected)", runs),
        others(table[~primary & ~said]),
    ]
    return "\n".join([BEGIN, "", *paragraphs_in_lines(paragraphs), END])


def fixed_on(runs: Sequence[str]) -> str:
    """What the claims were fixed on, and whether these runs are free of it."""
    developed = "noise and claims were developed on the clips of seeds 0 to 2"
    seeds = {name.partition("-seed")[2] or "0" for name in runs} or {"0"}
    first = "The list of claims (`clipaction/paper/claims.yaml`) was fixed before"
    if seeds & {"0", "1", "2"}:
        return f"{first} this run, but not blindly: {developed}."
    return f"{first} these runs were looked at: {developed}; these are of seeds {', '.join(sorted(seeds, key=int))}."


def published(folder: Path) -> tuple[pd.DataFrame, bool]:
    """(claims, whether they are of several runs)."""
    for name in ("pooled", "claims"):
        if (path := folder / f"{name}.csv").is_file():
            table = pd.read_csv(path)
            if missing := set(COLUMNS) - set(table):
                raise UserError(f"{path}: no column {min(missing)}; run all again and publish the result")
            return table, name == "pooled"
    raise UserError(f"{folder}: no published claims; ./run_all.sh makes them")


def without_masks(table: pd.DataFrame, runs: list[str]) -> Iterator[str]:
    """What is left of the headline where training knows no exact masks."""
    found = table[table["id"] == "headline-real"]
    for row, alone in zip(found.itertuples(), found[runs].to_numpy()):
        known = "In training the demo knows the exact place of actor and prop; real videos do not."
        yield f"{known} A noise that is trained without it ({row.verdict}): {sentence(row, alone)}"


def grouped(table: pd.DataFrame, title: str, runs: list[str]) -> Iterator[str]:
    """A heading and a list for each verdict that occurs."""
    for verdict, word in GROUPS.items():
        rows = table[table["verdict"] == verdict]
        if len(rows):
            yield f"**{title}: {word[0].lower() + word[1:]}**"
            alone = rows[runs].to_numpy()
            yield from (f"- {sentence(row, values)}" for row, values in zip(rows.itertuples(), alone))


def others(table: pd.DataFrame) -> str:
    """'30 further claims are ours, exploratory and uncorrected (holds: 12, undecided: 10, does not hold: 8).'"""
    n = table["verdict"].value_counts().reindex(list(GROUPS), fill_value=0)
    counts = ", ".join(f"{word.lower()}: {n[verdict]}" for verdict, word in GROUPS.items())
    return f"{len(table)} further claims are ours, exploratory and uncorrected ({counts})."


def sentence(row: Any, alone: Sequence[float]) -> str:
    """'Noise raises accuracy: +9.1 points [4.0, 14.2] (accuracy, unmasked: ...; Holm p = 0.01).'; alone: the values of
    single runs."""
    value, interval, unit = printed(row)
    number = f"{value} {unit}".strip() + f" [{interval.replace(' to ', ', ')}]"
    facts = [row.number]
    if row.unit == "%":
        facts.append(f"against {printed(row._replace(value=row.against))[0]} %")
    if row.family == "primary":
        facts.append(f"Holm {equal(row.p_holm)}")
    if len(alone):
        facts.append("single runs " + " / ".join(printed(row._replace(value=value))[0] for value in alone))
    return f"{row.claim}: {number} ({'; '.join(facts)})."


def paragraphs_in_lines(paragraphs: list[str]) -> Iterator[str]:
    """Wrapped at 118 characters; an empty line after each, but none inside a list."""
    for text, after in zip(paragraphs, [*paragraphs[1:], ""]):
        indent = "  " if text.startswith("- ") else ""
        yield from textwrap.wrap(text, 118, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
        if not (text.startswith("- ") and after.startswith("- ")):
            yield ""


def with_block(text: str, findings: str) -> str:
    """A README with its block replaced. Raises UserError where it has not the two marks."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise UserError(f"{README.name}: the marks of the findings are gone; put these two lines back: {BEGIN} {END}")
    return before + findings + after


def main(arguments: list[str]) -> None:
    found = block(reference_dir("demo"))
    if "--write" in arguments:
        write_text(README, with_block(README.read_text(), found))
    else:
        print(found)


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except UserError as error:
        sys.exit(f"clipaction: {error}")
