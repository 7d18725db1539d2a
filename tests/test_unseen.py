"""Classes left out of training: nothing of them is learned from, and their accuracy is told apart from that of the
others."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn.functional as F
from synthetic import write_results

from clipaction.analysis import harmonic, unseen
from clipaction.base.errors import UserError
from clipaction.evaluate.predictions import prediction_rows
from clipaction.noise.apply import anchored, isolate, with_anchored_noise
from clipaction.noise.gates import gate_weights, posterior_gate
from clipaction.noise.learning import material
from clipaction.paper import results as opened
from clipaction.paper.results import Results
from clipaction.paper.tables import TABLES, tab10_unseen
from clipaction.profiles import load_profile
from clipaction.vision.zero_shot import zero_shot

STEPS = {"noise.unseen_steps": 2}


@pytest.fixture
def six(toy_study, toy_frames, monkeypatch):
    """A study of six classes and twelve clips, all of which train, validate and test; the text tower's prototypes for
    tuned prompts."""
    generator = torch.Generator().manual_seed(4)
    head = F.normalize(torch.randn(6, 8, generator=generator), dim=-1)
    label = np.arange(12) % 6
    meta = toy_study.meta.assign(label=label, cls=[f"class{k}" for k in label], split="val")
    meta["group"] = [f"{name}/{i // 6}" for i, name in enumerate(meta["cls"])]
    classes = tuple(f"class{k}" for k in range(6))
    dataset = SimpleNamespace(classes=classes, phrases={name: name for name in classes}, templates=())
    few = {"frames": 3, "noise.batch": 8, "noise.resolution": 4, "noise.views": 1, **STEPS}
    vars(toy_study).update(toy_head=head, meta=meta, dataset=dataset, n_source=6, profile=load_profile("quick", few))
    asked = []

    def prompts(clip, phrases, features, labels, *_, others=()):
        asked.append((phrases, others, set(labels.tolist())))
        return head.flip(1)[[classes.index(name) for name in (*phrases, *others)]]

    monkeypatch.setattr(unseen, "tune_prompts", prompts)
    toy_study.asked = asked
    return toy_study


def test_every_class_is_left_out_once_and_the_seed_decides_when():
    found = unseen.orders(13, seed=3)
    assert sorted(c for order, known in found for c in order[known:]) == list(range(13))
    assert all(sorted(order) == list(range(13)) and known >= 8 for order, known in found)
    assert [order.tolist() for order, _ in found] == [order.tolist() for order, _ in unseen.orders(13, seed=3)]
    assert [order.tolist() for order, _ in found] != [order.tolist() for order, _ in unseen.orders(13, seed=4)]
    with pytest.raises(UserError, match="5 classes are too few"):
        unseen.orders(5, seed=0)


def test_nothing_of_a_class_that_is_left_out_is_learned_from(six, monkeypatch):
    """Neither its frames, nor its places as others' scenes, nor its validation clips, nor its name."""
    meta = six.meta
    given = material(six, meta, meta)
    seen, train, moved, in_other_scenes = [], unseen.train, [], unseen.in_other_scenes
    monkeypatch.setattr(unseen, "train", lambda *a, **k: seen.append(a) or train(*a, **k))
    monkeypatch.setattr(unseen, "in_other_scenes", lambda *a: moved.append(a[1]) or in_other_scenes(*a))
    divisions = [unseen.divide(six, given, meta, meta, *each) for each in unseen.orders(6, 0)]
    for division, places in zip(divisions, moved, strict=True):
        left_out = {f"class{c}" for c in division.order[division.known :]}
        clips = set(meta.loc[meta["cls"].isin(left_out), "clip"])
        assert len(clips) == 4 and not clips & {*division.frames.ids, *division.val["clip"]}
        assert set(places["clip"]) == set(division.val["clip"])  # whose scenes validation clips are shown in
        known = meta[~meta["clip"].isin(clips)]
        frames = six.store.plates[known["row"]].reshape(-1, 16, 16, 3)
        assert np.array_equal(division.frames.plates, frames)
        for rows in (division.val, division.test):
            names = [six.classes[division.order[label]] for label in rows["label"]]
            assert names == rows["cls"].tolist()
        labels = [six.classes[division.order[label]] for label in division.frames.labels]
        assert labels == known["cls"].repeat(3).tolist()
        assert division.views["whole"].probe.shape == (4, 9)
    unseen.unseen_classes(six, given, meta, meta)
    assert len(seen) == unseen.DIVISIONS * len(unseen.NOISES)
    assert all(len(head) == 4 and set(data.labels) == {0, 1, 2, 3} for _, head, data, *_ in seen)
    for (phrases, others, labels), division in zip(six.asked, divisions):
        assert [*phrases, *others] == [six.classes[c] for c in division.order] and labels == {0, 1, 2, 3}


