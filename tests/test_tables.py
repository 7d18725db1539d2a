"""Tables from invented results: files, numbers against the predictions they come from, bold, what is left out."""

import json
import shutil

import numpy as np
import pandas as pd
import pytest
from synthetic import HELDOUT, SQUARE, write_results

from clipaction.base.errors import UserError
from clipaction.evaluate.methods import METHODS, Method
from clipaction.evaluate.predictions import accuracy
from clipaction.paper import claims, items, selections, typeset
from clipaction.paper import results as opened
from clipaction.paper.results import Results
from clipaction.paper.tables import TABLES
from clipaction.paper.tables.pooled import pooled


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    both = {"regions.controls": ["control", "cells"], "regions.parts": ["actor", "actor+prop"]}
    return Results(write_results(tmp_path_factory.mktemp("tables"), "quick", failed=1, overrides=both))


@pytest.fixture(scope="module")
def made(results):
    return {name: make(results) for name, make in TABLES.items()}


def test_every_file_and_the_same_bytes_again(results, made, tmp_path):
    for name, table in made.items():
        first = [path.read_bytes() for path in TABLES[name].save(table, tmp_path / name)]
        again = TABLES[name].save(TABLES[name](Results(results.folder)), tmp_path / name)
        assert [path.name for path in again] == [f"{name}.csv", f"{name}.md", f"{name}.tex"]
        assert first == [path.read_bytes() for path in again], name
        assert not table.view.isna().any().any() and "Profile quick" in table.caption
    assert not list(tmp_path.glob(".*"))


def test_failures_are_listed_by_name_and_reason(results, made):
    data = made["tab01"].data
    lost = results.failed()["id"].item()
    assert data.loc[data["clip"] == lost, "reason"].item() == "moov atom not found"
    ward = data[(data["domain"] == "ward") & (data["scene"] == "all")]
    assert (ward["clips"] - ward["read"]).item() == 1


def test_zero_shot_rows(results, made):
    data, home = made["tab02"].data, results.home("zero_shot")
    assert list(data["part"][:4]) == ["all", "usual", "random", "other"]
    assert data["acc"][0] == pytest.approx(accuracy(home)) and data["n_clips"][0] == home["clip"].nunique()
    assert list(data["part"][4:]) == ["all", "shared classes", "own classes"]


def test_each_region_has_its_own_equal_area_controls(results, made):
    data = made["tab04"].data
    assert set(data["control"]) == {"control", "cells"}
    for row in data.itertuples():
        expected = f"{row.control}:{row.condition.replace(':plate', ':silhouette')}"
        assert row.control_condition == expected
    right = {name: accuracy(rows) for name, rows in results.home("masking").groupby("condition")}
    row = data.iloc[0]
    assert row["diff"] == pytest.approx(right[row["condition"]] - right[row["control_condition"]])
    assert data["p"].between(0, 1).all() and "p_holm" not in data


def test_noise_table_derives_from_predictions(results, made):
    noise, data = results.home("noise"), made["tab05"].data
    row = data[(data["method"] == "gated") & (data["condition"] == SQUARE) & (data["scene"] == "usual")].iloc[0]
    rows = noise[(noise["condition"] == SQUARE) & (noise["scene"] == "usual")]
    pairs = {name: accuracy(rows[rows["method"] == name]) for name in ("gated", "none")}
    assert row["acc"] == pytest.approx(pairs["gated"]) and row["diff"] == pytest.approx(pairs["gated"] - pairs["none"])
    assert set(data.loc[data["uses_label"], "method"]) == {"oracle", "naive-oracle"}


def test_methods_stand_in_sections_and_bounds_come_last(results, made):
    noise = results.home("noise")
    found = selections.by_section(results, noise["method"])
    assert next(iter(found)) == "" and found[""] == ["none"]
    assert list(found)[-1] == "told the label" and set(found["told the label"]) == {"oracle", "naive-oracle"}
    assert sorted(name for names in found.values() for name in names) == sorted(noise["method"].unique())
    for name in ("tab05", "tab07"):
        view = made[name].view
        headings = view.loc[(view.drop(columns="method") == "").all(axis=1), "method"]
        sections = selections.by_section(results, noise["method"] if name == "tab05" else made["tab07"].data["method"])
        assert headings.tolist() == [f"**{section}**" for section in sections if section]
        assert len(view) == sum(map(len, sections.values())) + len(headings)
    first = made["tab05"].data.query("condition == 'none' and scene == 'all'")
    assert first["method"].tolist() == [name for names in found.values() for name in names]


