"""The kinds of cached files, each kept by a small study, and how each is used."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import json
from pathlib import Path
from unittest import mock

import numpy as np
import pandas as pd
import torch
from conftest import ToyStore, make_clip, make_study
from synthetic import CLINICAL, HOME, clips_table
from test_detector import SIZE, Finds
from test_store import toy_dataset

from clipaction.base.cache import save_table
from clipaction.base.files import write_json
from clipaction.base.paths import data_dir, figures_dir, results_dir
from clipaction.data.dataset import load_dataset
from clipaction.data.store import prepare
from clipaction.demo.make import rendered_clips
from clipaction.evaluate.judge import note_methods
from clipaction.masking.regions import Evidence, detector, kept, motion, region
from clipaction.noise import learning, training
from clipaction.noise.frames import TrainingFrames
from clipaction.paper.records import up_to_date
from clipaction.paper.results import Results
from clipaction.paper.tables import TABLES
from clipaction.profiles import load_profile
from clipaction.profiles.schema import NoiseConfig
from clipaction.rivals import fitting
from clipaction.run import runner
from clipaction.study import Study

from .damage import Kind, contents, threads_that_render

ONE_SHAPE = "shape:square:30:centre:still"
FEW = {
    "dataset.classes": ["Archery", "Biking"],
    "dataset.test_groups": 1,
    "dataset.train_groups": 1,
    "dataset.ward_groups": 0,
}


def plain(table: pd.DataFrame) -> str:
    return table.drop(columns="seconds", errors="ignore").to_csv()


def squares_study() -> Study:
    """Ten clips of a bright square that walks over speckled ground, in the results folder of `quick`."""
    generator, (n, t, s) = np.random.default_rng(2), (10, 2, 48)
    plates = generator.integers(30, 90, (n, t, s, s, 3)).astype(np.uint8)
    parts = np.zeros((n, t, 5, s, s), np.uint8)
    for i, k in np.ndindex(n, t):
        parts[i, k, 0, 4 + 2 * i : 16 + 2 * i, 2 + 12 * k : 14 + 12 * k] = 255
    frames = np.where(parts[:, :, 0, ..., None] > 0, 200, plates).astype(np.uint8)
    facts = {"clip": [f"c{i}" for i in range(n)], "label": np.arange(n) % 5, "split": ["train"] * 6 + ["val"] * 4}
    meta = pd.DataFrame({**facts, "domain": "", "scene": "", "row": np.arange(n)})
    meta = meta.assign(cls=[f"class{k}" for k in meta["label"]], group=[f"g{i // 2}" for i in range(n)])
    head = torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(1)), dim=-1)
    return make_study(make_clip(48), head, ToyStore(frames, parts, plates), meta, results_dir("quick"))


def pieces() -> Kind:
    study = squares_study()
    return Kind(
        "predictions",
        lambda: plain(study.evaluate(study.meta, ["none", ONE_SHAPE], "toy")),
        lambda: sorted((study.results / "predictions" / "toy").glob("*.parquet"))[:1],
        parquet(pd.DataFrame({"clip": ["c0"], "p_true": [1.0]})),
    )


def parquet(table: pd.DataFrame) -> bytes:
    """A table as another program writes it, without key and checksums."""
    buffer = io.BytesIO()
    table.to_parquet(buffer)
    return buffer.getvalue()


def noises() -> Kind:
    study = squares_study()
    val = study.clips("val")
    given = learning.materials(study, study.clips("train"), val)["given"]

    def use():
        noise, gate, curve = learning.learn(study, "shared", given, val)
        return noise.numpy().tobytes(), gate is None, plain(curve)

    folder = study.results / "noise"
    return Kind("noise and its curve", use, lambda: [folder / "shared.safetensors", folder / "shared.parquet"])


def networks() -> Kind:
    study = squares_study()

    def use():
        with mock.patch.object(fitting, "networks_for", lambda _: ["cnn"]):
            model = fitting.train_networks(study, study.clips("train"), study.clips("val"))["cnn"]
        return {name: value.numpy().tobytes() for name, value in model.state_dict().items()}

    folder = study.results / "baselines"
    return Kind("network and its curve", use, lambda: [folder / "cnn.safetensors", folder / "cnn.parquet"])


def checkpoints() -> Kind:
    """Each use is killed after the file is there, and then goes on."""
    folder = results_dir("quick") / "noise"
    folder.mkdir(parents=True, exist_ok=True)
    checkpoint, study = folder / "shared-0.checkpoint", squares_study()
    frames = study.store.frames.reshape(-1, 48, 48, 3)
    anchor = np.full(frames.shape[:3], 255, np.uint8)
    data = TrainingFrames(frames, np.arange(len(frames)) % 5, list("abcdefghij" * 2), anchor, anchor=anchor)
    config = NoiseConfig(steps=6, batch=8, resolution=8, validate_every=2)

    def learn(watch=None):
        options = {"use": "shared", "checkpoint": checkpoint, "watch": watch}
        return training.train(study.clip, study.toy_head, data, config, **options)[0].numpy().tobytes()

    def stop(rows):
        if len(rows) == 4:
            raise KeyboardInterrupt

    def use():
        with mock.patch.object(training, "CHECKPOINT_EVERY", -1):
            noise = learn()
            with contextlib.suppress(KeyboardInterrupt):
                learn(stop)
            return noise

    return Kind("checkpoint of a noise", use, lambda: [checkpoint])


def stores(videos: Path | None = None) -> Kind:
    dataset = toy_dataset(videos or data_dir(), count=4, truth=True)

    def use():
        store = prepare(dataset, 24, 2, data_dir() / "frames", workers=1)
        return [np.array(each).tobytes() for each in (store.frames, store.parts, store.plates)], plain(store.table)

    def files():
        (folder,) = (path for path in (data_dir() / "frames").iterdir() if path.is_dir())
        return [folder / name for name in ("frames.npy", "parts.npy", "plates.npy", "index.parquet", "content.json")]

    buffer = io.BytesIO()
    np.save(buffer, np.zeros((4, 2, 24, 24, 3), np.uint8))
    return Kind("frames, parts, plates, index", use, files, buffer.getvalue())


def digests() -> Kind:
    return dataclasses.replace(stores(), name="memory of digests", files=lambda: [data_dir() / "digests.json"])


def rendered() -> Kind:
    profile = load_profile("quick", FEW)

    def use():
        with threads_that_render():
            return contents(rendered_clips(profile))

    def files():
        (folder,) = data_dir().glob("demo-*")
        first = min(folder.rglob("*.avi"))
        return [first, first.with_suffix(".truth.npz"), folder / "clips.csv", folder / "content.json"]

    return Kind("rendered videos, truth, list", use, files)


def few_results() -> Path:
    """A results folder with the few files that tab01 and fig01 read."""
    profile, folder = load_profile("quick"), results_dir("quick")
    (folder / "masks").mkdir(exist_ok=True)
    np.savez_compressed(folder / "masks" / "gallery.npz", images=np.arange(3000))
    save_table(folder / "clips.parquet", clips_table(profile, HOME, CLINICAL))
    model = {"name": profile.model.name, "weights_hash": "0" * 16, "tau": 0.01, "size": 96}
    facts = {"classes": [*HOME, *CLINICAL], "source_classes": len(HOME), "phrases": {}, "frames": 4, "model": model}
    write_json(folder / "run.json", {"profile": profile.dump(), "title": profile.title, **facts})
    return folder


def paper() -> Kind:
    results = few_results()

    def use():
        record, _ = up_to_date(TABLES["tab01"], Results(results), figures_dir("quick"))
        return dataclasses.asdict(record), contents(figures_dir("quick"))

    csv = figures_dir("quick") / "tab01.csv"
    return Kind("record and file of a table", use, lambda: [results / "paper" / "tab01.json", csv])


def methods() -> Kind:
    study = squares_study()

    def use():
        note_methods(study, ["anchored"])
        return Results(study.results).described_methods()

    return Kind("methods.json", use, lambda: [study.results / "methods.json"], b"[]")


def times() -> Kind:
    study = squares_study()

    def use():
        with study.timed("toy", 3):
            pass
        return Results(study.results).table("timing.parquet")["items"].tolist()

    return Kind("timing.parquet", use, lambda: [study.results / "timing.parquet"])


def notebooks(folder: Path) -> Kind:
    """The runner with notebooks that are not executed: what they would write is written here."""
    books = folder / "books"
    books.mkdir()
    empty = {"cells": [], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    (books / "01_toy.ipynb").write_text(json.dumps(empty))
    results, ran = results_dir("quick"), []

    def execute(book, output, parameters, live):
        ran.append(book.name)
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(book.read_text())
        (results / "one.csv").write_text("1,2,3\n")

    def use():
        with mock.patch.object(runner, "execute", execute):
            runner.run("quick", folder=books)
            before = len(ran)
            runner.run("quick", folder=books)  # what is recorded now is sound
        return len(ran) == before, (results / "one.csv").read_text()

    def files():
        return [results / "notebooks" / "01.json", results / "notebooks" / "01_toy.ipynb", results / "one.csv"]

    return Kind("record, copy and result of a notebook", use, files, b"[]")


def clips_of_ucf101(fetch: str, file: str) -> Kind:
    def use():
        dataset = load_dataset(load_profile("ucf101-mini", {"dataset.fetch": fetch}))
        return {clip.id: clip.path.read_bytes() for clip in dataset}

    def files():
        return sorted((data_dir() / "ucf101").glob(file))[:1]

    return Kind(f"UCF-101: {file}", use, files)


def detections() -> Kind:
    frames = np.zeros((1, 2, SIZE, SIZE, 3), np.uint8)

    def use():
        found = detector.Detections(data_dir() / "frames" / "toy")
        found.model = Finds(("person", (1, 9), (1, 9)))
        return found(0, frames[0]).tobytes()

    return Kind("detections", use, lambda: list(data_dir().rglob("detector-*/0.npz")))


def motions() -> Kind:
    """Each use is another process."""
    folder, frames = data_dir() / "frames" / "toy", squares_study().store.frames[:2]
    folder.mkdir(parents=True, exist_ok=True)

    def use():
        motion.FOUND.clear()
        kept.read.cache_clear()
        with kept.kept_in(folder):
            return [region("actor+prop", "motion", Evidence(clip)).numpy().tobytes() for clip in frames]

    return Kind("masks of motion", use, lambda: list(folder.glob("motion-*.npz")), b"[]")
