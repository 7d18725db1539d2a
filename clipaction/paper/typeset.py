"""Numbers as text; tables as Markdown, LaTeX and CSV."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from ..base.files import replacing

NOTHING = "–"


def pct(value: float, low: float = np.nan, high: float = np.nan, sign: str = "") -> str:
    """0.714, 0.66, 0.76 -> '71.4 [66.0, 76.0]'; with sign '+' a difference in points: '+3.2 [−0.4, 6.1]'."""
    if pd.isna(value):
        return NOTHING
    text = f"{100 * value:{sign}.1f}" + ("" if pd.isna(low) else f" [{100 * low:.1f}, {100 * high:.1f}]")
    return text.replace("-", "−")


def points(value: float, low: float = np.nan, high: float = np.nan) -> str:
    """A difference of shares, in points with its sign: 0.032 -> '+3.2'."""
    return pct(value, low, high, "+")


def pvalue(p: float) -> str:
    """0.0312 -> '0.031', 1e-9 -> '<0.001'."""
    return NOTHING if pd.isna(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def nats(value: float, low: float = np.nan, high: float = np.nan) -> str:
    """A log-likelihood or an entropy: 1.034, 0.9, 1.21 -> '1.03 [0.90, 1.21]'."""
    return NOTHING if pd.isna(value) else f"{value:.2f}" + ("" if pd.isna(low) else f" [{low:.2f}, {high:.2f}]")


def ratio(fixed: float, broken: float) -> str:
    """3, 1 -> '3 : 1'."""
    return NOTHING if pd.isna(fixed) else f"{fixed:.0f} : {broken:.0f}"


def count(n: float) -> str:
    """A whole number; a dash where there is none."""
    return NOTHING if pd.isna(n) else f"{n:.0f}"


def column(data: pd.DataFrame, write: Callable[..., str], *names: str) -> list[str]:
    """`write` applied to the named columns of each row."""
    return [write(*values) for values in data[list(names)].itertuples(index=False)]


def bold_best(cells: list[str], values, eligible, lowest: bool = False) -> list[str]:
    """The cells, with the best value among the eligible rows in **bold**: several where they tie, none where all do."""
    values = np.asarray(values, float)
    eligible = np.asarray(eligible, bool) & ~np.isnan(values)
    if eligible.sum() < 2 or np.ptp(values[eligible]) < 1e-9:
        return list(cells)
    best = values[eligible].min() if lowest else values[eligible].max()
    return [
        f"**{cell}**" if ok and np.isclose(value, best) else cell for cell, value, ok in zip(cells, values, eligible)
    ]


def sectioned(view: pd.DataFrame, sections: list[str]) -> pd.DataFrame:
    """The view with a row before each section that holds its name in **bold**; sections [rows], '' for none."""
    rows, at = [], ""
    for section, row in zip(sections, view.to_numpy().tolist(), strict=True):
        if section != at:
            rows.append([f"**{section}**", *[""] * (len(view.columns) - 1)])
        rows.append(row)
        at = section
    return pd.DataFrame(rows, columns=view.columns)


def markdown(view: pd.DataFrame, caption: str) -> str:
    """The caption and a table; numbers to the right."""
    rows = [list(view.columns), ["---:" if number else "---" for number in is_number(view)], *view.to_numpy().tolist()]
    return (
        f"{caption}\n\n"
        + "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows)
        + "\n"
    )


def is_number(view: pd.DataFrame) -> list[bool]:
    """Of each column: whether it holds numbers, which are aligned to the right."""
    return [bool(view[name].astype(str).str.contains(r"^[*+−<]*\d", regex=True).any()) for name in view.columns]


def latex(view: pd.DataFrame, caption: str, label: str) -> str:
    """A booktabs table (needs \\usepackage{booktabs,graphicx}), as wide as the text."""
    kinds = "".join("r" if number else "l" for number in is_number(view))
    lines = [" & ".join(latex_cell(str(value)) for value in row) + r" \\" for row in [view.columns, *view.to_numpy()]]
    body = "\n".join(["\\toprule", lines[0], "\\midrule", *lines[1:], "\\bottomrule"])
    return (
        f"\\begin{{table}}\n\\centering\n\\caption{{{latex_cell(caption)}}}\n\\label{{{label}}}\n"
        "\\resizebox{\\textwidth}{!}{%\n"
        f"\\begin{{tabular}}{{{kinds}}}\n{body}\n\\end{{tabular}}}}\n\\end{{table}}\n"
    )


LATEX: dict[str, str | int | None] = {"\\": "/", "−": "$-$", "–": "--", "<": "$<$", ">": "$>$"}
LATEX |= {"~": "\\textasciitilde{}", "^": "\\textasciicircum{}"}
LATEX |= {character: f"\\{character}" for character in "&%_#${}"}


def latex_cell(text: str) -> str:
    """Text with LaTeX's special characters written out; **bold** becomes textbf."""
    strong, text = text.startswith("**"), text.strip("*")
    text = text.translate(str.maketrans(LATEX))
    return f"\\textbf{{{text}}}" if strong else text


def write_csv(data: pd.DataFrame, path: Path) -> None:
    """Six significant digits, Unix line ends: the same numbers give the same bytes on every machine."""
    with replacing(path) as temporary:
        data.to_csv(temporary, index=False, float_format="%.6g", lineterminator="\n")
