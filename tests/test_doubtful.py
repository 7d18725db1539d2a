"""Regions that cannot be right: known by their extent, counted by source, left out of what is said of real videos."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
import torch
from synthetic import write_results

from clipaction.analysis.doubtful import check_regions, counts, region_of, trusted
from clipaction.masking.regions.plausible import extent
from clipaction.notebook import pictures
from clipaction.paper import claims
from clipaction.paper.figures import FIGURES
from clipaction.paper.report import write_report
from clipaction.paper.results import Results
from clipaction.paper.tables import TABLES


@pytest.mark.parametrize(
    "rows, columns, doubt",
    [
        (slice(40, 60), slice(40, 60), ""),
        (slice(0, 100), slice(40, 60), ""),  # from border to border, but through the middle
        (slice(40, 43), slice(40, 43), "under 1% of the frame"),
        (slice(0, 90), slice(0, 90), "over 60% of the frame"),
        (slice(0, 100), slice(0, 8), "the border more than the middle"),
    ],
)
def test_what_cannot_be_right(rows, columns, doubt):
    mask = torch.zeros(3, 100, 100)
    mask[:, rows, columns] = 1
    found = extent(mask)
    assert found.doubt == doubt and found.area == pytest.approx(float(mask.mean()))
    assert 0 <= found.border <= 1 and 0 <= found.middle <= 1


def with_sources(study, *sources):
    found = study.profile.regions.model_copy(update={"sources": sources})
    study.profile = study.profile.model_copy(update={"regions": found})
    return study


def test_regions_of_a_study(square_study):
    study = with_sources(square_study, "truth", "motion", "relevance")
    checks = check_regions(study, study.meta)
    assert checks["source"].tolist() == ["truth"] * 12 + ["motion"] * 12  # relevance always takes as many pixels
    truth = checks[checks["source"] == "truth"]
    assert truth["area"].to_numpy() == pytest.approx(8 * 8 / 48**2) and truth["doubt"].eq("").all()
    for row in checks.itertuples():
        assert extent(region_of(study, row.row, row.source, row.part)).doubt == row.doubt


def test_still_clips_are_doubted_and_shown(square_study):
    frames = square_study.store.frames
    frames[2:5] = frames[2:5, :1]
    study = with_sources(square_study, "motion", "homography")
    checks = check_regions(study, study.meta)
    doubted = checks[checks["source"].eq("motion") & checks["doubt"].ne("")]
    assert set(doubted["clip"]) >= {"c2", "c3", "c4"} and doubted["doubt"].iloc[0] == "under 1% of the frame"
    table = counts(checks)
    assert table["clips"].to_dict() == {"motion": 12, "homography": 12}
    assert table.loc["motion", "doubtful"] == len(doubted)
    assert (table.drop(columns=["clips", "doubtful"]).sum(axis=1) == table["doubtful"]).all()
    shown = pictures.doubted(study, checks, count=2)
    titles = [axis.get_title() for axis in shown.axes if axis.get_title()]
    assert titles[0] == "c2\nmotion: under 1% of the frame" and len(titles) <= 4
    assert pictures.doubted(study, checks.assign(doubt="")).axes == []


def test_their_predictions_are_left_out_but_not_of_the_demo():
    names = ["none", "hide:actor+prop:box@motion", "control:hide:actor+prop:box@motion", "keep:actor+prop:box"]
    names += ["hide:actor+prop:box@motion/mean", "hide:relevant:silhouette", "shape:square:30:centre:still"]
    rows = pd.DataFrame([{"clip": clip, "condition": name} for clip in "ab" for name in names])
    checks = pd.DataFrame({"source": ["motion", "motion"], "clip": ["a", "b"], "doubt": ["over 60% of the frame", ""]})
    left = trusted(rows, checks, "folder").groupby("clip")["condition"].agg(list)
    assert left["a"] == [name for name in names if "motion" not in name] and left["b"] == names
    assert trusted(rows, checks, "demo") is rows
    assert trusted(rows, checks.assign(doubt=""), "folder") is rows


def results_with_doubts(folder, kind: str, doubted: int) -> Results:
    """Invented results of a run whose first clips' regions by `motion` cannot be right."""
    settings = {"dataset.kind": kind, "baselines.enabled": False, "regions.sources": ["motion", "relevance"]}
    settings |= {"regions.grains": ["silhouette", "box"], "regions.parts": ["actor+prop", "relevant"]}
    write_results(folder, "quick", truth=False, failed=0, overrides=settings)
    checks = pd.read_parquet(folder / "region_checks.parquet")
    checks.loc[: doubted - 1, "doubt"] = "over 60% of the frame"
    checks.to_parquet(folder / "region_checks.parquet")
    return Results(folder)


