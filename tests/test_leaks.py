"""No leak: nothing that is learned or chosen depends on a test clip, its label or its group, and what is 'trained as on
real videos' depends on no exact mask."""

from __future__ import annotations

import copy

import numpy as np
import pandas as pd
import pytest
import torch
from conftest import ToyStore

from clipaction.analysis.tempering import calibrated, temperatures
from clipaction.evaluate.judge import evaluate_methods
from clipaction.evaluate.methods import METHODS, find_method
from clipaction.evaluate.mixing import mixtures
from clipaction.masking.plan import SQUARE
from clipaction.noise.learning import Material, learn_all, materials, setup_of
from clipaction.noise.protocols import HEADLINE, build_protocols
from clipaction.rivals import build_rivals, prompted

TRAIN, VAL, TEST = slice(0, 6), slice(6, 10), slice(10, 12)  # rows of `square_study`


@pytest.fixture(autouse=True)
def prompts(monkeypatch):
    """The toy has no text tower: class means of all that prompts are tuned on stand for tuned prompts."""

    def means(clip, phrases, train, labels, val, val_labels, seed):
        seen, classes = torch.cat([train, val]), torch.cat([labels, val_labels])
        return torch.stack([seen[classes == c].sum(0) + 0.01 for c in range(len(phrases))])

    monkeypatch.setattr(prompted, "tune_prompts", means)


@pytest.fixture
def other_study(square_study, tmp_path):
    """A copy of the study with other results, so nothing that was kept is taken over; `changed` overwrites arrays."""

    def make(name: str, meta: pd.DataFrame | None = None, clips: int = 12, **changed: np.ndarray):
        study, store = copy.copy(square_study), square_study.store
        arrays = {part: changed.get(part, getattr(store, part))[:clips] for part in ("frames", "parts", "plates")}
        own = square_study.meta if meta is None else meta
        vars(study).update(store=ToyStore(**arrays), meta=own, results=tmp_path / name)
        return study

    return make


def everything_learned(study) -> dict[str, torch.Tensor]:
    """Every tensor that training or selection leaves: noises, gates, curves, views, and what rivals hold."""
    train, val = study.clips("train"), study.clips("val")
    given = materials(study, train, val)
    learned, curves = learn_all(study, given, val)
    found = {f"noise {name}": noise for name, noise in learned.noises.items()}
    found |= {f"gate {name}": gate for name, gate in learned.gates.items()}
    found["curves"] = torch.from_numpy(curves[["loss", "ce", "val"]].to_numpy())
    found |= {f"{kind} {name}": views for kind, material in given.items() for name, views in embedded(material).items()}
    for name, rival in build_rivals(study, given).items():
        held = [value for value in (*rival.args, *rival.keywords.values()) if isinstance(value, torch.Tensor)]
        found |= {f"rival {name} {k}": value for k, value in enumerate(held)}
    return found


def embedded(material: Material) -> dict[str, torch.Tensor]:
    found = {
        f"{name} {part}": getattr(views, part) for name, views in material.views.items() for part in ("train", "val")
    }
    if material.swapped is not None:
        found["swapped"] = torch.from_numpy(material.swapped)
    return found


def changes(one: dict[str, torch.Tensor], two: dict[str, torch.Tensor]) -> set[str]:
    assert one.keys() == two.keys()
    return {name for name in one if not torch.equal(one[name].nan_to_num(-1), two[name].nan_to_num(-1))}


def noisy_copy(array: np.ndarray, rows: slice) -> np.ndarray:
    """The array with other rows."""
    found = array.copy()
    found[rows] = np.random.default_rng(9).integers(0, 256, found[rows].shape)
    return found


def test_test_clips_their_labels_and_their_groups_change_nothing_that_is_learned(square_study, other_study):
    before = everything_learned(square_study)
    assert len(before) > 30
    store, meta = square_study.store, square_study.meta.copy()
    meta.loc[meta["split"] == "test", ["label", "group", "cls"]] = [[0, "g0", "class0"], [1, "g9", "class1"]]
    frames, parts, plates = (noisy_copy(array, TEST) for array in (store.frames, store.parts, store.plates))
    shuffled = other_study("shuffled", meta, frames=frames, parts=parts, plates=plates)
    assert not changes(before, everything_learned(shuffled))
    removed = other_study("removed", meta[meta["split"] != "test"], clips=10)
    assert not changes(before, everything_learned(removed))


