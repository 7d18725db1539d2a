"""claims.yaml and what is measured of it: the schema, numbers against the predictions they come from, p, Holm, verdicts
and their reasons, and what a run cannot tell."""

import json
import re
import shutil

import numpy as np
import pandas as pd
import pytest
import yaml
from claimed import methods_of, write_claimed

from clipaction.base.errors import UserError
from clipaction.base.paths import ROOT
from clipaction.evaluate.methods import registered_name
from clipaction.evaluate.predictions import accuracy
from clipaction.evaluate.significance import holm, sign_flip
from clipaction.noise.protocols import HEADLINE
from clipaction.paper import claims, findings
from clipaction.paper.claim_list import ClaimList, claim_list, own
from clipaction.paper.measures import permutation
from clipaction.paper.results import Results
from clipaction.paper.tables.pooled import pooled


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("claimed") / "quick"
    return Results(write_claimed(folder, overrides={"masking.percents": [10, 30]}))


@pytest.fixture(scope="module")
def table(run):
    return claims.claims(run).set_index("id", drop=False)


def listed(**changes) -> ClaimList:
    """The package's list with some fields changed."""
    return ClaimList.model_validate(claim_list().model_dump() | changes)


def entry(**changes) -> dict:
    """One valid claim, as a dictionary, with some fields changed."""
    found = {"id": "mine", "claim": "Noise does this", "said_by": "us", "family": "exploratory", "side": ">"}
    found |= {
        "source": "tab05",
        "step": "noise",
        "measure": "accuracy",
        "method": "gated",
        "against": {"method": "none"},
    }
    return {key: value for key, value in (found | changes).items() if value is not None}


def write_list(path, *entries):
    values = {"headline": "gated", "rivals": ["probe"], "trained": ["noise"], "claims": list(entries)}
    path.write_text(yaml.safe_dump(values | {"questions": [{"ask": "Really?", "claim": "mine"}]}))
    return path


# the list


def test_every_part_of_the_abstract_has_a_claim_and_the_primary_ones_are_few():
    found = {claim.id: claim for claim in claim_list().claims}
    primary = [claim for claim in found.values() if claim.family == "primary"]
    assert 6 <= len(primary) <= 10
    paper = {claim.id for claim in found.values() if claim.said_by == "paper"}
    assert {"errors", "instability", "where", "headline", "headline-sure", "headline-nll"} <= paper
    assert {"masking", "headline-reliance", "headline-relevance"} <= paper
    assert not paper & {"headline-ward", "class-specific", "headline-other"}  # the abstract does not say these
    assert claim_list().method("headline+probe") == f"{claim_list().headline}+probe"
    assert claim_list().method("clip+probe") == "clip+probe"


def test_every_method_that_is_named_is_registered():
    named = [name for step in ("noise", "calibrated", "relevance", "ward") for name in methods_of(step)]
    missing = {name for name in [*named, *claim_list().rivals] if registered_name(name) is None}
    assert missing == set() and claim_list().headline == HEADLINE  # what notebooks train and explain as the headline


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"side": "="}, r"claim mine: side: .*'>' or '<'.*got '='"),
        ({"said_by": None}, "claim mine: said_by: field required"),
        ({"colour": "red"}, "claim mine: colour"),
        ({"measure": "beauty"}, "claim mine: measure: .*accuracy"),
        ({"measure": "relevance"}, "claim mine: measure relevance cannot be taken from step noise"),
        ({"step": "relevance"}, "claim mine: measure accuracy cannot be taken from step relevance"),
        ({"against": {"method": "gated"}}, "claim mine: against: method gated is the claim's own"),
        ({"against": {"method": "none", "scene": "other"}}, "name exactly one of method, condition and scene"),
        ({"against": "nothing"}, "claim mine: against"),
        ({"source": "page 3"}, "claim mine: source"),
        ({"condition": "dark"}, "claim mine: condition"),
        ({"id": "other"}, "questions: no claim mine"),
    ],
)
def test_what_does_not_fit_is_named_with_its_claim(tmp_path, changes, message):
    with pytest.raises(UserError, match=message) as caught:
        claim_list(write_list(tmp_path / "claims.yaml", entry(**changes)))
    assert "\n" not in str(caught.value)