def test_tab04_of_real_videos_leaves_them_out_and_says_so(tmp_path):
    whole = TABLES["tab04"](results_with_doubts(tmp_path / "sound", "folder", 0))
    total = whole.data["n_clips"].max()
    few = TABLES["tab04"](results_with_doubts(tmp_path / "few", "folder", 5))
    left = few.data.set_index("condition")["n_clips"].groupby(level=0).first()
    assert {left[name] for name in left.index if "@motion" in name} == {total - 5}
    assert {left[name] for name in left.index if "relevant" in name} == {total}
    assert f"region cannot be right (motion 5 of {total})." in few.caption and "Left out" not in whole.caption
    none = TABLES["tab04"](results_with_doubts(tmp_path / "none", "folder", total))
    assert not none.data["condition"].str.contains("motion").any() and len(none.data)


def test_fig03_and_the_claims_of_real_videos_leave_them_out(tmp_path):
    """Each difference is of the same clips: those that are left out under a condition do not count unmasked, either."""
    whole, few, no_motion = (results_with_doubts(tmp_path / str(n), "folder", n) for n in (0, 5, 10**6))
    drawn = FIGURES["fig03"](few)
    rows = drawn.data[drawn.data["cls"] == "all classes"].set_index("condition")
    by_motion = rows.index.str.contains("@motion")
    total = len(whole.home("zero_shot"))
    assert by_motion.any() and set(rows.loc[by_motion, "n_clips"]) == {total - 5}
    assert set(rows.loc[~by_motion, "n_clips"]) == {total} and "region cannot be right (motion 5 of" in drawn.caption
    name = rows.index[by_motion][0]
    masking = few.table("predictions/masking.parquet").assign(right=lambda table: table["pred"] == table["label"])
    sides = masking.pivot(index="clip", columns="condition", values="right").astype(float)[5:]
    assert rows.loc[name, "change"] == pytest.approx((sides[name] - sides["none"]).mean())
    counts = [claims.claims(each).set_index("id")["n_clips"] for each in (whole, few)]
    assert counts[0]["where"] == total and counts[1]["where"] == total - 5 and counts[1]["headline"] == total
    assert not FIGURES["fig03"](no_motion).data["condition"].str.contains("motion").any()
    assert "where" not in set(claims.claims(no_motion)["id"])


def test_a_class_without_any_clip_left_is_an_empty_cell(tmp_path):
    results = results_with_doubts(tmp_path / "run", "folder", 0)
    checks = pd.read_parquet(results.folder / "region_checks.parquet")
    cls = checks["cls"].iloc[0]
    checks.loc[(checks["source"] == "motion") & (checks["cls"] == cls), "doubt"] = "under 1% of the frame"
    checks.to_parquet(results.folder / "region_checks.parquet")
    drawn = FIGURES["fig03"](Results(results.folder))
    cell = drawn.data[(drawn.data["cls"] == cls) & drawn.data["condition"].str.contains("@motion")].iloc[0]
    assert np.isnan(cell["change"]) and cell["n_clips"] == 0
    assert "–" in [text.get_text() for text in drawn.figure.axes[0].texts]


def test_tab04_of_the_demo_holds_every_clip(tmp_path):
    same, doubted = (TABLES["tab04"](results_with_doubts(tmp_path / str(n), "demo", n)) for n in (0, 5))
    assert same.caption == doubted.caption and same.data.equals(doubted.data)


def test_the_report_lists_them(tmp_path, monkeypatch):
    results, page = results_with_doubts(tmp_path / "run", "folder", 5), tmp_path / "report" / "index.html"
    monkeypatch.setattr("clipaction.paper.report.FIGURES", {})
    monkeypatch.setattr("clipaction.paper.report.TABLES", {})
    checks = results.table("region_checks.parquet")
    write_report(results, {}, claims.claims(results), page)
    html = page.read_text()
    assert (
        "5 doubted, clip by clip" in html
        and f"<code>{checks['clip'][0]}</code> by motion: over 60% of the frame" in html
    )
    assert "leaves these clips out" in html
