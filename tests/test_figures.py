"""Figures and the report from invented results: every file, what the csv says, what a missing result says, the same bytes again."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from synthetic import write_results

from clipaction import claims, figures, report, stats, style
from clipaction.errors import UserError
from clipaction.results import Results


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """All figures, tables and the report of a toy-size run: (results folder, figures folder, files made)."""
    top = tmp_path_factory.mktemp("toy")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CLIPACTION_RESULTS", str(top / "results"))
        patch.setenv("CLIPACTION_FIGURES", str(top / "figures"))
        write_results(top / "results" / "quick", "quick", failed=1)
        yield top / "results" / "quick", top / "figures" / "quick", report.make_all("quick")


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """Results of a profile that knows no truth, no scenes and no ward."""
    return Results(write_results(tmp_path_factory.mktemp("bare"), "quick", truth=False, overrides={
        "dataset.kind": "folder", "baselines.enabled": False, "noise.ablation_steps": 0, "regions.sources": ["motion"],
        "regions.grains": ["silhouette", "box"]}))  # fmt: skip


def test_every_file_is_made(home):
    _, folder, made = home
    wanted = {f"{name}.{kind}" for name in figures.FIGURES for kind in ("png", "pdf", "csv")}
    assert wanted <= {path.name for path in made} and all(path.stat().st_size for path in made)
    assert not list(folder.glob("*.tmp")) and len(wanted) == 27
    for path in folder.glob("fig*.png"):
        assert imread(path).shape[1] == round(200 * style.WIDTH)


@pytest.mark.parametrize("name", ["fig02", "fig06", "fig08"])
def test_same_bytes_again(home, name, tmp_path):
    source, folder, _ = home
    for path in figures.save(figures.FIGURES[name](source), tmp_path / name):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", figures.FIGURES)
def test_profile_without_truth(bare, name, tmp_path):
    drawn = figures.FIGURES[name](bare)
    figures.save(drawn, tmp_path / name)
    assert "Profile quick; test" in drawn.caption and "home" not in drawn.caption


def test_captions_state_the_facts(home):
    for make in figures.FIGURES.values():
        caption = make(home[0]).caption
        assert all(fact in caption for fact in ("Profile quick", "home test", "clips", "frames a clip", "clipaction-compact")), caption


def test_csv_is_what_is_drawn_and_derives_from_predictions(home):
    source, folder, _ = home
    masking = Results(source).home("masking")
    table = pd.read_csv(folder / "fig02.csv").set_index(["shape", "placement", "percent"])
    rows = masking[masking["condition"] == "shape:square:50:centre:still"]
    assert table.loc[("square", "centre", 50), "acc"] == pytest.approx(stats.accuracy(rows), abs=1e-5)
    assert table.loc[("square", "centre", 50), "n_clips"] == rows["clip"].nunique()
    counts = pd.read_csv(folder / "fig04.csv").query("panel == 'confusion'")["n_clips"].to_numpy().reshape(12, 12)
    assert (counts == stats.confusion(Results(source).home("zero_shot"), 12)).all()


def test_csv_order_does_not_depend_on_values(home):
    """Rows are compared with the reference by position."""
    folder = home[1]
    classes = Results(home[0]).classes
    assert list(dict.fromkeys(pd.read_csv(folder / "fig08.csv")["cls"])) == [*classes, "all classes"]
    assert list(dict.fromkeys(pd.read_csv(folder / "fig03.csv")["cls"])) == [*classes, "all classes"]


def test_toy_size_is_marked(home, bare):
    assert figures.fig09(home[0]).figure.get_suptitle() == "toy size: numbers mean nothing"
    run = dict(bare.run, title="a folder", profile=dict(bare.run["profile"], name="folder"))
    real = Results(bare.folder)
    real.run = run
    assert figures.fig04(real).figure.get_suptitle() == ""


def test_missing_result_names_file_and_notebook(tmp_path):
    write_results(tmp_path, "quick")
    (tmp_path / "predictions" / "masking.parquet").unlink()
    with pytest.raises(UserError, match=r"predictions/masking\.parquet.*03_masking_analysis.*--from 03"):
        figures.fig02(tmp_path)
    (tmp_path / "predictions" / "ward.parquet").unlink()
    with pytest.raises(UserError, match=r"ward\.parquet.*05_generalisation"):
        figures.fig09(tmp_path)


def test_label_users_are_grey_hollow_and_marked():
    for name, look in style.METHODS.items():
        assert look.uses_label == ("oracle" in name)
        if look.uses_label:
            assert look.colour == style.GREY and "uses the label" in look.label


def test_verdict_follows_the_interval():
    assert claims.verdict(0.01, 0.2, ">") == claims.HOLDS and claims.verdict(0.01, 0.2, "<") == claims.FAILS
    assert claims.verdict(-0.1, 0.2, ">") == claims.verdict(np.nan, np.nan, "<") == claims.OPEN
    assert claims.verdict(0.2, 0.3, ">", against=0.25) == claims.OPEN


def test_claims_are_label_free_and_recomputable(home):
    table = claims.claims(home[0])
    noise = Results(home[0]).home("noise")
    assert table["headline"].sum() == 6 and not table["number"].str.contains("oracle").any()
    clean = {name: stats.accuracy(rows) for name, rows in noise[noise["condition"] == "none"].groupby("method")}
    assert table.set_index("id").loc["gated", "value"] == pytest.approx(clean["gated"] - clean["none"])
    without = noise[~noise["method"].str.contains("oracle")]
    results = Results(home[0])
    results._tables["predictions/noise.parquet"] = without
    pd.testing.assert_frame_equal(claims.claims(results), table)


def test_report(home):
    page = (home[1] / "report" / "index.html").read_text()
    body = page.split("<main>")[1]
    assert body.count("data:image/png;base64,") == 9 and "toy size: numbers mean nothing" in body
    assert all(f'id="{name}"' in body for name in ("tab01", "tab08", "fig01", "fig09", "failures", "headline"))
    assert "moov atom not found" in body and "http" not in page
    headline = body.split('id="claims"')[0]
    assert headline.count('class="card"') == 6 and headline.count('class="badge') == 6 and "oracle" not in headline
