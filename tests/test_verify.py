"""verify against a small reference: what counts as reproduced, and what it says when something is not."""

import pandas as pd
import pytest

from clipaction.base.errors import UserError
from clipaction.paper import verify


@pytest.fixture
def made(tmp_path, monkeypatch):
    """A published set of one figure and two tables, and the folder of figures just made, equal to it."""
    monkeypatch.setenv("CLIPACTION_FIGURES", str(tmp_path / "figures"))
    monkeypatch.setattr(verify, "reference_dir", lambda profile: tmp_path / "reference" / profile)
    folder = tmp_path / "figures" / "demo"
    folder.mkdir(parents=True)
    table = pd.DataFrame(
        {
            "method": ["none", "gated"],
            "n_clips": [336, 336],
            "acc": [0.7, 0.75],
            "p": [None, 0.01],
            "verdict": ["", "undecided"],
        }
    )
    for name, partners in (("fig02", ("png", "pdf")), ("tab02", ("md", "tex")), ("tab08", ("md", "tex"))):
        table.to_csv(folder / f"{name}.csv", index=False)
        for kind in partners:
            (folder / f"{name}.{kind}").write_text("drawn")
    verify.update_reference("demo")
    return folder


def change(path, column, value, row=1):
    table = pd.read_csv(path)
    table.loc[row, column] = value
    table.to_csv(path, index=False)


def row(item):
    return verify.verify("demo").set_index("item").loc[item]


def test_same_bytes_are_identical(made):
    assert row("fig02").status == row("tab02").status == "identical" and row("tab08").status == "not compared"
    assert verify.report("demo") == 0


def test_small_drift_is_reproduced_and_said(made):
    change(made / "tab02.csv", "acc", 0.755)
    assert row("tab02").status == "reproduced" and "acc of gated" in row("tab02").detail
    assert verify.report("demo") == 0


def test_a_limit_may_be_for_one_method(made):
    (verify.reference_dir("demo") / "tolerance.yaml").write_text('"tab02/gated.acc": 0.2\n"*": 0.02')
    change(made / "tab02.csv", "acc", 0.9)
    assert row("tab02").status == "reproduced"
    change(made / "tab02.csv", "acc", 0.75, row=0)
    assert row("tab02").status == "differs" and "acc of none" in row("tab02").detail


def test_changed_cell_differs_and_is_named(made, capsys):
    change(made / "tab02.csv", "acc", 0.8)
    assert (
        row("tab02").status == "differs"
        and row("tab02").detail == "worst cell: acc of gated undecided: 0.8 instead of 0.75 (tolerance 0.02)"
    )
    assert verify.report("demo") == 1
    assert "1 differs" in capsys.readouterr().out


@pytest.mark.parametrize("column, value", [("n_clips", 335), ("acc", None), ("method", "shared")])
def test_counts_gaps_and_words_must_be_the_same(made, column, value):
    change(made / "tab02.csv", column, value)
    assert row("tab02").status == "differs"


def test_free_columns_are_not_compared_but_words_are_mentioned(made):
    change(made / "tab02.csv", "p", 0.9)
    assert row("tab02").status == "reproduced" and row("tab02").detail == ""
    change(made / "tab02.csv", "verdict", "claim holds")
    assert row("tab02").status == "reproduced" and "claim holds instead of undecided" in row("tab02").detail


def test_other_shape_differs(made):
    pd.read_csv(made / "tab02.csv").head(1).to_csv(made / "tab02.csv", index=False)
    assert row("tab02").status == "differs" and "1 rows" in row("tab02").detail


@pytest.mark.parametrize("name", ["tab02.csv", "fig02.pdf"])
def test_missing_file(made, name):
    (made / name).unlink()
    assert row(name[:5]).status == "missing" and name in row(name[:5]).detail
    assert verify.report("demo") == 1


def test_no_reference_is_no_failure(made):
    (verify.reference_dir("demo") / "tab02.csv").unlink()
    assert row("tab02").status == "no reference" and verify.report("demo") == 0


def test_tolerance_file_beside_the_reference_rules(made):
    change(made / "tab02.csv", "acc", 0.8)
    (verify.reference_dir("demo") / "tolerance.yaml").write_text('"*.acc": 0.1\n"*": 0\n')
    assert row("tab02").status == "reproduced"
    verify.update_reference("demo")
    assert (verify.reference_dir("demo") / "tolerance.yaml").read_text().startswith('"*.acc": 0.1')


def test_reference_holds_small_files_only_and_forgets_old_ones(made):
    folder = verify.reference_dir("demo")
    assert {path.suffix for path in folder.iterdir()} == {".csv", ".png", ".md", ".yaml"}
    (made / "fig02.csv").unlink()
    verify.update_reference("demo")
    assert not (folder / "fig02.csv").exists() and (folder / "tab02.csv").exists()


def test_nothing_made_yet(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_FIGURES", str(tmp_path))
    monkeypatch.setattr(verify, "reference_dir", lambda profile: tmp_path / "reference")
    for act in (verify.verify, verify.update_reference):
        with pytest.raises(UserError, match="06_figures"):
            act("demo")


def test_what_is_made_on_demand_is_not_missing_and_stays_published(made):
    """An ablation left out of this run (an empty table), and several runs (no file)."""
    folder = verify.reference_dir("demo")
    (folder / "pooled.csv").write_text("method,acc\ngated,0.7\n")
    pd.DataFrame(columns=["method", "acc"]).to_csv(made / "tab02.csv", index=False)
    assert row("tab02").status == row("pooled").status == "not compared" and verify.report("demo") == 0
    published = (folder / "tab02.csv").read_text()
    verify.update_reference("demo")
    assert (folder / "tab02.csv").read_text() == published and (folder / "pooled.csv").exists()
    (made / "pooled.csv").write_text("method,acc\ngated,0.9\n")
    assert row("pooled").status == "differs"