@pytest.mark.parametrize("rows", [TRAIN, VAL], ids=["train", "val"])
def test_other_clips_and_labels_would_be_noticed(square_study, other_study, rows):
    """The same comparison, with clips that are learned from."""
    before = everything_learned(square_study)
    seen = changes(before, everything_learned(other_study("f", frames=noisy_copy(square_study.store.frames, rows))))
    chosen = {"curves", "rival prompts 0", *(["rival offset 1"] if rows == TRAIN else [])}
    assert chosen <= seen
    meta = square_study.meta.copy()
    meta.loc[rows.start : rows.stop - 1, "label"] = (meta["label"][rows] + 1) % 5
    labelled = changes(before, everything_learned(other_study("l", meta)))
    assert chosen <= labelled
    if rows == TRAIN:
        learned = {name for name in before if name.startswith(("noise ", "rival probe")) and "posterior" not in name}
        assert learned | {f"gate {HEADLINE}", "gate gated"} <= seen & labelled


def test_groups_reach_no_training(square_study, other_study):
    meta = square_study.meta.assign(group=square_study.meta["group"].to_numpy()[::-1])
    assert not changes(everything_learned(square_study), everything_learned(other_study("groups", meta)))


def test_trained_as_on_real_videos_uses_no_truth_anywhere(square_study, other_study):
    """Other exact masks and plates change what is learned with them, and nothing of what is learned without."""
    store = square_study.store
    before = everything_learned(square_study)
    other = other_study("truth", parts=255 - store.parts, plates=255 - store.plates)
    changed = changes(before, everything_learned(other))
    real = {name for name in before if "real" in name}
    assert {"noise anchored-class-real", "gate anchored-class-real", "real swapped", "rival probe-real 0"} <= real
    assert {"real whole train", "real whole val", "real isolated train", "real isolated val"} <= real
    assert not changed & real
    assert {"noise anchored-class", "given whole train", "given whole val", "given swapped", "rival probe 0"} <= changed


def answers(study, methods: dict, split: str) -> pd.DataFrame:
    return evaluate_methods(study, study.clips(split), methods, ["none", SQUARE], split, scores=True)


@pytest.fixture
def rows(square_study) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Rows of all label-free, fast methods on validation and on test clips."""
    given = materials(square_study, square_study.clips("train"), square_study.clips("val"))
    learned, _ = learn_all(square_study, given, square_study.clips("val"))
    methods = build_protocols(setup_of(square_study, learned)) | build_rivals(square_study, given)
    free = {name: built for name, built in methods.items() if not find_method(name).uses_label | find_method(name).slow}
    return answers(square_study, free, "val"), answers(square_study, free, "test")


SAID = ["method", "condition", "clip", "pred", "p_pred", "scores"]  # what a row says without its label


def told_otherwise(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows with other labels and groups."""
    return rows.assign(label=(rows["label"] + 1) % 5, group="g")


def test_labels_of_test_rows_change_no_mixing_weight_and_no_mixed_answer(rows):
    val, test = rows
    mixed, weights = mixtures(METHODS, val, test)
    again, same = mixtures(METHODS, val, told_otherwise(test))
    assert set(weights["method"]) == {name for name, entry in METHODS.items() if entry.kind == "mixture"}
    pd.testing.assert_frame_equal(weights, same)
    pd.testing.assert_frame_equal(mixed[SAID], again[SAID])
    assert (mixed["label"] != again["label"]).all()
    other = mixtures(METHODS, told_otherwise(val), test)[1]
    assert not (weights["weight"] == other["weight"]).all()  # validation labels do choose


def test_labels_of_test_rows_change_no_temperature_and_no_calibrated_answer(rows):
    val, test = rows
    one, two = calibrated(val, test), calibrated(val, told_otherwise(test))
    pd.testing.assert_frame_equal(one[[*SAID, "temperature"]], two[[*SAID, "temperature"]])
    fitted = temperatures(val).set_index(["method", "condition"])["temperature"]
    assert (one["temperature"] == [fitted[m, c] for m, c in zip(one["method"], one["condition"])]).all()
    assert not np.allclose(fitted, temperatures(told_otherwise(val))["temperature"])


def test_frames_of_test_clips_change_no_mixing_weight_and_no_temperature(rows, square_study):
    val, test = rows
    shuffled = test.assign(scores=test["scores"].to_numpy()[::-1])
    assert mixtures(METHODS, val, test)[1]["weight"].tolist() == mixtures(METHODS, val, shuffled)[1]["weight"].tolist()
    for first, second in zip(calibrated(val, test)["temperature"], calibrated(val, shuffled)["temperature"]):
        assert first == second