def test_sections_of_methods_that_name_none(results, registries):
    for name, facts in (
        ("mine", {"kind": "rival"}),
        ("wall", {"section": "views and prompts", "kind": "rival"}),
        ("told", {"uses_label": True, "section": "noise"}),
    ):
        METHODS[name] = Method(name, name, **facts)
    found = selections.by_section(results, ["told", "mine", "unheard", "wall", "none"])
    assert found == {
        "": ["none"],
        "rivals": ["mine"],
        "views and prompts": ["wall"],
        "other methods": ["unheard"],
        "told the label": ["told"],
    }


def test_every_p_is_marked_exploratory_and_no_table_corrects_it(made):
    for name in ("tab03", "tab04", "tab05", "tab07"):
        table = made[name]
        assert "exploratory, not corrected" in table.caption and "sign flips of whole groups" in table.caption, name
        assert "p" in table.data and not {"p_holm", "p_group"} & set(table.data)
    for name, table in made.items():
        assert "McNemar" not in table.caption and not [column for column in table.view if "Holm" in column], name
    bounds = made["tab05"].data.query("uses_label")
    assert len(bounds) and bounds["p"].isna().all() and bounds["fixed"].notna().any()


def test_noise_table_has_proper_scores_calibration_and_the_held_out_shape(results, made):
    data, view, noise = made["tab05"].data, made["tab05"].view, results.home("noise")
    row = data[(data["method"] == "gated") & (data["condition"] == SQUARE) & (data["scene"] == "all")].iloc[0]
    rows = noise[(noise["condition"] == SQUARE) & (noise["method"] == "gated")]
    assert row["nll"] == pytest.approx(rows["nll"].mean()) and row["brier"] == pytest.approx(rows["brier"].mean())
    fitted = results.home("calibrated").query("method == 'gated' and condition == @SQUARE")
    assert row["nll_calibrated"] == pytest.approx(fitted["nll"].mean())
    assert row["temperature"] == fitted["temperature"].iloc[0]
    assert {"NLL", "ECE", "ECE, calibrated", "30 % square", "30 % stripes, in no training view", "p"} <= set(view)
    assert selections.noise_conditions(noise)["heldout"] == HELDOUT
    assert "NLL, nats" in made["tab02"].view and "NLL" in made["tab02"].caption


def test_best_label_free_is_bold_and_the_oracle_never(results, made):
    for name in ("tab05", "tab07"):
        view = made[name].view.set_index("method")
        bold = view.apply(lambda column: column.astype(str).str.startswith("**"))
        assert bold.any().any() and not bold[view.index.str.contains("uses the label")].any().any()
    clean = made["tab05"].data.query("condition == 'none' and scene == 'all' and not uses_label")
    best = results.method(clean.loc[clean["acc"].idxmax(), "method"]).label
    assert made["tab05"].view.set_index("method").loc[best, "unmasked"].startswith("**")
    surest = results.method(clean.loc[clean["nll"].idxmin(), "method"]).label
    assert made["tab05"].view.set_index("method").loc[surest, "NLL"].startswith("**")


def test_bold_best():
    assert typeset.bold_best(["1", "2", "3"], [1, 2, 3], [True, True, False]) == ["1", "**2**", "3"]
    assert typeset.bold_best(["2", "2", "1", "–"], [2, 2, 1, np.nan], [True] * 4) == ["**2**", "**2**", "1", "–"]
    assert typeset.bold_best(["2", "2"], [2, 2], [True, True]) == ["2", "2"]
    assert typeset.bold_best(["1", "2"], [1, 2], [True, True], lowest=True) == ["**1**", "2"]
    assert typeset.bold_best(["1", "2"], [1, 2], [True, False]) == ["1", "2"]


def test_numbers_as_text():
    assert (
        typeset.pct(0.714, 0.66, 0.76) == "71.4 [66.0, 76.0]"
        and typeset.points(-0.032) == "−3.2"
        and typeset.pct(np.nan) == "–"
    )
    assert (
        typeset.pct(0.5, np.nan, np.nan) == "50.0"
        and typeset.pvalue(1e-9) == "<0.001"
        and typeset.ratio(3, 1) == "3 : 1"
    )


def test_sections_are_bold_rows_of_their_own():
    view = pd.DataFrame({"method": ["a", "b", "c"], "acc": ["1.0", "2.0", "3.0"]})
    made = typeset.sectioned(view, ["", "one", "one"])
    assert made.to_numpy().tolist() == [["a", "1.0"], ["**one**", ""], ["b", "2.0"], ["c", "3.0"]]
    assert "| **one** |  |" in typeset.markdown(made, "") and "\\textbf{one} &  \\\\" in typeset.latex(made, "", "x")
    assert typeset.is_number(made) == [False, True]


