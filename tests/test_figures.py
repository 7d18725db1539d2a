"""Figures and the report from invented results: every file, what the csv says, missing results, same bytes again."""

import html
import json
import shutil

import numpy as np
import pandas as pd
import pytest
from matplotlib.image import imread
from synthetic import write_results

from clipaction.analysis.bias import bias
from clipaction.base.errors import UserError
from clipaction.evaluate.methods import METHODS, Method
from clipaction.evaluate.predictions import accuracy
from clipaction.evaluate.summaries import confusion
from clipaction.paper import claims, looks, report, style
from clipaction.paper.figures import FIGURES
from clipaction.paper.results import Results
from clipaction.paper.selections import by_section
from clipaction.paper.tables import TABLES


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
    wanted = {f"{name}.{kind}" for name in FIGURES for kind in ("png", "pdf", "csv")}
    assert wanted <= {path.name for path in made} and all(path.stat().st_size for path in made)
    assert not list(folder.glob(".*")) and len(wanted) == 3 * len(FIGURES)
    for path in folder.glob("fig*.png"):
        assert imread(path).shape[1] == round(200 * style.WIDTH)


@pytest.mark.parametrize("name", ["fig02", "fig06", "fig08"])
def test_same_bytes_again(home, name, tmp_path):
    source, folder, _ = home
    for path in FIGURES[name].save(FIGURES[name](source), tmp_path / name):
        assert path.read_bytes() == (folder / path.name).read_bytes(), path.name


@pytest.mark.parametrize("name", FIGURES)
def test_profile_without_truth(bare, name, tmp_path):
    drawn = FIGURES[name](bare)
    FIGURES[name].save(drawn, tmp_path / name)
    assert "Profile quick; test" in drawn.caption and "home" not in drawn.caption


def test_captions_state_the_facts(home):
    for make in FIGURES.values():
        caption = make(home[0]).caption
        assert all(
            fact in caption for fact in ("Profile quick", "home test", "clips", "frames a clip", "clipaction-compact")
        ), caption


def test_csv_is_what_is_drawn_and_derives_from_predictions(home):
    source, folder, _ = home
    masking = Results(source).home("masking")
    table = pd.read_csv(folder / "fig02.csv").set_index(["shape", "placement", "percent"])
    rows = masking[masking["condition"] == "shape:square:50:centre:still"]
    assert table.loc[("square", "centre", 50), "acc"] == pytest.approx(accuracy(rows), abs=1e-5)
    assert table.loc[("square", "centre", 50), "n_clips"] == rows["clip"].nunique()
    counts = pd.read_csv(folder / "fig04.csv").query("panel == 'confusion'")["n_clips"].to_numpy().reshape(12, 12)
    assert (counts == confusion(Results(source).home("zero_shot"), 12)).all()


def test_csv_order_does_not_depend_on_values(home):
    """Rows are compared with the reference by position."""
    folder = home[1]
    classes = Results(home[0]).classes
    assert list(dict.fromkeys(pd.read_csv(folder / "fig08.csv")["cls"])) == [*classes, "all classes"]
    assert list(dict.fromkeys(pd.read_csv(folder / "fig03.csv")["cls"])) == [*classes, "all classes"]


def test_toy_size_is_marked(home, bare, tmp_path):
    assert FIGURES["fig09"](home[0]).figure.get_suptitle() == "toy size: numbers mean nothing"
    run = dict(bare.run, title="a folder", profile=dict(bare.run["profile"], name="folder"))
    real = Results(shutil.copytree(bare.folder, tmp_path / "folder"))
    (real.folder / "run.json").write_text(json.dumps(run))
    assert FIGURES["fig04"](real).figure.get_suptitle() == ""


def test_missing_result_names_file_and_notebook(tmp_path):
    write_results(tmp_path, "quick")
    (tmp_path / "predictions" / "masking.parquet").unlink()
    with pytest.raises(UserError, match=r"predictions/masking\.parquet.*03_masking_analysis.*--from 03"):
        FIGURES["fig02"](tmp_path)
    (tmp_path / "predictions" / "ward.parquet").unlink()
    with pytest.raises(UserError, match=r"ward\.parquet.*05_generalisation"):
        FIGURES["fig09"](tmp_path)