def test_a_list_needs_different_ids_and_must_be_yaml(tmp_path):
    with pytest.raises(UserError, match="claim mine is there twice"):
        claim_list(write_list(tmp_path / "claims.yaml", entry(), entry()))
    (tmp_path / "claims.yaml").write_text("claims: [")
    with pytest.raises(UserError, match="not readable as YAML"):
        claim_list(tmp_path / "claims.yaml")
    assert claim_list() is own()


# what is measured


def test_every_claim_is_measured_where_the_data_are_there(run, table):
    assert table["id"].tolist() == [claim.id for claim in claim_list().claims] and claims.left_out(table) == []
    assert list(table.columns) == claims.COLUMNS
    assert table[["value", "low", "high", "p", "n_clips", "n_groups", "reason"]].notna().all().all()
    assert ((table["low"] <= table["value"]) & (table["value"] <= table["high"])).all()
    assert table["p"].between(0, 1).all()


def test_numbers_come_from_the_predictions(run, table):
    noise, headline = run.home("noise"), claim_list().headline
    right = {key: accuracy(rows) for key, rows in noise.groupby(["method", "condition"])}
    (gone,) = [name for name in noise["condition"].unique() if name.startswith("hide:")]
    assert table.loc["gated", "value"] == pytest.approx(right["gated", "none"] - right["none", "none"])
    assert table.loc["beyond-mixture", "value"] == pytest.approx(
        right[f"{headline}+probe", "none"] - right["clip+probe", "none"]
    )
    assert table.loc["headline-reliance", "value"] == pytest.approx(right[headline, gone] - right["none", gone])
    rows = noise[noise["condition"] == "none"].set_index("clip")
    nll = rows[rows["method"] == headline]["nll"] - rows[rows["method"] == "none"]["nll"]
    assert table.loc["headline-nll", "value"] == pytest.approx(nll.mean())
    assert table.loc["headline-miscalibration", "value"] == pytest.approx(0.1 * nll.mean())
    masking = {name: accuracy(rows) for name, rows in run.home("masking").groupby("condition")}
    boxed = "hide:actor+prop:box"
    assert table.loc["where", "value"] == pytest.approx(masking[boxed] - masking[f"control:{boxed}"])
    zero = run.home("zero_shot")
    usual, other = (accuracy(zero[zero["scene"] == scene]) for scene in ("usual", "other"))
    assert table.loc["scene", "value"] == pytest.approx(usual - other)
    assert table.loc["zero-shot-ward", "against"] == 1 / 16 and table.loc["zero-shot", "against"] == 1 / 12


def test_two_conditions_count_each_clip_once_and_use_both(run, table):
    noise, square = run.home("noise"), "shape:square:30:centre:still"
    both = noise[noise["condition"].isin(["none", square])]
    right = {method: accuracy(rows) for method, rows in both.groupby("method")}
    assert table.loc["beyond-shared", "value"] == pytest.approx(right["gated"] - right["shared"])
    assert table.loc["beyond-shared", "n_clips"] == noise["clip"].nunique()


def test_the_best_rival_is_the_best_on_these_clips_and_named(run, table, tmp_path):
    noise = run.home("noise")
    clean = {name: accuracy(rows) for name, rows in noise[noise["condition"] == "none"].groupby("method")}
    known = [name for name in claim_list().rivals if name in clean]
    best = max(known, key=lambda name: clean[name])
    row = table.loc["beyond-best-rival"]
    assert len(known) > 3 and row["value"] == pytest.approx(clean[claim_list().headline] - clean[best])
    assert f"the best rival here, {run.method(best).label}" in row["number"]
    changed = Results(shutil.copytree(run.folder, tmp_path / "quick"))
    worst = min(known, key=lambda name: clean[name])
    noise = pd.read_parquet(changed.folder / "predictions" / "noise.parquet")
    noise.loc[noise["method"] == worst, "pred"] = noise["label"]  # now it is right on every clip
    noise.to_parquet(changed.folder / "predictions" / "noise.parquet")
    row = claims.claims(changed).set_index("id").loc["beyond-best-rival"]
    assert run.method(worst).label in row["number"] and row["verdict"] != claims.HOLDS


