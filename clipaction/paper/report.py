"""All figures, all tables and one HTML page that holds them: from results/<profile>/ to figures/<profile>/."""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
from jinja2 import Environment, PackageLoader
from markupsafe import Markup, escape
from tqdm.auto import tqdm

from ..analysis.doubtful import counts
from ..base.files import write_text
from ..base.paths import figures_dir, results_dir
from . import claims
from .figures import FIGURES
from .items import save_table
from .records import Record, up_to_date
from .results import Results
from .tables import TABLES
from .tables.pooled import pooled
from .typeset import is_number, pvalue, write_csv


def make_all(profile: Any) -> list[Path]:
    """Makes all figures and tables, claims.csv and report/index.html of a profile (or its name); returns these files.

    What is up to date is not made again. Raises UserError where a result is missing, naming the notebook that makes it.
    """
    results, folder = Results(results_dir(profile)), figures_dir(profile)
    records, files, drawn = {}, [], 0
    for item in (bar := tqdm([*FIGURES.values(), *TABLES.values()], desc="figures and tables", unit="item")):
        bar.set_postfix_str(item.name)
        records[item.name], new = up_to_date(item, results, folder)
        files += [folder / name for name in records[item.name].files]
        drawn += new
    print(f"{drawn} of {len(records)} figures and tables made; the others were up to date")
    for old in folder.glob("pooled.*"):  # of several runs, one of which may have changed
        old.unlink()
    found = claims.claims(results)
    write_csv(found, folder / "claims.csv")
    page = write_report(results, records, found, folder / "report" / "index.html")
    return [*files, folder / "claims.csv", page]


def make_pooled(base: Any, profiles: Sequence[Any]) -> None:
    """Several finished runs taken together: pooled.csv, .md and .tex beside the figures of the profile that they vary
    (`base`), and on screen."""
    table, folder = pooled([Results(results_dir(profile)) for profile in profiles]), figures_dir(base)
    save_table(table, folder / "pooled")
    printed = table.view.drop(columns=["claim", "groups"]).to_string(index=False)
    print(f"{printed}\n{table.caption}\n({folder / 'pooled.csv'})\n")


def write_report(results: Results, records: dict[str, Record], found: pd.DataFrame, path: Path) -> Path:
    """The page at `path`, images inside. It links to files beside it and to the executed notebooks, to no other host.

    found: the table of claims.
    """
    environment = Environment(
        loader=PackageLoader("clipaction.paper"), autoescape=True, trim_blocks=True, lstrip_blocks=True
    )
    explorer = results.folder / "explorer.html"
    if explorer.exists():  # made by notebook 03, where the model is
        write_text(path.parent / explorer.name, explorer.read_text())
    links = {"link": lambda file: os.path.relpath(file, path.parent)}
    checks = results.table("region_checks.parquet")
    environment.filters |= {"cell": cell, "embed": embed, "pvalue": pvalue, "p": claims.equal, **links}
    shown = ("shown", "range", "unit")
    cards = [
        {**row._asdict(), **dict(zip(shown, claims.printed(row))), "marked": claims.marked(row)}
        for row in found.itertuples()
    ]
    html = environment.get_template("report.html").render(
        run=results.run,
        classes=results.classes,
        toy=results.toy,
        facts=results.facts(results.home("zero_shot")),
        is_number=is_number,
        folder=path.parent.parent,
        claims=cards,
        answer=claims.answer(found),
        level=claims.LEVEL,
        unmeasured=claims.left_out(found),
        figures=[records[name] for name in FIGURES],
        tables=[records[name] for name in TABLES],
        explorer=path.parent / explorer.name if explorer.exists() else None,
        failed=results.failed().to_dict("records"),
        regions=counts(checks),
        doubtful=checks[checks["doubt"] != ""].to_dict("records"),
        demo=results.run["profile"]["dataset"]["kind"] == "demo",
        # pages, of which this notebook's own is written when it is finished
        notebooks=[
            book.with_suffix(".html") for book in sorted((results.folder / "notebooks").glob("[0-9][0-9]_*.ipynb"))
        ],
    )
    write_text(path, html)
    return path


def cell(text: str) -> Markup:
    """A table's cell: **bold** becomes strong."""
    return Markup(re.sub(r"^\*\*(.*)\*\*$", r"<strong>\1</strong>", str(escape(text))))


def embed(path: Path) -> str:
    """A png as a data URL."""
    return "data:image/png;base64," + base64.b64encode(path.read_bytes()).decode()