def test_label_users_are_grey_hollow_and_marked(home):
    results = Results(home[0])
    for name, method in METHODS.items():
        look = results.method(name)
        assert look.uses_label == method.uses_label == ("oracle" in name)
        if look.uses_label:
            assert look.colour == style.GREY and "uses the label" in look.label
    panels = FIGURES["fig09"](results).figure.axes
    ticks, seen = panels[0].get_yticklabels(), set()
    labels = [text.get_text() for text in ticks]
    headings = {text.get_text() for text in ticks if text.get_fontweight() == "bold"}
    assert headings == set(by_section(results, FIGURES["fig09"](results).data["method"])) - {""}
    for line in [line for axes in panels for line in axes.lines if line.get_marker() not in ("|", "None")]:
        label = labels[round(float(line.get_ydata()[0]))]
        assert (line.get_markerfacecolor() == "white") == ("uses the label" in label), label
        seen.add(label)
    assert seen == set(labels) - headings


def test_methods_are_known_from_the_registry_then_the_run_then_in_grey(home, tmp_path, monkeypatch):
    results = Results(shutil.copytree(home[0], tmp_path / "quick"))
    facts = {"label": "peeking noise", "colour": "blue", "marker": "D", "labels": "the clip's own", "uses_label": True}
    described = {"mine": {"label": "my noise", "colour": "pink", "marker": "h"}, "peek": facts, "gated": {"label": "x"}}
    (results.folder / "methods.json").write_text(json.dumps(described))
    assert results.method("gated").label == "gated noise"
    mine, peek, unknown = (results.method(name) for name in ("mine", "peek", "other"))
    assert (mine.label, mine.colour, mine.marker) == ("my noise", style.PALETTE["pink"], "h")
    assert peek.uses_label and peek.colour == style.GREY and peek.label == "peeking noise (uses the label)"
    assert (unknown.label, unknown.colour, unknown.uses_label) == ("other", style.GREY, False)
    assert results.in_order(["other", "oracle", "peek", "mine", "gated", "cnn"]) == [
        "gated",
        "cnn",
        "mine",
        "other",
        "oracle",
        "peek",
    ]
    monkeypatch.setitem(METHODS, "mine", Method("mine", "registered", colour="no colour", marker="no marker"))
    assert results.method("mine").label == "registered" and results.method("mine").colour == style.GREY


def test_unknown_methods_and_shapes_are_drawn(home, tmp_path):
    results = Results(shutil.copytree(home[0], tmp_path / "quick"))
    for name, column, old, new in (
        ("noise", "method", "shared", "mine"),
        ("masking", "condition", ":patches:", ":star:"),
    ):
        path = results.folder / "predictions" / f"{name}.parquet"
        table = pd.read_parquet(path)
        extra = table[table[column].str.contains(old)]
        assert len(extra)
        pd.concat([table, extra.assign(**{column: extra[column].str.replace(old, new)})]).to_parquet(path)
    data = FIGURES["fig02"](results).data
    assert list(dict.fromkeys(data["shape"]))[-1] == "star"
    assert np.allclose(data[data["shape"] == "star"]["acc"], data[data["shape"] == "patches"]["acc"])
    assert "mine" in set(FIGURES["fig09"](results).data["method"])
    assert "star" in set(TABLES["tab03"](results).data["shape"]) and "mine" in set(
        TABLES["tab05"](results).data["method"]
    )
    assert "mine" in set(TABLES["tab05"](results).view["method"])


def test_unknown_shapes_take_turns_through_the_palette():
    found = looks.shape_looks(["square", "star", "cross"])
    assert found["square"] == (style.PALETTE["blue"], "s")
    assert found["star"] != found["cross"] and {found["star"][0], found["cross"][0]} <= set(style.PALETTE.values())


