"""A study: one profile's clips, frames and frozen CLIP, opened with a single call at the top of every notebook."""

from __future__ import annotations

import json
import os
import time
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch

from .boxes import Boxes
from .clip import CLIP, TEMPLATES, load_clip, preprocessing
from .config import Profile, load_profile
from .dataset import Dataset, load_dataset
from .detector import Detections
from .environment import describe
from .evaluation import Given, RelevanceMaps, evaluate, masked_batches, save_table
from .paths import data_dir, results_dir
from .store import FrameStore, prepare


@dataclass
class Study:
    """`dataset.classes` lists the classes of the source domain first, so a head of the first `n_source` rows judges it."""

    profile: Profile
    dataset: Dataset
    store: FrameStore

    @cached_property
    def clip(self) -> CLIP:
        """The frozen model, loaded when first asked for."""
        return load_clip(**self.profile.dump("model")["model"])

    @cached_property
    def results(self) -> Path:
        return results_dir(self.profile)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.dataset.classes

    @cached_property
    def source(self) -> str:
        """The domain that noise and baselines are trained on."""
        return "home" if any(clip.domain == "home" for clip in self.dataset) else ""

    @cached_property
    def n_source(self) -> int:
        return 1 + max(clip.label for clip in self.dataset if clip.domain == self.source)

    @property
    def templates(self) -> tuple[str, ...]:
        """The sentences that class words are put into: ours, and what a folder's classes.yaml adds."""
        return (*TEMPLATES, *self.dataset.templates)

    def head(self, source_only: bool = True, templates=None) -> torch.Tensor:
        """Zero-shot prototypes [C, D] of the source domain's classes, or of all."""
        phrases = [self.dataset.phrases[name] for name in self.classes[: self.n_source if source_only else None]]
        asked = (tuple(phrases), tuple(templates or self.templates))
        if asked not in self._heads:
            self._heads[asked] = self.clip.head(*asked)
        return self._heads[asked]

    @cached_property
    def _heads(self) -> dict[tuple, torch.Tensor]:
        """Every head asked for; asked often, and sentences take long to embed."""
        return {}

    @cached_property
    def meta(self) -> pd.DataFrame:
        """One row a usable clip: clip, cls, label, group, split, domain, scene and its row in the frame store."""
        table = self.dataset.table().rename(columns={"id": "clip"})
        table["row"] = [self.store.rows.get(name, -1) for name in table["clip"]]
        return table[table["row"] >= 0].reset_index(drop=True)

    def clips(self, split: str | None = None, domain: str | None = None) -> pd.DataFrame:
        """`meta` of one split and domain (the source domain when None)."""
        table = self.meta[self.meta["domain"] == (self.source if domain is None else domain)]
        return (table if split is None else table[table["split"] == split]).reset_index(drop=True)

    def evaluate(self, meta: pd.DataFrame, conditions: list[str], step: str, **options) -> pd.DataFrame:
        """evaluation.evaluate with this study's model, frames and seed; `head` defaults to the source domain's classes."""
        head = options.pop("head", None)
        head = self.head() if head is None else head
        folder = self.results / "predictions" / step
        return evaluate(self.clip, head, self.store, meta, conditions, folder, self.profile.seed, self.profile.batch, given=self.given, **options)

    def masked(self, meta: pd.DataFrame, condition: str):
        """Frames uint8 [n, T, S, S, 3] of the clips of `meta` under a named condition, a few clips at a time."""
        return masked_batches(self.store, meta["row"].to_numpy(), meta["clip"].tolist(), condition, self.profile.seed, given=self.given)

    @cached_property
    def given(self) -> dict[str, Given]:
        """The region sources that need more than frames and truth. Only relevance loads anything before it is asked."""
        table, mode = self.store.table.set_index("row"), preprocessing(self.profile.model.name, self.profile.model.pretrained)["resize_mode"]
        return {
            "relevance": RelevanceMaps(self.clip, self.head()),
            "detector": Detections(self.store.folder),
            "boxes": Boxes(self.profile.regions.boxes, table, mode),
        }

    def save(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """Write a tidy table as results/<profile>/<name>.parquet and give it back."""
        save_table(self.results / f"{name}.parquet", table)
        return table

    def record(self, name: str, facts: dict) -> None:
        """Write results/<profile>/<name>.json, aside and renamed."""
        aside = self.results / f"{name}.json.tmp"
        aside.write_text(json.dumps(facts, indent=1, default=str))
        os.replace(aside, self.results / f"{name}.json")

    @contextmanager
    def timed(self, step: str, items: int = 1, unit: str = "clip"):
        """Add a row to timing.parquet: what a step took, over how many items. The longest of several runs counts: the others found it done."""
        started = time.perf_counter()
        yield
        seconds = time.perf_counter() - started
        path = self.results / "timing.parquet"
        table = pd.read_parquet(path) if path.exists() else pd.DataFrame(columns=["step", "seconds", "items", "unit"])
        earlier = table[(table["step"] == step) & (table["items"] == items)]["seconds"]
        row = pd.DataFrame([{"step": step, "seconds": max([seconds, *earlier]), "items": items, "unit": unit}])
        save_table(path, pd.concat([table[table["step"] != step], row], ignore_index=True) if len(table) else row)

    def describe(self) -> dict:
        """What every caption states: profile, classes, words, model, frames."""
        return {
            "profile": self.profile.dump(),
            "title": self.profile.title,
            "classes": list(self.classes),
            "source_classes": self.n_source,
            "phrases": self.dataset.phrases,
            "model": {"name": self.clip.name, "weights_hash": self.clip.weights_hash, "tau": self.clip.tau, "size": self.clip.size},
            "frames": self.profile.frames,
        }


def open_study(profile: str = "demo", overrides: dict | None = None) -> Study:
    """Load a profile, find (or render) its clips, and open its frame store, making what is missing.

    Raises UserError for an unknown profile, missing data or too many broken videos.
    """
    profile = load_profile(profile, overrides)
    torch.manual_seed(profile.seed)
    dataset = load_dataset(profile)
    store = prepare(dataset, frames=profile.frames, folder=data_dir() / "frames", **preprocessing(profile.model.name, profile.model.pretrained))
    study = Study(profile, dataset, store)
    study.record("environment", describe())
    return study


def relabelled(delta: torch.Tensor, classes: int) -> torch.Tensor:
    """Noise [C, 3, S, S] for a longer list of classes: the new ones have none (zeros)."""
    return torch.cat([delta, delta.new_zeros(classes - len(delta), *delta.shape[1:])]) if len(delta) < classes else delta


def majority(values: np.ndarray) -> int:
    """The most frequent value; the smallest of equals."""
    return int(np.bincount(values).argmax())
