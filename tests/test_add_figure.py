"""A figure is added by one decorated function, from outside the package: the cell below is all that a user writes."""

import inspect

import pandas as pd
import pytest
from matplotlib.figure import Figure
from matplotlib.image import imread

from clipaction.base.errors import UserError
from clipaction.paper import report, verify
from clipaction.paper.figures import FIGURES, Drawn, figure


def add():
    @figure("fig20", "Confidence of right and wrong answers")
    def fig20(results):
        rows = results.home("zero_shot")
        right = rows["pred"] == rows["label"]
        data = rows.groupby(right)["p_pred"].mean().rename_axis("right").reset_index()
        drawing = Figure((4, 2))
        drawing.subplots().barh(["wrong", "right"], data["p_pred"])
        return Drawn(drawing, data, f"Mean confidence of right and of wrong answers. {results.facts(rows)}")


@pytest.fixture
def folders(toy_results, registries):
    add()
    return toy_results


def test_a_figure_from_a_notebook_cell_is_in_files_report_and_verify(folders):
    results, folder = folders
    assert len(inspect.getsource(add).splitlines()) <= 20
    made = report.make_all("quick")
    assert {folder / f"fig20.{kind}" for kind in ("png", "pdf", "csv")} <= set(made)
    assert imread(folder / "fig20.png").shape[:2] == (400, 800)  # 200 dpi

    rows = pd.read_parquet(results / "predictions" / "zero_shot.parquet")
    rows = rows[(rows["level"] == "clip") & (rows["domain"] == "home") & (rows["split"] == "test")]
    wrong, right = pd.read_csv(folder / "fig20.csv")["p_pred"]
    assert right == pytest.approx(rows.loc[rows["pred"] == rows["label"], "p_pred"].mean(), abs=1e-5)
    assert wrong == pytest.approx(rows.loc[rows["pred"] != rows["label"], "p_pred"].mean(), abs=1e-5)

    page = (folder / "report" / "index.html").read_text()
    section = page.split('<section class="item" id="fig20">')[1].split("</section>")[0]
    assert "Confidence of right and wrong answers" in section and "data:image/png;base64," in section
    assert "Mean confidence of right and of wrong answers. Profile quick; home test clips;" in section
    assert 'href="#fig20"' in page.split("<main>")[0] and 'href="../fig20.pdf"' in section

    assert verify.verify("quick").set_index("item").loc["fig20", "status"] == "no reference"
    verify.update_reference("quick")
    table = verify.verify("quick").set_index("item")
    assert table.loc["fig20", "status"] == "identical"
    (folder / "fig20.pdf").unlink()
    assert verify.verify("quick").set_index("item").loc["fig20", "status"] == "missing"


@pytest.mark.parametrize("name", ["confidence", "fig/10", "tab10"])
def test_a_name_that_is_no_figure_is_refused(name):
    with pytest.raises(UserError, match=f'"{name}": begin it with fig'):
        figure(name, "A figure")
    assert name not in FIGURES
