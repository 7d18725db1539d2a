"""What a data set is: clips with a class, a group and a split. And where to add one.

    @dataset("hmdb51")
    def load_hmdb51(profile):
        clips = [{"id": ..., "path": ..., "cls": ..., "group": ..., "split": "test"}, ...]
        return make_dataset("HMDB-51", clips, {"wave": "waving", ...}, profile.dataset.classes)

A profile with `dataset.kind: hmdb51` then loads it. Clips of one group share people and place; intervals and tests
are computed over groups.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from pkgutil import iter_modules
from typing import Any

import pandas as pd

from ..base.errors import UserError
from ..base.registry import Registry

SPLITS = ("train", "val", "test")


@dataclass(frozen=True)
class Clip:
    id: str  # unique in its data set, the same on every machine
    path: Path
    label: int  # index into Dataset.classes
    cls: str
    group: str
    split: str  # train, val, test
    domain: str = ""  # demo: home, ward
    scene: str = ""  # demo: usual, random, other
    truth: Path | None = None  # demo: what every pixel shows


@dataclass(frozen=True)
class Dataset:
    """Clips, sorted by id, of `classes`.

    `phrases` gives each class in words for prompts, `note` says where the clips were found, and `templates` are
    sentences to use beside the usual ones.
    """

    name: str
    classes: tuple[str, ...]
    phrases: dict[str, str]
    clips: list[Clip]
    note: str = ""
    templates: tuple[str, ...] = ()

    def __iter__(self) -> Iterator[Clip]:
        return iter(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    def select(self, split: str | None = None, domain: str | None = None) -> Dataset:
        """The clips of a split and domain (all when None), with all classes."""
        chosen = [c for c in self.clips if split in (None, c.split) and domain in (None, c.domain)]
        return replace(self, clips=chosen)

    def table(self) -> pd.DataFrame:
        """One row a clip: id, cls, label, group, split, domain, scene."""
        columns = ["id", "cls", "label", "group", "split", "domain", "scene"]
        return pd.DataFrame([[getattr(c, name) for name in columns] for c in self.clips], columns=columns)


Loader = Callable[[Any], Dataset]  # takes a profile
DATASETS: Registry[Loader] = Registry("kind of data set")


def dataset(kind: str) -> Callable[[Loader], Loader]:
    """Decorator: the function loads the data sets of profiles whose `dataset.kind` is `kind`."""

    def add(loader: Loader) -> Loader:
        DATASETS[kind] = loader
        return loader

    return add


def find_dataset(kind: str) -> Loader:
    """The loader of a kind of data set. UserError for an unknown one."""
    if kind not in DATASETS:
        # A loader in any file of this folder registers itself on import.
        for module in iter_modules([str(Path(__file__).parent)]):
            import_module(f"{__package__}.{module.name}")
    return DATASETS[kind]


def load_dataset(profile) -> Dataset:
    """The clips of a profile.

    Raises UserError for an unknown kind, and when the data are missing or unusable.
    """
    return find_dataset(profile.dataset.kind)(profile)


def make_dataset(
    name: str,
    clips: list[dict],
    phrases: dict[str, str],
    classes: Iterable[str] | None = None,
    note: str = "",
    templates: tuple[str, ...] = (),
) -> Dataset:
    """A data set of `clips`: the fields of `Clip` without the label, which is the class's place in `phrases`.

    With `classes`, only clips of these are used. Raises UserError when one of them has no clip.
    """
    present = {clip["cls"] for clip in clips}
    wanted = present if classes is None else set(classes)
    if unknown := sorted(wanted - present):
        raise UserError(f"no class {unknown[0]} in {name}; it has {', '.join(sorted(present))}")
    order = tuple(cls for cls in phrases if cls in wanted)
    chosen = [Clip(label=order.index(clip["cls"]), **clip) for clip in clips if clip["cls"] in order]
    words = {cls: phrases[cls] for cls in order}
    return Dataset(name, order, words, sorted(chosen, key=lambda clip: clip.id), note, templates)


def to_words(name: str) -> str:
    """'ApplyEyeMakeup' -> 'apply eye makeup'; 'arm-wrestling_2' -> 'arm wrestling 2'."""
    return " ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+", " ", name).lower().split())
