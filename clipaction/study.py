"""A study: one profile's clips, frames and frozen CLIP, opened with a single call at the top of every notebook."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from .base.cache import kept_table, save_table
from .base.files import write_json
from .base.paths import data_dir, results_dir
from .data.dataset import Dataset, load_dataset
from .data.store import FrameStore, prepare
from .evaluate.sweep import Protocol, evaluate, evaluate_together
from .masking.batches import masked_batches
from .masking.regions import SOURCES, Finder
from .masking.regions.kept import kept_in
from .profiles import Profile, load_profile
from .vision.clip import CLIP, EMBEDDED, TEMPLATES
from .vision.load import load_clip, preprocessing


@dataclass
class Study:
    """`dataset.classes` lists the classes of the source domain first, so a head of the first `n_source` rows judges
    it."""

    profile: Profile
    dataset: Dataset
    store: FrameStore

    @cached_property
    def clip(self) -> CLIP:
        """The frozen model, loaded when it is first needed."""
        return load_clip(**self.profile.dump("model")["model"])

    @cached_property
    def results(self) -> Path:
        return results_dir(self.profile)

    @property
    def classes(self) -> tuple[str, ...]:
        return self.dataset.classes

    @cached_property
    def source(self) -> str:
        """The domain that noise and networks are trained on: that of the training clips."""
        return next((clip.domain for clip in self.dataset if clip.split == "train"), "")

    @cached_property
    def n_source(self) -> int:
        """How many classes the source domain has."""
        return 1 + max(clip.label for clip in self.dataset if clip.domain == self.source)

    @property
    def templates(self) -> tuple[str, ...]:
        """The sentences that class words are put into: ours, and what a folder's classes.yaml adds."""
        return (*TEMPLATES, *self.dataset.templates)

    def head(self, source_only: bool = True, templates: Sequence[str] | None = None) -> torch.Tensor:
        """Zero-shot prototypes [C, D] of the source domain's classes, or of all. Embedding sentences takes long, so
        they are kept."""
        phrases = [self.dataset.phrases[name] for name in self.classes[: self.n_source if source_only else None]]
        sentences = (tuple(phrases), tuple(templates or self.templates))
        if sentences not in self._heads:
            self._heads[sentences] = self.clip.head(*sentences)
        return self._heads[sentences]

    @cached_property
    def _heads(self) -> dict[tuple, torch.Tensor]:
        return {}

    @cached_property
    def meta(self) -> pd.DataFrame:
        """One row a usable clip: clip, cls, label, group, split, domain, scene and its row in the frame store."""
        table = self.dataset.table().rename(columns={"id": "clip"})
        table["row"] = [self.store.rows.get(name, -1) for name in table["clip"]]
        return table[table["row"] >= 0].reset_index(drop=True)

    def clips(self, split: str | None = None, domain: str | None = None) -> pd.DataFrame:
        """`meta` of one split (all when None) and domain (the source domain when None)."""
        table = self.meta[self.meta["domain"] == (self.source if domain is None else domain)]
        return (table if split is None else table[table["split"] == split]).reset_index(drop=True)

    def evaluate(
        self,
        meta: pd.DataFrame,
        conditions: Sequence[str],
        step: str,
        methods: Mapping[str, Protocol] | None = None,
        **options: Any,
    ) -> pd.DataFrame:
        """`evaluate.sweep.evaluate` with this study's model, frames, seed and region sources; `head` defaults to the
        source domain's classes. methods: several, by name, that see the same frames (`evaluate_together`). The
        predictions are kept in predictions/<step>/, and what motion finds beside the frames."""
        folder, seed, batch = self.results / "predictions" / step, self.profile.seed, self.profile.batch
        options |= {"seed": seed, "batch": batch, "finders": self.finders}
        with kept_in(self.store.folder):
            if methods is not None:
                return evaluate_together(self.clip, self.store, meta, conditions, folder, methods, **options)
            head = options.pop("head", None)
            head = self.head() if head is None else head
            return evaluate(self.clip, head, self.store, meta, conditions, folder, **options)

    def masked(self, meta: pd.DataFrame, condition: str) -> Iterator[np.ndarray]:
        """Frames uint8 [n, T, S, S, 3] of the clips of `meta` under a condition, a few clips at a time."""
        rows, ids = meta["row"].to_numpy(), meta["clip"].tolist()
        found = masked_batches(self.store, rows, ids, condition, self.profile.seed, finders=self.finders)
        return (frames.numpy() for frames in found)

    @property
    def finders(self) -> dict[str, Finder]:
        """The finders of all region sources that need more than frames and truth; a source that is registered again
        gets a new one."""
        for name, source in SOURCES.items():
            if source.finder and (name not in self._finders or self._finders[name][0] is not source.finder):
                self._finders[name] = source.finder, source.finder(self)
        return {name: finder for name, (_, finder) in self._finders.items()}

    @cached_property
    def _finders(self) -> dict[str, tuple[Callable, Finder]]:
        return {}

    def save(self, name: str, table: pd.DataFrame) -> pd.DataFrame:
        """Write a tidy table as results/<profile>/<name>.parquet and give it back."""
        save_table(self.results / f"{name}.parquet", table)
        return table

    def record(self, name: str, facts: dict) -> None:
        """Write results/<profile>/<name>.json."""
        write_json(self.results / f"{name}.json", facts)

    @contextmanager
    def timed(self, step: str, items: int = 1, unit: str = "clip") -> Iterator[None]:
        """Note in timing.parquet how long a step took in this run, over how many items, how many frames it embedded
        (`frames`; `learned`: of which with gradients), and when it ended. What was reused took no time."""
        started, before = time.perf_counter(), EMBEDDED.copy()
        yield
        row = {"step": step, "seconds": time.perf_counter() - started, "items": items, "unit": unit}
        row |= {name: count - before[name] for name, count in EMBEDDED.items()} | {"ended": time.time()}
        path = self.results / "timing.parquet"
        earlier = kept_table(path, "")  # None: there is none, or a damaged one, which only tells times
        rows = [] if earlier is None else [earlier.query("step != @step")]
        save_table(path, pd.concat([*rows, pd.DataFrame([row])], ignore_index=True))

    def describe(self) -> dict:
        """What every caption states: profile, classes, words, model, frames."""
        model = self.clip
        return {
            "profile": self.profile.dump(),
            "title": self.profile.title,
            "classes": list(self.classes),
            "source_classes": self.n_source,
            "phrases": self.dataset.phrases,
            "model": {"name": model.name, "weights_hash": model.weights_hash, "tau": model.tau, "size": model.size},
            "frames": self.profile.frames,
        }


def open_study(profile: str = "demo", overrides: dict | None = None) -> Study:
    """Load a profile, find (or render, or fetch) its clips, and open its frame store, making what is missing.

    Raises UserError for an unknown profile, missing data or too many broken videos.
    """
    settings = load_profile(profile, overrides)
    torch.manual_seed(settings.seed)
    dataset = load_dataset(settings)
    frames = preprocessing(settings.model.name, settings.model.pretrained)
    store = prepare(dataset, frames=settings.frames, folder=data_dir() / "frames", **frames)
    return Study(settings, dataset, store)
