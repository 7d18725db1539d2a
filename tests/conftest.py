"""A toy CLIP, toy frames and a toy study: small enough that every property can be checked in milliseconds."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import torch
import torch.nn as nn

from clipaction.data.dataset import DATASETS, find_dataset
from clipaction.data.store import FrameStore
from clipaction.evaluate.methods import METHODS
from clipaction.masking.regions import SOURCES
from clipaction.masking.shapes import SHAPES
from clipaction.profiles import load_profile
from clipaction.study import Study
from clipaction.vision.clip import CLIP

torch.set_num_threads(1)  # the models here are tiny: threads would only wait for each other


class ToyModel(nn.Module):
    """Images to 8 numbers by a fixed random projection of 4 x 4 means; nothing learned."""

    def __init__(self, size: int = 16, dim: int = 8):
        super().__init__()
        torch.manual_seed(0)
        self.proj = nn.Linear(3 * 16, dim)
        self.pool = nn.AdaptiveAvgPool2d(4)

    def encode_image(self, x):
        return self.proj(self.pool(x).flatten(1)).tanh()


class ToyStore(FrameStore):
    """Frames, and truth where it is given, in memory."""

    def __init__(self, frames: np.ndarray, parts: np.ndarray | None = None, plates: np.ndarray | None = None):
        super().__init__(Path("toy"), pd.DataFrame({"row": range(len(frames))}))
        vars(self).update(frames=frames, parts=parts, plates=plates)


class ToyStudy(Study):
    """A study of toy frames whose head and results folder are given."""

    def head(self, source_only: bool = True, templates=None) -> torch.Tensor:
        return self.toy_head


def make_clip(size: int = 16) -> CLIP:
    model = ToyModel().eval().requires_grad_(False)
    stat = torch.full((1, 3, 1, 1), 0.5)
    return CLIP(model, None, "toy", size, stat, stat, 0.05, "toy", torch.device("cpu"), torch.float32)


@pytest.fixture
def toy_clip() -> CLIP:
    return make_clip()


@pytest.fixture
def toy_head() -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(1)), dim=-1)


@pytest.fixture
def toy_frames() -> np.ndarray:
    """uint8 [12 clips, 3 frames, 16, 16, 3]."""
    return np.random.default_rng(0).integers(0, 256, (12, 3, 16, 16, 3), dtype=np.uint8)


@pytest.fixture
def toy_meta() -> pd.DataFrame:
    """A row a clip of `toy_frames`: five classes, two clips a group."""
    n = 12
    label = np.arange(n) % 5
    facts = {"clip": [f"c{i}" for i in range(n)], "cls": [f"class{k}" for k in label], "label": label}
    groups = [f"g{i // 2}" for i in range(n)]
    return pd.DataFrame({**facts, "group": groups, "split": "test", "domain": "", "scene": "", "row": np.arange(n)})


def make_study(clip: CLIP, head: torch.Tensor, store: ToyStore, meta: pd.DataFrame, results: Path) -> ToyStudy:
    """A study of the clips of a store, with a profile of a few steps."""
    few = {"noise.steps": 4, "noise.batch": 8, "noise.resolution": 4, "noise.validate_every": 2, "noise.views": 1}
    frames = store.frames.shape[1]
    profile = load_profile("quick", {"frames": frames, "batch": 36, "baselines.epochs": 1, **few})
    classes = tuple(f"class{k}" for k in range(5))
    dataset = SimpleNamespace(classes=classes, phrases={name: name for name in classes}, templates=(), clips=[])
    study = ToyStudy(profile, dataset, store)  # type: ignore[arg-type]
    vars(study).update(clip=clip, toy_head=head, results=results, meta=meta, source="", n_source=5)
    return study


@pytest.fixture
def toy_study(toy_clip, toy_head, toy_frames, toy_meta, tmp_path) -> Study:
    """A study of the toy frames with truth and plates."""
    generator = np.random.default_rng(1)
    parts = generator.integers(0, 256, (12, 3, 5, 16, 16), dtype=np.uint8)
    plates = generator.integers(0, 256, toy_frames.shape, dtype=np.uint8)
    return make_study(toy_clip, toy_head, ToyStore(toy_frames, parts, plates), toy_meta, tmp_path / "results")


@pytest.fixture
def squares() -> ToyStore:
    """12 clips of 4 frames, 48 pixels wide: a bright square walks across a speckled ground, and what moves is found.
    Its truth: the square is the actor's head, and the plate is the ground."""
    generator, (t, s) = np.random.default_rng(2), (4, 48)
    plates = np.repeat(generator.integers(30, 90, (12, 1, s, s, 3)), t, 1).astype(np.uint8)
    parts = np.zeros((12, t, 5, s, s), np.uint8)
    for i, k in np.ndindex(12, t):
        parts[i, k, 0, 4 + 2 * i : 12 + 2 * i, 2 + 12 * k : 10 + 12 * k] = 255
    bright = (180 + 6 * np.arange(12))[:, None, None, None, None]
    frames = np.where(parts[:, :, 0, ..., None] > 0, bright, plates).astype(np.uint8)
    return ToyStore(frames, parts, plates)


@pytest.fixture
def square_study(toy_head, squares, toy_meta, tmp_path) -> Study:
    """A study of the moving squares: six clips to train with, four to validate, two to test."""
    meta = toy_meta.assign(split=["train"] * 6 + ["val"] * 4 + ["test"] * 2)
    return make_study(make_clip(48), toy_head, squares, meta, tmp_path / "results")


@pytest.fixture
def registries():
    """What tests add to the registries is taken out again."""
    from clipaction.paper.figures import FIGURES
    from clipaction.paper.tables import TABLES

    find_dataset("demo")  # imports the kinds of data sets
    kept = {
        id(registry): (registry, dict(registry)) for registry in (SHAPES, SOURCES, METHODS, FIGURES, TABLES, DATASETS)
    }
    yield
    for registry, entries in kept.values():
        registry.clear()
        registry.update(entries)


@pytest.fixture
def toy_results(tmp_path, monkeypatch):
    """Invented results of the profile quick, nothing published: (results folder, figures folder)."""
    from synthetic import write_results

    from clipaction.paper import verify

    monkeypatch.setenv("CLIPACTION_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("CLIPACTION_FIGURES", str(tmp_path / "figures"))
    monkeypatch.setattr(verify, "reference_dir", lambda profile: tmp_path / "reference" / profile)
    write_results(tmp_path / "results" / "quick", "quick", failed=0)
    return tmp_path / "results" / "quick", tmp_path / "figures" / "quick"