def test_a_claim_never_rests_on_a_method_that_is_told_the_class(run):
    one = listed(claims=[entry(method="oracle")], questions=[{"ask": "Really?", "claim": "mine"}])
    with pytest.raises(UserError, match="oracle is told each clip's class"):
        claims.claims(run, one)
    assert not claims.claims(run)["number"].str.contains("oracle").any()


def test_bounds_change_nothing(run, table, tmp_path):
    copy = Results(shutil.copytree(run.folder, tmp_path / "quick"))
    noise = pd.read_parquet(copy.folder / "predictions" / "noise.parquet")
    noise[~noise["method"].str.contains("oracle")].to_parquet(copy.folder / "predictions" / "noise.parquet")
    pd.testing.assert_frame_equal(claims.claims(copy), table.reset_index(drop=True))


def test_what_a_run_lacks_is_left_out_and_said(tmp_path):
    results = Results(
        write_results_without_truth(tmp_path / "quick"),
    )
    found = claims.claims(results)
    assert not {"scene", "ward", "relevance", "gated-other", "headline-ward"} & set(found["id"])
    assert {"where", "gated", "reliance"} <= set(found["id"])
    assert "CLIP leans on the scene" in claims.left_out(found)


def write_results_without_truth(folder):
    from synthetic import write_results

    settings = {"dataset.kind": "folder", "regions.sources": ["motion"], "regions.grains": ["silhouette", "box"]}
    return write_results(folder, "quick", truth=False, overrides=settings | {"baselines.enabled": False})


def test_a_headline_that_is_asked_about_by_name_is_not_counted_twice(run, table):
    found = claims.claims(run, listed(headline="gated")).set_index("id")
    assert "headline" in found.index and not {"gated", "sure", "headline-beyond-gated"} & set(found.index)
    assert found.loc["headline", "value"] == table.loc["gated", "value"]
    assert found.loc["headline", "p_holm"] >= table.loc["gated", "p"]


# tests and verdicts


def test_p_is_by_groups_and_holm_over_the_primary_claims_only(run, table):
    noise = run.home("noise")
    clean = noise[noise["condition"] == "none"].set_index("clip").sort_index()
    sides = [clean[clean["method"] == name] for name in ("gated", "none")]
    right = [(side["pred"] == side["label"]).astype(float) for side in sides]
    assert table.loc["gated", "p"] == sign_flip(right[0] - right[1], sides[0]["group"])
    primary = table["family"] == "primary"
    assert table.loc[~primary, "p_holm"].isna().all()
    np.testing.assert_allclose(table.loc[primary, "p_holm"], holm(table.loc[primary, "p"]))
    assert set(table["test"]) == {
        *("sign flips of groups", "sign flips of groups against the boundary", "permutation of groups")
    }
    assert table.loc["scene", "test"] == "permutation of groups"


def test_permutation_of_groups():
    rng = np.random.default_rng(0)
    groups, first = np.repeat(np.arange(20), 4), np.repeat(np.arange(20) < 10, 4)
    alike = np.repeat(rng.normal(size=20), 4)  # clips of a group agree: 20 observations, not 80
    shifted = alike + 3.0 * first
    assert permutation(shifted, groups, first) == 1 / 10_000 or permutation(shifted, groups, first) < 0.001
    order = rng.permutation(80)
    assert permutation(alike, groups, first) == permutation(alike[order], groups[order], first[order])
    assert permutation(np.ones(80), groups, first) == 1.0
    found = []
    for _ in range(200):  # where nothing differs, p is uniform, however alike the clips of a group are
        found.append(permutation(np.repeat(rng.normal(size=20), 4), groups, first, n=199))
    assert 0.01 <= np.mean(np.array(found) <= 0.05) <= 0.11