def test_outcomes_of_all_divisions(six):
    given = material(six, six.meta, six.meta)
    rows = unseen.unseen_classes(six, given, six.meta, six.meta)
    assert list(rows) == unseen.COLUMNS and (rows["steps"] == 2).all()
    assert {"none", *unseen.NOISES, "prompts", "clip+probe", "anchored+probe"} <= set(rows["method"])
    assert "probe" not in set(rows["method"])  # it cannot name a novel class
    counts = rows.groupby(["method", "clip"])["seen"].sum()
    assert (counts == unseen.DIVISIONS - 1).all()
    # without training it does not matter which classes were left out
    none = rows[rows["method"] == "none"].pivot(index="clip", columns="division", values="right")
    assert (none.nunique(axis=1) == 1).all()
    again = unseen.unseen_classes(six, given, six.meta, six.meta)
    pd.testing.assert_frame_equal(rows, again)


def test_own_side_competes_alone():
    """Scores of four classes, two of them known: the best of all is on the wrong side, the best of its own is right."""
    scores = np.array([[0.2, 0.1, 0.9, 0.0], [0.5, 0.1, 0.2, 0.3]])
    meta = pd.DataFrame({name: ["a", "b"] for name in ("clip", "cls", "group", "split", "domain", "scene")})
    rows = prediction_rows(scores, None, meta.assign(label=[0, 3]), 1.0, "mine", "none", scores=True)
    found = unseen.outcomes(rows, known=2)
    assert found["seen"].tolist() == [True, False]
    assert found["right"].tolist() == [False, False] and found["right_own"].tolist() == [True, True]


def test_a_probe_of_few_classes_shares_what_clip_gives_them(toy_clip, toy_head, toy_frames):
    x = torch.from_numpy(toy_frames).permute(0, 1, 4, 2, 3).float() / 255
    probe = torch.randn(3, 9, generator=torch.Generator().manual_seed(1))
    for found, plain in zip(unseen.probe_among(toy_clip, toy_head, probe, x), zero_shot(toy_clip, toy_head, x)):
        p, clean = ((scores / toy_clip.tau).softmax(-1) for scores in (found, plain))
        torch.testing.assert_close(p[..., 3:], clean[..., 3:])
        torch.testing.assert_close(p[..., :3].sum(-1), clean[..., :3].sum(-1))
    everything = torch.cat([probe, torch.randn(2, 9)])
    alone = unseen.probe_among(toy_clip, toy_head, everything, x)[0]
    assert torch.allclose((alone / toy_clip.tau).softmax(-1).sum(-1), torch.ones(12))


@pytest.mark.parametrize("own_gate", [True, False])
def test_anchored_noise_of_few_classes_is_weaker_where_another_class_is_likely(
    toy_clip, toy_head, toy_frames, monkeypatch, own_gate
):
    """K = 3 noises where five classes compete: d_in is mixed by the gate, times CLIP's probability of those three."""
    x = torch.from_numpy(toy_frames).permute(0, 1, 4, 2, 3).float() / 255 * 0.5 + 0.25
    m = torch.zeros(12, 3, 16, 16)
    m[:, :, 4:12, 4:12] = 1
    monkeypatch.setattr("clipaction.noise.apply.action_boxes", lambda x, source: m[: len(x)])
    delta = torch.randn(4, 3, 16, 16, generator=torch.Generator().manual_seed(0)) * 0.02
    probe = torch.randn(3, 9, generator=torch.Generator().manual_seed(1)) if own_gate else None
    noisy = with_anchored_noise(toy_clip, toy_head, x, delta, "motion", probe)
    gate = posterior_gate(toy_head[:3], toy_clip.tau) if probe is None else probe
    features = toy_clip.encode_image(isolate(x.flatten(0, 1), m.flatten(0, 1)))
    pi = gate_weights(features, toy_head, gate, toy_clip.tau)
    assert pi.shape == (36, 3) and (pi.sum(1) < 1 - 1e-4).all()
    inside = torch.einsum("bk,kchw->bchw", pi, delta[:3]).unflatten(0, (12, 3))
    by_hand = x + m[:, :, None] * inside + (1 - m[:, :, None]) * delta[3]
    torch.testing.assert_close(noisy, by_hand.clamp(0, 1))
    assert anchored(toy_clip, toy_head, x, delta, "motion", probe)[0].shape == (12, 5)


