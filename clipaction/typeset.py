"""Numbers as text, and text as Markdown, LaTeX and CSV: how every table is printed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

NOTHING = "–"


def pct(value: float, low: float = np.nan, high: float = np.nan, sign: str = "") -> str:
    """0.714, 0.66, 0.76 -> '71.4 [66.0, 76.0]'; with sign '+' a difference in points: '+3.2 [−0.4, 6.1]'."""
    if pd.isna(value):
        return NOTHING
    text = f"{100 * value:{sign}.1f}" + ("" if pd.isna(low) else f" [{100 * low:.1f}, {100 * high:.1f}]")
    return text.replace("-", "−")


def points(value: float, low: float = np.nan, high: float = np.nan) -> str:
    return pct(value, low, high, "+")


def pvalue(p: float) -> str:
    return NOTHING if pd.isna(p) else "<0.001" if p < 0.001 else f"{p:.3f}"


def ratio(fixed: float, broken: float) -> str:
    return NOTHING if pd.isna(fixed) else f"{fixed:.0f} : {broken:.0f}"


def count(n: float) -> str:
    return NOTHING if pd.isna(n) else f"{n:.0f}"


def column(data: pd.DataFrame, write: Callable[..., str], *names: str) -> list[str]:
    """`write` applied to the named columns of each row."""
    return [write(*values) for values in data[list(names)].itertuples(index=False)]


def bold_best(cells: list[str], values, eligible, lowest: bool = False) -> list[str]:
    """The cells, those with the best value among the eligible rows in **bold** (all the best when tied; none when there is no choice)."""
    values, eligible = np.asarray(values, float), np.asarray(eligible, bool) & ~np.isnan(np.asarray(values, float))
    if eligible.sum() < 2 or np.ptp(values[eligible]) < 1e-9:
        return list(cells)
    best = values[eligible].min() if lowest else values[eligible].max()
    return [f"**{cell}**" if ok and np.isclose(value, best) else cell for cell, value, ok in zip(cells, values, eligible)]


def markdown(view: pd.DataFrame, caption: str) -> str:
    rows = [list(view.columns), ["---:" if number else "---" for number in is_number(view)], *view.to_numpy().tolist()]
    return f"{caption}\n\n" + "\n".join("| " + " | ".join(str(cell).replace("|", "\\|") for cell in row) + " |" for row in rows) + "\n"


def is_number(view: pd.DataFrame) -> list[bool]:
    """Of each column: does it hold numbers, to be aligned to the right?"""
    return [bool(view[name].astype(str).str.contains(r"^[*+−<]*\d", regex=True).any()) for name in view.columns]


def latex(view: pd.DataFrame, caption: str, label: str) -> str:
    """A booktabs table (needs \\usepackage{booktabs,graphicx}), as wide as the text."""
    def cell(text: str) -> str:
        strong, text = text.startswith("**"), str(text).strip("*")
        for old, new in {"\\": "/", "&": "\\&", "%": "\\%", "_": "\\_", "#": "\\#", "−": "$-$", "–": "--", "<": "$<$", ">": "$>$"}.items():
            text = text.replace(old, new)
        return f"\\textbf{{{text}}}" if strong else text

    kinds = "".join("r" if number else "l" for number in is_number(view))
    lines = [" & ".join(cell(str(value)) for value in row) + r" \\" for row in [view.columns, *view.to_numpy()]]
    body = "\n".join(["\\toprule", lines[0], "\\midrule", *lines[1:], "\\bottomrule"])
    return (f"\\begin{{table}}\n\\centering\n\\caption{{{cell(caption)}}}\n\\label{{{label}}}\n\\resizebox{{\\textwidth}}{{!}}{{%\n"
            f"\\begin{{tabular}}{{{kinds}}}\n{body}\n\\end{{tabular}}}}\n\\end{{table}}\n")


def write_csv(data: pd.DataFrame, path: Path) -> None:
    aside = path.with_suffix(".tmp")
    data.to_csv(aside, index=False, float_format="%.6g", lineterminator="\n")
    os.replace(aside, path)


def write_text(text: str, path: Path) -> None:
    aside = path.with_suffix(".tmp")
    aside.write_text(text, encoding="utf-8")
    os.replace(aside, path)
