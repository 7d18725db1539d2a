"""The whole paper at toy size, as a reviewer runs it.

Every figure and table is made, a second run reuses everything, and labels of test clips are not used.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import nbformat
import numpy as np
import pandas as pd
import pytest
import torch
import yaml

from clipaction.analysis.ablation import ablation
from clipaction.base.files import read_json
from clipaction.evaluate.judge import evaluate_methods
from clipaction.evaluate.methods import find_method
from clipaction.masking.plan import SQUARE
from clipaction.noise import learning
from clipaction.noise.files import save_noise
from clipaction.noise.gates import posterior_gate
from clipaction.noise.protocols import HEADLINE, build_protocols
from clipaction.paper.figures import FIGURES
from clipaction.paper.tables import TABLES
from clipaction.profiles import load_profile
from clipaction.rivals import build_rivals
from clipaction.run.bench import agreement, bench
from clipaction.run.live import Live
from clipaction.run.notebook import execute
from clipaction.run.work import on_demand, sizes, steps
from clipaction.study import Study, open_study

ROOT = Path(__file__).parents[1]
TOY = [
    "dataset.test_groups=1",
    "dataset.test_clips=1",
    "dataset.frames_per_clip=8",
    "frames=2",
    "noise.steps=3",
    "noise.ablation_steps=1",
    "baselines.epochs=1",
]
OVERRIDES = {field: yaml.safe_load(value) for field, value in (setting.split("=") for setting in TOY)}


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """Environment, arguments and folders of a finished toy run."""
    folder = tmp_path_factory.mktemp("toy")
    environment = {
        **os.environ,
        "CLIPACTION_DATA": str(folder / "data"),
        "CLIPACTION_RESULTS": str(folder / "results"),
        "CLIPACTION_FIGURES": str(folder / "figures"),
    }
    command = [
        sys.executable,
        "-m",
        "clipaction",
        "run",
        "--profile",
        "quick",
        *(part for setting in TOY for part in ("--set", setting)),
    ]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1800)
    return done, command, environment, folder


def test_it_finishes(toy):
    done = toy[0]
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]


def test_every_figure_and_table_is_there(toy):
    figures = toy[3] / "figures" / "quick"
    for items, suffixes in ((FIGURES, {".png", ".pdf", ".csv"}), (TABLES, {".csv", ".md", ".tex"})):
        for name in items:
            assert {path.suffix for path in figures.glob(f"{name}*")} == suffixes, name
    assert "toy" in (figures / "report" / "index.html").read_text().lower()


def test_the_forecast_counts_the_frames_that_the_run_embedded(toy):
    profile, timing = load_profile("quick", OVERRIDES), toy[3] / "results" / "quick" / "timing.parquet"
    real = pd.read_parquet(timing).set_index("step")
    n = sizes(profile)
    roughly = {"videos", *(step for _, step, _, _ in on_demand(profile, n))}
    for _, step, _, work in steps(profile, n):
        if step not in roughly:
            assert work.frames == pytest.approx(real.loc[step, "frames"], rel=0.15), step
            assert work.learned == pytest.approx(real.loc[step, "learned"], rel=0.05), step
    forecast = read_json(toy[3] / "results" / "quick" / "forecast.json") or {}
    seconds = {step: value for steps in forecast.values() for step, value in steps.items()}
    assert set(real.index[real["frames"] > 0]) <= set(seconds) and all(value >= 0 for value in seconds.values())
    assert "forecast for this machine" in toy[0].stdout


def test_predictions_have_the_documented_columns(toy):
    for path in (toy[3] / "results" / "quick" / "predictions").glob("*.parquet"):
        table = pd.read_parquet(path)
        assert {
            "clip",
            "label",
            "method",
            "condition",
            "level",
            "frame",
            "pred",
            "top5",
            "p_true",
            "p_pred",
            "margin",
            "entropy",
            "nll",
            "brier",
        } <= set(table), path.name
        assert table["p_pred"].between(0, 1).all() and (table["p_true"] <= table["p_pred"] + 1e-9).all()


def test_region_sources_are_scored_beside_chance(toy):
    scores = pd.read_parquet(toy[3] / "results" / "quick" / "region_scores.parquet").set_index("source")
    assert set(scores.index) == {"motion", "relevance", "centre prior", "random"}
    assert (
        scores[["area", "iou", "pointing", "top20"]].stack().dropna().between(0, 1).all()
        and scores.loc["motion", "pointing"].isna().all()
    )
    chance = scores.loc["random"]
    assert chance["top20"].mean() == pytest.approx(
        chance["area"].mean(), abs=0.02
    )  # random pixels are true as often as any


def test_executed_notebooks_hold_no_error(toy):
    for path in (toy[3] / "results" / "quick" / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            assert not [o for o in cell.get("outputs", []) if o.output_type == "error"], path.name


def test_executed_notebooks_keep_at_most_one_line_of_progress_a_cell(toy):
    for path in (toy[3] / "results" / "quick" / "notebooks").glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            texts = [o.text for o in cell.get("outputs", []) if o.get("name") == "stderr"]
            assert sum(len(re.findall(r"\d+%\|", text)) for text in texts) <= 1, path.name


def test_second_run_reuses_everything_and_is_fast(toy):
    _, command, environment, _ = toy
    started = time.time()
    again = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=300)
    assert again.returncode == 0 and again.stdout.count("reused") == 6, again.stdout[-2000:]
    assert time.time() - started < 60


def test_a_notebook_that_is_executed_again_finds_what_it_computed(toy, tmp_path):
    """As after a change of its text: what was embedded is kept by its own keys, whatever the notebook's record says."""
    _, command, environment, folder = toy
    shutil.copytree(folder / "results", tmp_path / "results")
    (tmp_path / "results" / "quick" / "notebooks" / "04.json").unlink()
    environment = {**environment, "CLIPACTION_RESULTS": str(tmp_path / "results")}
    again = subprocess.run([*command, "--only", "04"], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert again.returncode == 0 and "reused" not in again.stdout, again.stdout[-2000:] + again.stderr[-2000:]
    profile = load_profile("quick", OVERRIDES)
    frames = pd.read_parquet(tmp_path / "results" / "quick" / "timing.parquet").set_index("step")["frames"]
    own = [step for number, step, _, _ in steps(profile, sizes(profile)) if number == "04"]
    assert {step for step in own if frames.get(step)} == {"relevance shares", "ablation"}  # short; on demand


@pytest.fixture
def study(toy, monkeypatch):
    """The toy run's study, as its notebooks open it."""
    for variable in ("CLIPACTION_DATA", "CLIPACTION_RESULTS", "CLIPACTION_FIGURES"):
        monkeypatch.setenv(variable, toy[2][variable])
    return open_study("quick", OVERRIDES)


def test_permuted_labels_change_the_oracle_and_nothing_that_is_label_free(study, tmp_path):
    study.results = tmp_path  # nothing that the run kept
    counts = {"anchored": 2, "shared": 1, HEADLINE: study.n_source + 1, f"{HEADLINE}-real": study.n_source + 1}
    counts = {name: counts.get(name, study.n_source) for name in learning.RECIPES}
    noises = {name: torch.randn(count, 3, 96, 96).clamp(-1, 1) / 8 for name, count in counts.items()}
    gate = posterior_gate(study.head(), study.clip.tau)
    learned = learning.Learned(noises, {name: gate for name, recipe in learning.RECIPES.items() if recipe.gate})
    train, val, test = (study.clips(split) for split in ("train", "val", "test"))
    methods = build_protocols(learning.setup_of(study, learned))
    methods |= build_rivals(study, learning.materials(study, train, val))
    permuted = test.assign(label=np.roll(test["label"], 1))
    tables = [
        evaluate_methods(study, meta, methods, ["none"], step=f"labels-{k}") for k, meta in enumerate((test, permuted))
    ]
    answers = ["clip", "pred", "top5", "p_pred", "margin", "entropy"]
    for name in methods:
        one, two = (table.loc[table["method"] == name, answers].reset_index(drop=True) for table in tables)
        assert one.equals(two) != find_method(name).uses_label, name
    assert {name for name in methods if find_method(name).uses_label} == {"oracle", "naive-oracle"}


def test_test_clips_are_never_read_in_training_or_selection(study, tmp_path):
    read: set[int] = set()

    class Spy:
        """An array that notes which rows are read."""

        def __init__(self, array):
            self.array, self.shape = array, array.shape

        def __getitem__(self, index):
            rows = np.arange(len(self.array))[index[0] if isinstance(index, tuple) else index]
            read.update(np.ravel(rows).tolist())
            return self.array[index]

    store = study.store
    frames = Spy(store.frames)
    spy = SimpleNamespace(
        frames=frames,
        parts=Spy(store.parts),
        plates=Spy(store.plates),
        key=store.key,
        table=store.table,
        folder=store.folder,
        get=lambda rows: frames[np.asarray(rows)],
    )
    train, val, test = (study.clips(split) for split in ("train", "val", "test"))
    study = Study(study.profile, study.dataset, spy)
    study.results = tmp_path
    given = learning.materials(study, train, val)
    learned, _ = learning.learn_all(study, given, val)
    methods = build_protocols(learning.setup_of(study, learned)) | build_rivals(study, given)
    methods = {name: methods[name] for name in ("none", HEADLINE, "probe")}
    evaluate_methods(study, val, methods, ["none", SQUARE], scores=True)
    ablation(study, given["given"], val)
    assert read == {*train["row"], *val["row"]} and not read & {*test["row"]}


def test_an_interrupted_noise_is_trained_again_and_other_words_are_another_noise(study, tmp_path, monkeypatch):
    study.results, train, trained = tmp_path, learning.train, []
    monkeypatch.setattr(learning, "train", lambda *a, **k: trained.append(a) or train(*a, **k))
    val = study.clips("val")
    given = learning.material(study, study.clips("train"), val)

    def learn() -> torch.Tensor:
        return learning.learn(study, "shared", given, val)[0]

    first = learn()
    assert torch.equal(learn(), first) and len(trained) == 1
    path = tmp_path / "noise" / "shared.safetensors"
    save_noise(path, first * 0, key="of another run")  # killed before its curve was written
    assert torch.equal(learn(), first) and len(trained) == 2
    path.unlink()
    assert torch.equal(learn(), first) and len(trained) == 3
    monkeypatch.setattr(Study, "templates", ("somebody {}",))
    learn()
    assert len(trained) == 4


def test_the_loss_curve_is_a_picture_in_the_executed_notebook(toy):
    book = nbformat.read(toy[3] / "results" / "quick" / "notebooks" / "04_noise_training.ipynb", as_version=4)
    cell = next(cell for cell in book.cells if "LiveCurves(" in cell.source)
    assert any("image/png" in output.get("data", {}) for output in cell.outputs)


@pytest.mark.parametrize("name", ["explore_masks", "explore_noise"])
def test_explorers_run_without_a_front_end(toy, monkeypatch, name):
    _, _, environment, folder = toy
    for variable in ("CLIPACTION_DATA", "CLIPACTION_RESULTS", "CLIPACTION_FIGURES"):
        monkeypatch.setenv(variable, environment[variable])
    with Live(name) as live:
        execute(
            ROOT / "notebooks" / f"{name}.ipynb",
            folder / f"{name}.ipynb",
            {"profile": "quick", "overrides": OVERRIDES},
            live,
        )
    outputs = [
        o for cell in nbformat.read(folder / f"{name}.ipynb", as_version=4).cells for o in cell.get("outputs", [])
    ]
    pictures = [o["data"] for o in outputs if "image/png" in o.get("data", {})]
    assert len(pictures) == 2 and "The knobs need a kernel" in pictures[0]["text/plain"]  # a still, and the last cell's


def test_bench_prints_rates_and_ratios_taken_in_one_run(toy, monkeypatch):
    for variable in ("CLIPACTION_DATA", "CLIPACTION_RESULTS", "CLIPACTION_FIGURES"):
        monkeypatch.setenv(variable, toy[2][variable])
    printed = bench("quick", OVERRIDES, seconds=0.1)
    for line in ("decoding", "raw encoder", "sweep", "noise, used", "masks alone", "decode, sweep"):
        assert re.search(rf"^{line} +\d+\.\d frames/s", printed, re.M), printed
    for line in ("sweep .* ", "noise, used .* ", "noise step .*core, "):
        assert 0.05 < float(re.search(rf"^{line}(\d\.\d\d) of", printed, re.M)[1]) < 2, printed
    assert "as in fp32" not in printed  # all of it is
    study = open_study("quick", OVERRIDES | {"model.precision": "bf16"})
    line = agreement(study, study.store.get(study.clips("test")["row"])[:, 0])
    share, apart = map(float, re.fullmatch(r"as in fp32 +(\S+)% of \d+ frames'.* by (\S+) at most", line).groups())
    assert share >= 90 and 0 < apart < 0.02, line