def answered(right: dict[str, list[bool]], own: dict[str, list[bool]] | None = None) -> pd.DataFrame:
    """Outcomes of methods on three clips in three divisions; in the n-th the n-th clip is novel."""
    parts = []
    for method, values in right.items():
        for division in range(3):
            rows = pd.DataFrame({"clip": ["a", "b", "c"], "cls": ["a", "b", "c"], "group": ["a", "b", "c"]})
            seen, side = np.arange(3) != division, (own or right)[method]
            parts.append(
                rows.assign(division=division, method=method, seen=seen, right=values, right_own=side, steps=2)
            )
    return pd.concat(parts, ignore_index=True)


def test_harmonic_mean_of_base_and_novel_accuracy():
    rows = answered({"none": [True, False, False], "anchored": [True, True, False]})
    novel = rows["method"].eq("anchored") & ~rows["seen"]
    rows.loc[novel, "right"] = rows.loc[novel, "clip"] == "c"
    table = harmonic.base_and_novel(rows).set_index(["competing", "method"])
    none, mine = table.loc[("all", "none")], table.loc[("all", "anchored")]
    assert (none["base"], none["novel"], none["harmonic"]) == pytest.approx((1 / 3, 1 / 3, 1 / 3))
    assert (mine["base"], mine["novel"]) == pytest.approx((2 / 3, 1 / 3))
    assert mine["harmonic"] == pytest.approx(2 * (2 / 3) * (1 / 3) / (2 / 3 + 1 / 3))
    assert mine["harmonic_diff"] == pytest.approx(mine["harmonic"] - none["harmonic"])
    assert mine["novel_diff"] == pytest.approx(0) and np.isnan(none["novel_diff"])
    assert table.loc[("own", "anchored"), "novel"] == pytest.approx(2 / 3)
    for measure in harmonic.MEASURES:
        assert (table[f"{measure}_low"] <= table[measure]).all() and (table[measure] <= table[f"{measure}_high"]).all()
    assert harmonic.harmonic_mean(np.zeros(2), np.array([0.0, 1.0])).tolist() == [0, 0]


def test_words_name_what_the_intervals_tell():
    groups = 40
    base = answered({"none": [True, False, False]})
    parts = []
    for k in range(groups):
        one = base.assign(**{name: base[name] + str(k) for name in ("clip", "group")})
        parts += [one, one.assign(method="shared", right=~one["right"]), one.assign(method="anchored")]
        parts.append(one.assign(method="gated", right=False, right_own=False))
    text = harmonic.in_words(harmonic.base_and_novel(pd.concat(parts, ignore_index=True)))
    assert "gets 33.3 % right" in text
    assert "clear of zero: one shared noise. Worse: gated noise. No difference can be told: anchored noise." in text
    assert "highest harmonic mean has one shared noise, 66.7 %" in text


def saved(folder, rows: pd.DataFrame | None) -> Results:
    """Results of the profile quick with, or without, the study."""
    write_results(folder, "quick", failed=0, overrides=STEPS if rows is not None else None)
    if rows is not None:
        rows.to_parquet(folder / "noise" / "unseen.parquet")
    return Results(folder)


def test_table_shows_what_the_study_found(six, tmp_path):
    rows = unseen.unseen_classes(six, material(six, six.meta, six.meta), six.meta, six.meta)
    made = TABLES["tab10"](saved(tmp_path / "quick", rows))
    table = made.data.set_index(["competing", "method"])
    right = rows[(rows["method"] == "gated") & ~rows["seen"]]["right"].mean()
    assert table.loc[("all", "gated"), "novel"] == pytest.approx(right)
    cell = made.view.set_index("method").loc["gated noise", "all compete: novel"]
    assert cell.strip("*").startswith(f"{100 * right:.1f} [") and "3 divisions of the 6 classes" in made.caption
    for path in TABLES["tab10"].save(made, tmp_path / "tab10"):
        assert path.stat().st_size


def test_without_the_study_the_table_is_empty_and_says_how_to_make_it(tmp_path, monkeypatch):
    results = saved(tmp_path / "quick", None)
    monkeypatch.setattr(opened, "reference_dir", lambda profile: tmp_path / "reference" / profile)
    made = TABLES["tab10"](results)
    assert made.data.empty and f"--from 04 --set noise.unseen_steps={tab10_unseen.STEPS}`" in made.caption
    (tmp_path / "reference" / "quick").mkdir(parents=True)
    pd.DataFrame({"method": ["none"], "steps": [30]}).to_csv(
        tmp_path / "reference" / "quick" / "tab10.csv", index=False
    )
    assert "--set noise.unseen_steps=30`" in TABLES["tab10"](results).caption