def test_verdict_needs_the_interval_and_p_on_either_side():
    assert claims.verdict(0.01, 0.2, ">") == claims.HOLDS and claims.verdict(0.01, 0.2, "<") == claims.FAILS
    assert claims.verdict(-0.1, 0.2, ">") == claims.verdict(np.nan, np.nan, "<") == claims.OPEN
    assert claims.verdict(0.2, 0.3, ">", against=0.25) == claims.OPEN
    assert claims.verdict(0.01, 0.2, ">", p=0.049) == claims.HOLDS
    assert claims.verdict(0.01, 0.2, ">", p=0.05) == claims.OPEN
    assert claims.verdict(0.01, 0.2, "<", p=0.049) == claims.FAILS
    assert claims.verdict(0.01, 0.2, "<", p=0.9) == claims.OPEN


@pytest.mark.parametrize(
    "numbers, family, verdict, reason",
    [
        ((0.01, 0.2, 0.001), "primary", claims.HOLDS, "the interval lies above 0 and Holm p = 0.001"),
        ((0.01, 0.2, 0.0001), "primary", claims.HOLDS, "the interval lies above 0 and Holm p < 0.001"),
        ((0.01, 0.2, 0.06), "primary", claims.OPEN, "the interval lies above 0, but Holm p = 0.060"),
        ((-0.1, 0.2, 0.01), "primary", claims.OPEN, "the interval contains 0"),
        (
            (-0.2, -0.1, 0.01),
            "primary",
            claims.FAILS,
            "the interval lies below 0, on the other side and Holm p = 0.010",
        ),
        (
            (-0.2, -0.1, 0.06),
            "exploratory",
            claims.OPEN,
            "the interval lies below 0, on the other side, but p = 0.060",
        ),
        ((0.01, 0.2, 0.04), "exploratory", claims.HOLDS, "the interval lies above 0 and p = 0.040"),
        ((0.01, 0.2, 0.06), "exploratory", claims.OPEN, "the interval lies above 0, but p = 0.060"),
        ((0.01, 0.2, np.nan), "exploratory", claims.HOLDS, "the interval lies above 0"),
        ((np.nan, np.nan, 1.0), "exploratory", claims.OPEN, "one group gives no interval"),
    ],
)
def test_reasons(numbers, family, verdict, reason):
    low, high, p = numbers
    row = {"id": "a", "family": family, "unit": "points", "expected": ">", "against": 0.0}
    found = claims.judged(pd.DataFrame([row | {"value": 0.0, "low": low, "high": high, "p": p}])).iloc[0]
    assert (found["verdict"], found["reason"]) == (verdict, reason)
    assert ("(exploratory)" in claims.marked(found)) == (family == "exploratory")


def test_many_primary_claims_make_each_harder():
    row = {"family": "primary", "unit": "points", "expected": ">", "against": 0.0, "value": 0.1, "low": 0.05}
    row |= {"high": 0.2, "p": 0.01}
    found = {n: claims.judged(pd.DataFrame([row] * n))["verdict"][0] for n in (1, 4, 5, 8)}
    assert found == {1: claims.HOLDS, 4: claims.HOLDS, 5: claims.OPEN, 8: claims.OPEN}


def test_questions_are_answered_by_their_claims(table):
    question, *others = claim_list().questions
    row = table.loc[question.claim]
    assert others and all(other.ask in claims.answer(table) for other in others)
    assert row["verdict"] == claims.HOLDS
    text = claims.answer(table)
    assert text.startswith(f"{question.ask} Yes") and row["reason"] in text and row["number"] in text
    assert claims.printed(next(table.loc[[row["id"]]].itertuples()))[0] in text
    changed = table.copy()
    for verdict, word in ((claims.OPEN, "Not shown"), (claims.FAILS, "No, it takes away")):
        changed.loc[row["id"], "verdict"] = verdict
        assert claims.answer(changed).startswith(f"{question.ask} {word}")
    asked = [f"{each.ask} Not measured in this run." for each in claim_list().questions]
    assert claims.answer(table.drop([each.claim for each in claim_list().questions])) == " ".join(asked)


