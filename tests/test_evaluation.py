"""Predictions: right numbers, kept only while everything that decided them is the same, and independent of batching."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch

from clipaction import evaluation
from clipaction.noise import plain


@pytest.fixture
def store(toy_frames):
    return SimpleNamespace(frames=toy_frames, key="toy", parts=None, plates=None, get=lambda rows: toy_frames[np.asarray(rows)])


@pytest.fixture
def meta():
    n = 12
    return pd.DataFrame({"clip": [f"c{i}" for i in range(n)], "cls": "x", "label": np.arange(n) % 5, "group": [f"g{i // 2}" for i in range(n)], "split": "test",
                         "domain": "", "scene": "", "row": np.arange(n)})  # fmt: skip


def test_probabilities_are_the_softmax_of_scores_over_tau(meta):
    scores = np.random.default_rng(0).normal(0, 0.1, (12, 5))
    table = evaluation.predictions(scores, None, meta, 0.07, "clip", "none")
    p = torch.tensor(scores / 0.07).softmax(1).numpy()
    np.testing.assert_allclose(table["p_pred"], p.max(1))
    np.testing.assert_allclose(table["p_true"], p[np.arange(12), meta["label"]])
    np.testing.assert_allclose(table["entropy"], -(p * np.log(p)).sum(1))
    assert (table["pred"] == scores.argmax(1)).all() and all(len(best.split()) == 5 for best in table["top5"])


def test_clip_and_frame_rows_agree_with_the_head(toy_clip, toy_head, store, meta, tmp_path, toy_frames):
    table = evaluation.evaluate(toy_clip, toy_head, store, meta, ["none"], tmp_path)
    x = torch.from_numpy(toy_frames).permute(0, 1, 4, 2, 3).float() / 255
    clips, frames = plain(toy_clip, toy_head, x)
    assert (table[table.level == "clip"]["pred"].to_numpy() == clips.argmax(1).numpy()).all()
    assert (table[table.level == "frame"]["pred"].to_numpy().reshape(12, 3) == frames.argmax(2).numpy()).all()


def test_batch_size_and_order_change_nothing(toy_clip, toy_head, store, meta, tmp_path):
    name = "shape:patches:30:random:moving"
    one = evaluation.evaluate(toy_clip, toy_head, store, meta, [name], tmp_path / "a", batch=3)
    two = evaluation.evaluate(toy_clip, toy_head, store, meta.iloc[::-1].reset_index(drop=True), [name], tmp_path / "b", batch=64)
    both = one.merge(two, on=["clip", "level", "frame"])
    assert len(both) == len(one) and np.allclose(both["p_pred_x"], both["p_pred_y"], atol=1e-5)


def test_a_finished_condition_is_reused_and_one_more_costs_only_itself(toy_clip, toy_head, store, meta, tmp_path, monkeypatch):
    asked = []
    original = evaluation.masked_batches
    monkeypatch.setattr(evaluation, "masked_batches", lambda *a, **k: asked.append(a[3]) or original(*a, **k))
    square = "shape:square:30:centre:still"
    evaluation.evaluate(toy_clip, toy_head, store, meta, ["none"], tmp_path)
    evaluation.evaluate(toy_clip, toy_head, store, meta, ["none", square], tmp_path)
    assert asked == ["none", square]


@pytest.mark.parametrize("change", ["weights", "head", "store", "seed", "clips", "uses"])
def test_whatever_decides_a_prediction_is_in_its_key(toy_clip, toy_head, store, meta, tmp_path, monkeypatch, change):
    asked = []
    original = evaluation.masked_batches
    monkeypatch.setattr(evaluation, "masked_batches", lambda *a, **k: asked.append(1) or original(*a, **k))
    arguments = dict(clip=toy_clip, head=toy_head, store=store, meta=meta, conditions=["none"], folder=tmp_path, seed=0, uses="")
    evaluation.evaluate(**arguments)
    if change == "weights":
        toy_clip.weights_hash = "other"
    elif change == "store":
        store.key = "other"
    else:
        arguments |= {"head": {"head": toy_head.flip(0)}, "seed": {"seed": 1}, "clips": {"meta": meta.head(6)}, "uses": {"uses": "noise"}}[change]
    evaluation.evaluate(**arguments)
    assert len(asked) == 2


def test_half_written_piece_is_not_believed(tmp_path):
    (tmp_path / "p.parquet").write_bytes(b"PAR1 and then the power went")
    table = evaluation.cached(tmp_path / "p.parquet", "key", lambda: pd.DataFrame({"a": [1]}))
    assert table["a"].tolist() == [1]
    assert evaluation.cached(tmp_path / "p.parquet", "key", lambda: pytest.fail("computed again"))["a"].tolist() == [1]


def test_protocols_are_handed_images_and_nothing_else(toy_clip, toy_head, store, meta, tmp_path):
    """Permuted labels change what is scored, never what is predicted."""
    seen = []

    def protocol(*args, **kwargs):
        seen.append((len(args), kwargs))
        return plain(toy_clip, toy_head, *args)

    one = evaluation.evaluate(toy_clip, toy_head, store, meta, ["none"], tmp_path / "a", protocol=protocol)
    two = evaluation.evaluate(toy_clip, toy_head, store, meta.assign(label=(meta["label"] + 1) % 5), ["none"], tmp_path / "b", protocol=protocol)
    assert (one["pred"] == two["pred"]).all() and np.allclose(one["p_pred"], two["p_pred"])
    assert all(count == 1 and not kwargs for count, kwargs in seen)
