"""Runs the paper's notebooks in order; one that is finished and unchanged (records.py) is reused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..base.errors import INTERRUPTED, UserError
from ..base.paths import ROOT, results_dir
from ..profiles import load_profile
from . import records
from .live import Live
from .notebook import execute, title
from .pages import save_page


def run(
    profile: str,
    overrides: dict | None = None,
    *,
    start: str | None = None,
    only: str | None = None,
    fresh: bool = False,
    folder: Path = ROOT / "notebooks",
    announce: Callable[[Any, list[str], float | None], None] | None = None,
    ahead: Callable[[str, dict, str], None] | None = None,
) -> bool:
    """Runs the numbered notebooks of `folder`: all, those from number `start` on, or `only` one.

    fresh: forget what these notebooks finished before. announce: called once, before the first notebook that is not
    finished, with the profile, the numbers of this and all later ones, and its `records.began_at`. ahead: called before
    each notebook that is run, with profile, overrides and its number (`cluster.workers`). Returns whether the last
    notebook was among them, that is, whether figures and tables are up to date. Raises UserError, NotebookError,
    KeyboardInterrupt.
    """
    settings = load_profile(profile, overrides)
    if settings.extensions:  # as absolute paths: a notebook runs in its own folder
        overrides = {**(overrides or {}), "extensions": list(settings.extensions)}
    records.check_folder(settings)
    books = numbered(folder)
    chosen = select(books, start, only)
    if fresh:
        records.forget(settings, chosen, everything=chosen == books)
    for book in chosen:
        key = records.key(settings, book, earlier=books[: books.index(book)])
        if records.is_current(settings, book, key):
            print(f"{title(book)}  unchanged, reused", flush=True)
            continue
        if announce:
            later = [each.name[:2] for each in chosen[chosen.index(book) :]]
            announce(settings, later, records.began_at(settings, book, key))
            announce = None
        if INTERRUPTED.is_set():
            raise KeyboardInterrupt
        records.begin(settings, book, key)
        if ahead:
            ahead(profile, overrides or {}, book.name[:2])
        output = results_dir(settings) / "notebooks" / book.name
        with Live(title(book)) as live:
            execute(book, output, {"profile": profile, "overrides": overrides or {}}, live)
            save_page(output)
        records.finish(settings, book, live.seconds)
    return chosen[-1] == books[-1]


def numbered(folder: Path) -> list[Path]:
    """The notebooks of a run, in order."""
    return sorted(folder.glob("[0-9][0-9]_*.ipynb"))


def unfinished(
    profile: str,
    overrides: dict | None = None,
    *,
    start: str | None = None,
    only: str | None = None,
    fresh: bool = False,
    folder: Path = ROOT / "notebooks",
) -> tuple[list[str], float | None]:
    """The numbers of the notebooks that such a `run` would not reuse: from the first of these on, all count; and when
    that first one began, if it was interrupted (`records.began_at`). fresh: prints what it would delete."""
    settings, books = load_profile(profile, overrides), numbered(folder)
    chosen = select(books, start, only)
    if fresh:
        print(records.listed(settings, records.made(settings, chosen, everything=chosen == books)))
        return [book.name[:2] for book in chosen], None
    for book in chosen:
        key = records.key(settings, book, earlier=books[: books.index(book)])
        if not records.is_current(settings, book, key):
            return [each.name[:2] for each in chosen[chosen.index(book) :]], records.began_at(settings, book, key)
    return [], None


def select(books: list[Path], start: str | None, only: str | None) -> list[Path]:
    """The notebooks to run, of all: `only` that number, or all from number `start` on. Raises UserError for an unknown
    number."""
    if not books:
        raise UserError("no notebooks found; run from a complete checkout of the repository")
    numbers = [book.name[:2] for book in books]
    for number in (start, only):
        if number is not None and number.zfill(2) not in numbers:
            raise UserError(f'no notebook "{number}"; the notebooks are {", ".join(numbers)}')
    if only is not None:
        return [books[numbers.index(only.zfill(2))]]
    return books if start is None else books[numbers.index(start.zfill(2)) :]