def test_several_runs_are_judged_together(run, tmp_path):
    folder = shutil.copytree(run.folder, tmp_path / "other")
    facts = json.loads((folder / "run.json").read_text())
    facts["profile"]["name"] = "quick-seed1"
    (folder / "run.json").write_text(json.dumps(facts))
    noise = pd.read_parquet(folder / "predictions" / "noise.parquet")
    mixture = noise["method"] == f"{claim_list().headline}+probe"
    noise.loc[mixture, "pred"] = (noise["label"] + 1) % 12  # in this run noise spoils the mixture
    noise.to_parquet(folder / "predictions" / "noise.parquet")
    together, question = pooled([run, Results(folder)]), claim_list().questions[0]
    data = together.data.set_index("id", drop=False)
    primary = data["family"] == "primary"
    np.testing.assert_allclose(data.loc[primary, "p_holm"], holm(data.loc[primary, "p"]))
    row = data.loc[question.claim]
    assert row["quick"] > 0 > row["value"] > row["quick-seed1"] and row["verdict"] != claims.HOLDS
    assert together.caption.startswith(claims.answer(together.data)) and row["reason"] in together.caption
    assert together.view["verdict"].str.contains("(exploratory)", regex=False).tolist() == (~primary).tolist()
    assert set(data.columns) - set(claims.COLUMNS) == {"quick", "quick-seed1"}


# the findings in the README


def test_findings_hold_the_verdicts_of_the_table(table, tmp_path):
    folder = tmp_path / "demo"
    folder.mkdir()
    table.to_csv(folder / "claims.csv", index=False)
    text = findings.block(folder)
    assert text.startswith(findings.BEGIN) and text.endswith(findings.END) and max(map(len, text.splitlines())) <= 120
    flat = " ".join(text.split())
    assert claims.answer(table) in flat
    for row in table[table["family"] == "primary"].itertuples():
        assert f"- {row.claim}: {claims.printed(row)[0]}" in flat and row.number in flat
    heading = "**Primary claims: holds**"
    held = flat.split(heading)[1].split("**")[0]
    assert [row.claim in held for row in table[table["family"] == "primary"].itertuples()] == [
        row.verdict == claims.HOLDS for row in table[table["family"] == "primary"].itertuples()
    ]
    changed = table.assign(verdict=table["verdict"].where(table["id"] != "headline", claims.OPEN))
    changed.to_csv(folder / "claims.csv", index=False)
    assert "**Primary claims: undecided**" in findings.block(folder) != text


def test_findings_prefer_several_runs(table, tmp_path):
    folder = tmp_path / "demo"
    folder.mkdir()
    table.to_csv(folder / "claims.csv", index=False)
    table.assign(**{"demo": 0.1, "demo-seed1": -0.2}).to_csv(folder / "pooled.csv", index=False)
    text = " ".join(findings.block(folder).split())
    assert "2 whole runs taken together" in text and "single runs +10.0 / −20.0" in text
    (folder / "pooled.csv").write_text("id,claim\n")
    with pytest.raises(UserError, match="pooled.csv: no column"):
        findings.block(folder)


def test_only_the_block_of_the_readme_is_replaced(tmp_path):
    text = f"# Title\n\n{findings.BEGIN}\nold\n{findings.END}\n\nafter\n"
    new = f"{findings.BEGIN}\nnew\n{findings.END}"
    assert findings.with_block(text, new) == f"# Title\n\n{new}\n\nafter\n"
    with pytest.raises(UserError, match="marks of the findings"):
        findings.with_block("# Title", new)


def test_the_readme_says_how_the_demo_was_biased():
    card = (ROOT / "clipaction" / "demo" / "clipaction-compact.md").read_text()
    (usual,) = re.findall(r"the action's own in (\d+)% of the images", card)
    (wrong,) = re.findall(r"(\d+)% of the captions of whole frames name the scene's usual action", card)
    second = findings.README.read_text().split("\n\n")[2]
    assert f"In {usual} % of its training images" in second and f"{wrong} % of the captions of whole frames" in second
    assert "on\npurpose" in second or "on purpose" in second


def test_the_readme_holds_what_was_published():
    folder = findings.reference_dir("demo")
    if not set(claims.COLUMNS) <= set(pd.read_csv(folder / "claims.csv").columns):
        pytest.skip("published by an earlier version; publish again, then python -m clipaction.paper.findings --write")
    assert findings.block(folder) in findings.README.read_text(), "python -m clipaction.paper.findings --write"
