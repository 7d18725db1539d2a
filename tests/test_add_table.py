"""A table is added by one decorated function, from outside the package: the cell below is all that a user writes."""

import inspect

import pandas as pd
import pytest

from clipaction.base.errors import UserError
from clipaction.paper import report, verify
from clipaction.paper.tables import TABLES, Table, table


def add():
    @table("tab20", "Accuracy of each class, zero shot")
    def tab20(results):
        rows = results.home("zero_shot")
        right = (rows["pred"] == rows["label"]).groupby(rows["cls"]).agg(["mean", "size"]).reset_index()
        data = right.rename(columns={"mean": "acc", "size": "n_clips"})
        view = pd.DataFrame({"class": data["cls"], "accuracy": [f"{100 * x:.1f}" for x in data["acc"]]})
        return Table(data, view, f"Accuracy of each class in %, zero shot. {results.facts(rows)}")


@pytest.fixture
def folders(toy_results, registries):
    add()
    return toy_results


def test_a_table_from_a_notebook_cell_is_in_files_report_and_verify(folders):
    results, folder = folders
    assert len(inspect.getsource(add).splitlines()) <= 20
    made = report.make_all("quick")
    assert {folder / f"tab20.{kind}" for kind in ("csv", "md", "tex")} <= set(made)

    rows = pd.read_parquet(results / "predictions" / "zero_shot.parquet")
    rows = rows[(rows["level"] == "clip") & (rows["domain"] == "home") & (rows["split"] == "test")]
    data = pd.read_csv(folder / "tab20.csv").set_index("cls")
    biking = rows[rows["cls"] == "Biking"]
    share = (biking["pred"] == biking["label"]).mean()
    assert len(data) == 12 and data.loc["Biking", "acc"] == pytest.approx(share, abs=1e-5)
    assert data.loc["Biking", "n_clips"] == len(biking)
    cell = f"{100 * share:.1f}"
    assert f"| Biking | {cell} |" in (folder / "tab20.md").read_text()
    assert f"Biking & {cell} \\\\" in (folder / "tab20.tex").read_text()

    page = (folder / "report" / "index.html").read_text()
    section = page.split('<section class="item" id="tab20">')[1].split("</section>")[0]
    assert "Accuracy of each class, zero shot" in section and "Accuracy of each class in %, zero shot." in section
    assert f'<td>Biking</td><td class="r">{cell}</td>' in section
    assert 'href="#tab20"' in page.split("<main>")[0] and 'href="../tab20.tex"' in section

    assert verify.verify("quick").set_index("item").loc["tab20", "status"] == "no reference"
    verify.update_reference("quick")
    assert verify.verify("quick").set_index("item").loc["tab20", "status"] == "identical"
    data["acc"] += 0.5
    data.reset_index().to_csv(folder / "tab20.csv", index=False)
    assert verify.verify("quick").set_index("item").loc["tab20", "status"] == "differs"


@pytest.mark.parametrize("name", ["accuracy", "tab 9", "fig10"])
def test_a_name_that_is_no_table_is_refused(name):
    with pytest.raises(UserError, match=f'"{name}": begin it with tab'):
        table(name, "A table")
    assert name not in TABLES