def test_report(home):
    page = (home[1] / "report" / "index.html").read_text()
    body = page.split("<main>")[1]
    assert body.count("data:image/png;base64,") == len(FIGURES) and "toy size: numbers mean nothing" in body
    assert all(f'id="{name}"' in body for name in ("tab01", "tab08", "fig01", "fig09", "failures", "headline"))
    assert "moov atom not found" in body and "http" not in page
    found = claims.claims(home[0])
    headline, rest = body.split('id="claims"')
    cards = int((found["family"] == "primary").sum())
    assert cards and headline.count('class="card"') == headline.count('class="badge') == cards
    listed = html.unescape(rest.split("<h2>Figures</h2>")[0])
    assert "oracle" not in headline + listed and claims.answer(found) in listed
    for row in found.itertuples():
        assert row.claim in listed and row.reason in listed and claims.marked(row) in listed
    assert all(text in listed for text in claims.left_out(found)) and claims.left_out(found)


@pytest.mark.parametrize("sources", [["detector", "relevance"], ["motion"], ["boxes"]])
def test_where_and_isolation_are_claimed_by_whatever_source_the_run_has(tmp_path, sources):
    overrides = {"dataset.kind": "folder", "regions.sources": sources, "regions.grains": ["silhouette", "box"]}
    results = Results(write_results(tmp_path, "quick", truth=False, overrides=overrides | {"baselines.enabled": False}))
    table, masking = claims.claims(results).set_index("id"), results.home("masking")
    part = "actor" if sources == ["boxes"] else "actor+prop"
    hidden, kept = f"hide:{part}:box@{sources[0]}", f"keep:{part}:silhouette@{sources[0]}"
    right = {name: accuracy(rows) for name, rows in masking.groupby("condition")}
    assert table.loc["where", "value"] == pytest.approx(right[hidden] - right[f"control:{hidden}"])
    assert table.loc["isolation", "value"] == pytest.approx(right[kept] - right["none"])
    assert f"by {sources[0]}" in table.loc["where", "number"]


def test_fig04_says_what_is_computed(home):
    caption = FIGURES["fig04"](home[0]).caption
    assert "templates' own majority" in caption and "even and the odd frames" in caption


def test_a_class_whose_regions_are_all_doubted_has_no_answer(bare, tmp_path):
    shutil.copytree(bare.folder, tmp_path / "results")
    path = tmp_path / "results" / "predictions" / "masking.parquet"
    masking = pd.read_parquet(path)
    doubted, region = masking["cls"].min(), masking["condition"].str.contains("hide:|keep:")
    masking = masking[~(region & (masking["cls"] == doubted))]
    masking.to_parquet(path, index=False)
    bias(masking, bare.classes).to_parquet(tmp_path / "results" / "bias.parquet", index=False)
    drawn = {name: item(Results(tmp_path / "results")) for name, item in {**FIGURES, **TABLES}.items()}
    gone = drawn["fig03"].data.query("condition == 'actor gone'").set_index("cls")["n_clips"]
    assert gone[doubted] == 0 and (gone.drop(doubted) > 0).all()


def test_fig05_says_where_its_temperatures_come_from(home):
    results = Results(home[0])
    drawn = FIGURES["fig05"](results)
    assert "fitted on validation clips under the same condition" in drawn.caption
    data, fitted = drawn.data.query("panel == 'measures'"), results.home("calibrated")
    row = data.query("method == 'anchored-class' and condition == 'none'").set_index("scaled")
    own = fitted[(fitted["method"] == "anchored-class") & (fitted["condition"] == "none")]
    assert row["nll"].iloc[1] == pytest.approx(own["nll"].mean()) and row["nll"].iloc[0] != row["nll"].iloc[1]


def test_no_label_of_fig09_is_cut_off(home):
    figure = FIGURES["fig09"](home[0]).figure
    figure.draw_without_rendering()
    for text in [*figure.axes[0].get_yticklabels(), *(axes.title for axes in figure.axes)]:
        box = text.get_window_extent()
        assert box.x0 >= 0 and box.x1 <= figure.bbox.x1 and box.y0 >= 0 and box.y1 <= figure.bbox.y1, text.get_text()
