"""Data sets as lists of clips: the demo world, a folder of one's own videos, UCF-101.

A clip has a class, a group (clips of one group share people and place: error bars are drawn over groups), a split and, in the
demo, a domain and how its scene was chosen.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from pathlib import Path

import pandas as pd
import yaml

from . import ucf101
from .errors import UserError
from .seeds import rng
from .video import VIDEO_SUFFIXES

SPLITS = ("train", "val", "test")
TEST_SHARE, VAL_SHARE = 0.4, 0.1  # of a class's videos, where a folder does not split them itself


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
    """Clips, sorted by id, of `classes`; `phrases` gives each class in words for prompts, `note` says where they were found,
    `templates` are sentences to use beside the usual ones."""

    name: str
    classes: tuple[str, ...]
    phrases: dict[str, str]
    clips: list[Clip]
    note: str = ""
    templates: tuple[str, ...] = ()

    def __iter__(self):
        return iter(self.clips)

    def __len__(self) -> int:
        return len(self.clips)

    def select(self, split: str | None = None, domain: str | None = None) -> Dataset:
        """The clips of a split and domain (all when None), with all classes."""
        keep = [c for c in self.clips if split in (None, c.split) and domain in (None, c.domain)]
        return replace(self, clips=keep)

    def table(self) -> pd.DataFrame:
        """One row a clip: id, cls, label, group, split, domain, scene."""
        columns = ["id", "cls", "label", "group", "split", "domain", "scene"]
        return pd.DataFrame([[getattr(c, name) for name in columns] for c in self.clips], columns=columns)


def load_dataset(profile, split: int | None = None) -> Dataset:
    """The clips a profile asks for; `split` chooses among UCF-101's three (the profile's first when None).

    Raises UserError when the data are missing or unusable.
    """
    if profile.dataset.kind == "demo":
        return _demo(profile)
    if profile.dataset.kind == "folder":
        return _folder(profile)
    return _ucf101(profile, profile.dataset.splits[0] if split is None else split)


def to_words(name: str) -> str:
    """'ApplyEyeMakeup' -> 'apply eye makeup'; 'arm-wrestling_2' -> 'arm wrestling 2'."""
    return " ".join(re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[_\W]+", " ", name).lower().split())


def _dataset(name: str, clips: list[dict], phrases: dict[str, str], wanted: tuple[str, ...] | None) -> Dataset:
    """Number the classes and keep the wanted ones; the order of classes is that of `phrases`."""
    present = {clip["cls"] for clip in clips}
    unknown = [c for c in wanted or () if c not in present]
    if unknown:
        raise UserError(f"no class {unknown[0]} in {name}; it has {', '.join(sorted(present))}")
    classes = tuple(c for c in phrases if c in (wanted or present))
    clips = [Clip(label=classes.index(clip["cls"]), **clip) for clip in clips if clip["cls"] in classes]
    return Dataset(name, classes, {c: phrases[c] for c in classes}, sorted(clips, key=lambda clip: clip.id))


def _demo(profile) -> Dataset:
    from .demo.actions import ACTIONS
    from .demo.make import ensure_world

    folder = ensure_world(profile)
    rows = pd.read_csv(folder / "clips.csv", keep_default_na=False)
    clips = [
        {name: row[name] for name in ("id", "group", "split", "domain", "scene")}
        | {"cls": row["class"], "path": folder / row["file"], "truth": (folder / row["file"]).with_suffix(".truth.npz")}
        for row in rows.to_dict("records")
    ]
    note = f"demo world in {folder}: {len(rows)} rendered clips of {rows['class'].nunique()} classes"
    return replace(_dataset("demo world", clips, {name: action.words[0] for name, action in ACTIONS.items()}, None), note=note)


def _folder(profile) -> Dataset:
    """DIR/<class>/<video>, or DIR/{train,val,test}/<class>/<video>; a group is one video."""
    if not profile.dataset.root:
        raise UserError("no folder of videos given; say --data DIR, where DIR holds one folder of videos a class")
    root = Path(profile.dataset.root).expanduser().resolve()
    expected = f"expected {root.name}/<class>/<video> with {', '.join(VIDEO_SUFFIXES)}"
    tops = _subfolders(root)
    if not tops:
        raise UserError(f"no class folders in {root}; {expected}" if _entries(root) else f"{root} is empty; {expected}")
    if {top.name for top in tops} <= set(SPLITS) and any(map(_subfolders, tops)):
        if "test" not in {top.name for top in tops}:
            raise UserError(f"{root} has {tops[0].name}/ but no test/; add it, or take {tops[0].name}/ away to split by seed")
        parts = {top.name: top for top in tops}
    else:
        parts = {"": root}
    found: dict[str, dict[str, list[Path]]] = {}
    for split, part in parts.items():
        for folder in _subfolders(part):
            found.setdefault(folder.name, {})[split] = [p for p in _entries(folder) if p.suffix.lower() in VIDEO_SUFFIXES]
    bare = sorted(cls for cls, by_split in found.items() if not any(by_split.values()))
    if len(bare) == len(found):
        raise UserError(f"no videos in the folders of {root}; {expected}")
    if bare:
        raise UserError(f"no videos in class folder {bare[0]} of {root}; fill or remove it")
    if len(found) == 1:
        raise UserError(f"only one class, {next(iter(found))}, in {root}; add a folder for at least one more")
    clips = []
    for cls, by_split in found.items():
        for split, path in _share(by_split, cls, profile.seed):
            name = path.relative_to(root).as_posix()
            clips.append({"id": name, "path": path, "cls": cls, "group": name, "split": split})
    phrases, templates = _folder_words(root, sorted(found))
    split = "split by its own folders" if "" not in parts else f"split by seed {profile.seed}"
    note = f"folder {root}: {len(clips)} videos of {len(found)} classes, {split}"
    return replace(_dataset(str(root), clips, phrases, profile.dataset.classes), note=note, templates=templates)


def _entries(folder: Path) -> list[Path]:
    """What a folder holds, sorted, without hidden files (.DS_Store, ._video.mp4)."""
    try:
        return sorted(p for p in folder.iterdir() if not p.name.startswith("."))
    except FileNotFoundError:
        raise UserError(f"no folder {folder}; check the path") from None
    except OSError as error:
        raise UserError(f"{folder} cannot be read ({error.strerror.lower()}); check that it is a folder and its permissions") from None


def _subfolders(folder: Path) -> list[Path]:
    return [p for p in _entries(folder) if p.is_dir() and p.suffix.lower() not in VIDEO_SUFFIXES]


def _share(by_split: dict[str, list[Path]], cls: str, seed: int):
    """(split, path) of one class: as its folders say, else by seeded shares; validation comes out of training where none is given."""
    for split in ("test", "val"):
        yield from ((split, path) for path in by_split.get(split, []))
    paths = by_split.get("", []) + by_split.get("train", [])
    order = [paths[i] for i in rng(seed, "split", cls).permutation(len(paths))]
    tests = max(1, round(TEST_SHARE * len(order))) if "" in by_split else 0
    vals = max(1, round(VAL_SHARE * len(order))) if len(order) - tests >= 2 and not by_split.get("val") else 0
    for i, path in enumerate(order):
        yield "test" if i < tests else "val" if i < tests + vals else "train", path


def _folder_words(root: Path, classes: list[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Words of each class, and extra templates: the folders' names, or what classes.yaml says ('folder: words' lines, 'templates: [...]')."""
    phrases, path = {cls: to_words(cls) or cls for cls in classes}, root / "classes.yaml"
    if not path.is_file():
        return phrases, ()
    try:
        given = yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise UserError(f"{path}: not readable as YAML ({' '.join(str(error).split())}); write 'folder: words' lines") from None
    expected = f"{path}: expected 'folder: words' lines, such as 'sit_up: sitting up in bed'"
    if not isinstance(given, dict):
        raise UserError(expected)
    templates = given.pop("templates", []) if isinstance(given.get("templates", []), list) else []
    if wrong := [t for t in templates if not isinstance(t, str) or t.count("{}") != 1]:
        raise UserError(f"{path}: the template {wrong[0]!r} needs one {{}} where the class's words go, as in 'a photo of a person {{}}.'")
    if not all(isinstance(words, str) and words.strip() for words in given.values()):
        raise UserError(expected)
    unknown = sorted(str(cls) for cls in given if str(cls) not in phrases)
    if unknown:
        raise UserError(f"{path} names {unknown[0]}, which is no class folder; there are {', '.join(classes)}")
    return phrases | {str(cls): words.strip() for cls, words in given.items()}, tuple(templates)


def _ucf101(profile, k: int) -> Dataset:
    """UCF-101 in its official split k: a copy on disk (class folders, one flat folder, the zip), or fetched."""
    chosen, files, note = ucf101.locate(profile.dataset, k)
    clips = [{"id": Path(c["name"]).stem, "path": files[c["name"]], "cls": c["cls"], "group": c["group"], "split": c["split"]} for c in chosen]
    if not any(clip["split"] == "test" for clip in clips):
        raise UserError(f"no test clip of UCF-101's split {k} among them: {note}; choose another --split, or --profile folder to split by seed")
    return replace(_dataset("UCF-101", clips, ucf101.phrases(), profile.dataset.classes), note=note)
