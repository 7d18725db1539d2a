"""What make_all makes again: nothing when nothing changed, else the items whose code or whose results changed."""

import json
import shutil

import pandas as pd
import pytest
from matplotlib.figure import Figure
from synthetic import write_results

from clipaction.paper import records, report
from clipaction.paper.figures import FIGURES, Drawn, figure
from clipaction.paper.items import FigureItem, TableItem
from clipaction.paper.results import Results
from clipaction.paper.tables import TABLES


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder that holds the results, figures and report of a finished run."""
    top = tmp_path_factory.mktemp("finished")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPACTION_RESULTS", str(top / "results"))
        patch.setenv("CLIPACTION_FIGURES", str(top / "figures"))
        write_results(top / "results" / "quick", "quick", failed=1)
        report.make_all("quick")
    return top


@pytest.fixture
def run(finished, tmp_path, monkeypatch):
    """A function that calls make_all in a copy of the finished run and returns what it made; and both folders."""
    top = shutil.copytree(finished, tmp_path / "copy")
    monkeypatch.setenv("CLIPACTION_RESULTS", str(top / "results"))
    monkeypatch.setenv("CLIPACTION_FIGURES", str(top / "figures"))
    made: list[str] = []
    for kind in (FigureItem, TableItem):
        call = kind.__call__
        monkeypatch.setattr(kind, "__call__", lambda item, of, call=call: made.append(item.name) or call(item, of))

    def again() -> list[str]:
        made.clear()
        report.make_all("quick")
        return list(made)

    return again, top / "results" / "quick", top / "figures" / "quick"


def files(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def test_only_what_changed_is_made_again(run):
    again, results, folder = run
    before = files(folder)
    assert again() == [] and files(folder) == before

    path = results / "bias.parquet"  # fig03 alone reads it
    pd.read_parquet(path).assign(into_share=0.123).to_parquet(path)
    assert again() == ["fig03"]
    assert {name for name, data in files(folder).items() if before[name] != data} == {
        *("fig03.png", "fig03.pdf", "fig03.csv", "index.html")
    }

    path = results / "predictions" / "calibrated.parquet"
    table = pd.read_parquet(path)
    table.assign(p_pred=table["p_pred"] / 2).to_parquet(path)
    assert again() == ["fig05", "tab05"]

    png = (folder / "fig02.png").read_bytes()
    (folder / "fig02.png").write_bytes(png[:1000])
    (folder / "tab03.tex").unlink()
    assert again() == ["fig02", "tab03"]
    assert (folder / "fig02.png").read_bytes() == png and (folder / "tab03.tex").is_file()

    (results / "paper" / "fig07.json").write_text("{")
    (results / "paper" / "tab02.json").write_text(json.dumps({"name": "tab02"}))
    assert again() == ["fig07", "tab02"]

    facts = json.loads((results / "run.json").read_text())
    (results / "run.json").write_text(json.dumps(facts | {"title": "another"}))
    assert again() == [*FIGURES, *TABLES]


def test_the_same_results_written_again_and_a_copied_tree_are_up_to_date(run):
    again, results, folder = run  # a copy
    for path in (results / "bias.parquet", folder / "fig01.png"):
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)
    assert again() == []


def test_a_changed_figure_is_drawn_again_alone_and_a_changed_comment_is_not(run, monkeypatch):
    again, _, folder = run
    monkeypatch.setitem(FIGURES, "fig10", None)  # taken out again after the test

    def draw(results, value):
        return Drawn(Figure((2, 2)), pd.DataFrame({"value": [value]}), f"A number. {results.facts()}")

    @figure("fig10", "A number")
    def fig10(results):
        return draw(results, 1)

    assert again() == ["fig10"]

    @figure("fig10", "A number")
    def fig10(results):  # noqa: F811
        # a comment, and another layout
        return draw(
            results,
            1,
        )

    assert again() == []

    @figure("fig10", "A number")
    def fig10(results):  # noqa: F811
        return draw(results, 2)

    assert again() == ["fig10"] and pd.read_csv(folder / "fig10.csv")["value"].item() == 2

    @figure("fig10", "The same number")
    def fig10(results):  # noqa: F811
        return draw(results, 2)

    assert again() == ["fig10"] and "The same number" in (folder / "report" / "index.html").read_text()


def test_a_file_that_was_not_there_counts_as_read(run):
    again, results, _ = run
    record = records.load(results / "paper" / "fig09.json")
    assert record.read["predictions/ward.parquet"] and record.read["run.json"]
    assert "predictions/masking.parquet" not in record.read
    (results / "methods.json").write_text(json.dumps({"gated": {"label": "x"}}))
    assert again() == []  # nobody asked for it: all methods are registered
    opened = Results(results)
    with opened.recording() as read:
        opened.method("mine")
    assert read == {"methods.json"}


def test_a_report_from_records_is_the_report_from_fresh_items(run):
    again, _, folder = run
    page = (folder / "report" / "index.html").read_text()
    (folder / "report" / "index.html").unlink()
    assert again() == [] and (folder / "report" / "index.html").read_text() == page
