"""Figures and tables by name. One decorated function adds one, here or in a notebook cell:

    @figure("fig20", "Confidence in right and wrong answers")
    def fig20(results):
        rows = results.home("zero_shot")
        ...
        return Drawn(drawing, data, f"What is shown. {results.facts(rows)}")

From then on `make_all` writes its files, the report shows it and `verify` compares it. The function reads through its
argument, a `Results`; so it is known which files the item depends on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from ..base.errors import UserError
from ..base.files import write_text
from ..base.registry import Registry
from .drawing import save_figure
from .results import Results
from .style import RC, RED
from .typeset import latex, markdown, write_csv


class Drawn(NamedTuple):
    """A figure, the tidy table that it shows (the csv, which `verify` compares) and its caption."""

    figure: Figure
    data: pd.DataFrame
    caption: str


class Table(NamedTuple):
    """Tidy numbers, shares from 0 to 1 (the csv, which `verify` compares); the same as printed text; and the caption.

    The printed view is in %, with the best label-free value in **bold**.
    """

    data: pd.DataFrame
    view: pd.DataFrame
    caption: str


@dataclass(frozen=True)
class FigureItem:
    """A registered figure: `item(results)` draws it in the package's style, also from the path of a results folder."""

    name: str
    title: str
    function: Callable[[Results], Drawn]

    def __call__(self, results: Results | str | Path) -> Drawn:
        results = Results.of(results)
        with mpl.rc_context(RC):
            drawing, data, caption = self.function(results)
            if results.toy:
                drawing.suptitle("toy size: numbers mean nothing", color=RED, fontsize=8, fontweight="bold")
        return Drawn(drawing, data.reset_index(drop=True), caption)

    def save(self, made: Drawn, stem: Path) -> list[Path]:
        """stem.png, stem.pdf and stem.csv (the data drawn)."""
        paths = save_figure(made.figure, stem)
        write_csv(made.data, stem.with_suffix(".csv"))
        return [*paths, stem.with_suffix(".csv")]


@dataclass(frozen=True)
class TableItem:
    """A registered table: `item(results)` computes it, also from the path of a results folder."""

    name: str
    title: str
    function: Callable[[Results], Table]

    def __call__(self, results: Results | str | Path) -> Table:
        return self.function(Results.of(results))

    def save(self, made: Table, stem: Path) -> list[Path]:
        """stem.csv (data), stem.md and stem.tex (view)."""
        return save_table(made, stem)


def save_table(made: Table, stem: Path) -> list[Path]:
    """stem.csv (data), stem.md and stem.tex (view)."""
    write_csv(made.data, stem.with_suffix(".csv"))
    write_text(stem.with_suffix(".md"), markdown(made.view, made.caption))
    write_text(stem.with_suffix(".tex"), latex(made.view, made.caption, stem.name))
    return [stem.with_suffix(kind) for kind in (".csv", ".md", ".tex")]


FIGURES: Registry[FigureItem] = Registry("figure")
TABLES: Registry[TableItem] = Registry("table")


def figure(name: str, title: str) -> Callable[[Callable[[Results], Drawn]], FigureItem]:
    """Registers the decorated function. Raises UserError for a name that does not begin with 'fig'."""
    checked(name, "fig")

    def add(function: Callable[[Results], Drawn]) -> FigureItem:
        FIGURES[name] = FigureItem(name, title, function)
        return FIGURES[name]

    return add


def table(name: str, title: str) -> Callable[[Callable[[Results], Table]], TableItem]:
    """Registers the decorated function. Raises UserError for a name that does not begin with 'tab'."""
    checked(name, "tab")

    def add(function: Callable[[Results], Table]) -> TableItem:
        TABLES[name] = TableItem(name, title, function)
        return TABLES[name]

    return add


def checked(name: str, start: str) -> None:
    """`verify` tells figures from tables by the start of their names."""
    if not (name.startswith(start) and name.isidentifier()):
        raise UserError(f'name "{name}": begin it with {start} and use letters, digits and _ only, such as {start}10')