def test_markdown_and_latex():
    view = pd.DataFrame({"a|b": ["x_y", "z"], "acc, %": ["**1.0**", "−2.0 [−3.0, 1.0]"]})
    assert "| a\\|b | acc, % |\n| --- | ---: |\n| x_y | **1.0** |" in typeset.markdown(view, "Title.")
    tex = typeset.latex(view, "50 % & more", "tab99")
    assert "\\begin{tabular}{lr}" in tex and "x\\_y & \\textbf{1.0} \\\\" in tex and "$-$2.0 [$-$3.0, 1.0]" in tex
    assert typeset.latex_cell("$cash_{5}$ 2^1") == "\\$cash\\_\\{5\\}\\$ 2\\textasciicircum{}1"
    assert "\\caption{50 \\% \\& more}" in tex and tex.count("\\toprule") == tex.count("\\bottomrule") == 1


def test_profile_without_truth_ward_baselines_and_ablation(tmp_path):
    results = Results(write_results(tmp_path, "quick", truth=False, failed=0, overrides={
        "dataset.kind": "folder", "baselines.enabled": False, "noise.ablation_steps": 0, "regions.sources": ["motion"],
        "regions.grains": ["silhouette", "box"], "regions.controls": []}))  # fmt: skip
    assert not [name for name in TABLES["tab04"](results).view if "elsewhere" in name]
    made = {name: make(results) for name, make in TABLES.items()}
    assert (
        "domain" not in made["tab01"].view
        and set(made["tab02"].data["domain"]) == {"test"}
        and made["tab06"].data.empty
    )
    assert set(made["tab07"].data["part"]) == {"test"} and "ward" not in made["tab07"].caption
    for name, table in made.items():
        TABLES[name].save(table, tmp_path / name)


def test_missing_result_names_file_and_notebook(results, tmp_path):
    with pytest.raises(UserError, match=r"clips\.parquet.*01_data_prep"):
        TABLES["tab01"](tmp_path)
    write_results(tmp_path, "quick")
    (tmp_path / "noise" / "attack.parquet").unlink()
    with pytest.raises(UserError, match=r"noise/attack\.parquet.*04_noise_training"):
        TABLES["tab05"](tmp_path)


def test_pooled_runs_count_every_clip_and_keep_groups_together(results, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(results.folder, other)
    noise = pd.read_parquet(other / "predictions" / "noise.parquet")
    noise["pred"] = noise["pred"].where(
        noise["method"] != "gated", (noise["label"] + 1) % 12
    )  # here gated noise gets nothing right
    noise.to_parquet(other / "predictions" / "noise.parquet")
    run = json.loads((other / "run.json").read_text())
    run["profile"]["name"] = "quick-seed1"
    (other / "run.json").write_text(json.dumps(run))
    table, one = pooled([results, Results(other)]), claims.claims(results).set_index("id")
    data = table.data.set_index("id")
    assert (data["n_clips"] == 2 * one["n_clips"]).all() and (data["n_groups"] == one["n_groups"]).all()
    assert data.loc["gated", "value"] == pytest.approx(
        (data.loc["gated", "quick"] + data.loc["gated", "quick-seed1"]) / 2
    )
    assert data.loc["gated", "quick"] == one.loc["gated", "value"] > data.loc["gated", "quick-seed1"]
    assert data.loc["zero-shot", "value"] == pytest.approx(one.loc["zero-shot", "value"])
    items.save_table(table, tmp_path / "pooled")


def test_what_was_asked_for_with_from_04_is_in_its_table(tmp_path):
    """Notebook 01 noted a profile without these steps; notebook 04 was then run alone, with them."""
    folder = write_results(tmp_path / "quick", "quick", failed=0, overrides={"noise.ablation_steps": 0})
    assert TABLES["tab06"](Results(folder)).data.empty
    asked = write_results(tmp_path / "asked", "quick", failed=0, overrides={"noise.ablation_steps": 3})
    shutil.copy(asked / "noise/ablation.parquet", folder / "noise/ablation.parquet")
    table = TABLES["tab06"](Results(folder))
    assert len(table.data) and set(table.data["steps"]) == {3} and "on demand" not in table.caption


def test_ablation_hint_names_the_steps_of_the_reference(tmp_path, monkeypatch):
    results = Results(write_results(tmp_path / "quick", "quick", failed=0, overrides={"noise.ablation_steps": 0}))
    monkeypatch.setattr(opened, "reference_dir", lambda profile: tmp_path / "reference" / profile)
    assert "noise.ablation_steps=40`" in TABLES["tab06"](results).caption
    (tmp_path / "reference" / "quick").mkdir(parents=True)
    reference = pd.DataFrame({"setting": ["all terms"], "steps": [70]})
    reference.to_csv(tmp_path / "reference" / "quick" / "tab06.csv", index=False)
    assert "--set noise.ablation_steps=70`" in TABLES["tab06"](results).caption
    assert "of this run" in TABLES["tab08"](results).caption
