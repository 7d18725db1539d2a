"""Words from outside, such as names of classes and files, are data wherever they are shown (rows 13 and 15)."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import synthetic

from clipaction.base.cache import read_table, save_table
from clipaction.base.paths import figures_dir, results_dir
from clipaction.paper import report
from clipaction.paper.figures import FIGURES
from clipaction.paper.results import Results
from clipaction.profiles import load_profile

from . import Try, fault

NAMES = [
    *("$a$", "a_b^c{d}", "<script>alert(1)</script>", "50 % & more", "| a | b |", "\\input{x}", "#1 ~ `x`", "**bold**"),
    *("Ärger", "跑步", "x" * 80, 'it\'s "quoted"'),
]


@fault("classes whose names are formulas, tags or commands elsewhere (row 15)")
def odd_names(folder: Path, long: bool) -> Iterator[Try]:
    with mock.patch.object(synthetic, "HOME", NAMES):
        synthetic.write_results(results_dir("quick"), "quick")
    checks = results_dir("quick") / "region_checks.parquet"  # the report names clips whose region is doubted
    doubted = read_table(checks)
    doubted.loc[doubted.index[: len(NAMES)], ["clip", "doubt"]] = [(name, name) for name in NAMES]
    save_table(checks, doubted)
    results = Results(results_dir("quick"))
    names = FIGURES if long else ("fig04",)
    for name in names:
        files = FIGURES[name].save(FIGURES[name](results), folder / name)
        yield name, "" if all(path.stat().st_size for path in files) else "an empty file"
    if long:
        report.make_all("quick")
        page = (figures_dir("quick") / "report" / "index.html").read_text()
        yield "report", "a name is a tag" if "<script>alert" in page else ""
        shown = html.unescape(page)
        yield from ((f"report, {name}", "" if name in shown else "the name is not there") for name in NAMES)
        for path in figures_dir("quick").glob("tab*.tex"):
            text = path.read_text()
            yield path.name, "not escaped" if re.search(r"(?<!\\)\$a\$|\\input\{x\}|(?<!\\)#1", text) else ""


@fault("the title names the model that is used (row 13)")
def titles(folder: Path, long: bool) -> Iterator[Try]:
    for profile, changes, expected in (
        ("folder", {}, "a folder of videos, OpenAI CLIP ViT-B/32"),
        (
            "folder",
            {"model.name": "clipaction-compact", "model.pretrained": "package"},
            "a folder of videos, compact CLIP",
        ),
        ("demo", {}, "demo videos, compact CLIP"),
        ("ucf101", {"model.name": "RN50"}, "UCF-101, RN50 (openai)"),
        ("ucf101", {"model.name": "RN50", "title": "mine"}, "mine"),
    ):
        title = load_profile(profile, changes).title
        yield f"{profile} {changes}", "" if title == expected else title
