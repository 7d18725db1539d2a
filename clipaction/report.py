"""All figures, all tables and one HTML page that holds them: from results/<profile>/ to figures/<profile>/, as notebook 06 asks."""

from __future__ import annotations

import base64
import os
import re
from pathlib import Path

from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape
from tqdm.auto import tqdm

from . import claims, figures, tables
from .paths import figures_dir, results_dir
from .results import Results
from .typeset import is_number, write_csv, write_text


def make_all(profile) -> list[Path]:
    """Makes fig01-09, tab01-08, claims.csv and report/index.html of a profile (or its name); returns the files in that order.

    Raises UserError where a result is missing, naming the notebook that makes it.
    """
    results, folder, made, pages = Results(results_dir(profile)), figures_dir(profile), [], {}
    works = [(name, make, figures.save) for name, make in figures.FIGURES.items()]
    works += [(name, make, tables.save) for name, make in tables.TABLES.items()]
    for name, make, save in (bar := tqdm(works, desc="figures and tables", unit="item")):
        bar.set_postfix_str(name)
        item = make(results)
        files = save(item, folder / name)
        pages[name] = {"name": name, "title": title(make), "item": item, "files": files}
        made += files
    for old in folder.glob("pooled.*"):  # of several runs, of which this one was made anew
        old.unlink()
    verdicts = claims.claims(results)
    write_csv(verdicts, folder / "claims.csv")
    return [*made, folder / "claims.csv", write_report(results, pages, verdicts, folder / "report" / "index.html")]


def pool(profiles) -> None:
    """Several finished runs taken together: pooled.csv, .md and .tex in the figures of the first, and the table on screen."""
    table, folder = tables.pooled([Results(results_dir(profile)) for profile in profiles]), figures_dir(profiles[0])
    tables.save(table, folder / "pooled")
    print(f"{table.view.drop(columns=['claim', 'groups']).to_string(index=False)}\n{table.caption}\n({folder / 'pooled.csv'})\n")


def title(make) -> str:
    return make.__doc__.splitlines()[0].rstrip(".")


def write_report(results: Results, pages: dict, verdicts, path: Path) -> Path:
    """The page at `path`, images inside; it links to files beside it and to the executed notebooks, and to no other host."""
    path.parent.mkdir(parents=True, exist_ok=True)
    environment = Environment(loader=PackageLoader("clipaction"), autoescape=True, trim_blocks=True, lstrip_blocks=True)
    environment.filters |= {"cell": cell, "embed": embed, "link": lambda file: os.path.relpath(file, path.parent)}
    html = environment.get_template("report.html").render(
        run=results.run, classes=results.classes, toy=results.toy, facts=results.facts(results.home("zero_shot")), is_number=is_number,
        claims=[{**row._asdict(), **dict(zip(("shown", "range", "unit"), claims.printed(row)))} for row in verdicts.itertuples()],
        figures=[pages[name] for name in figures.FIGURES], tables=[pages[name] for name in tables.TABLES],
        failed=results.failed().to_dict("records"), notebooks=sorted((results.folder / "notebooks").glob("[0-9][0-9]_*.ipynb")))  # fmt: skip
    write_text(html, path)
    return path


def cell(text: str) -> Markup:
    """A table's cell: **bold** becomes strong."""
    return Markup(re.sub(r"^\*\*(.*)\*\*$", r"<strong>\1</strong>", str(escape(text))))


def embed(path: Path) -> str:
    """A png as a data URL."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
