"""A folder of one's own videos: DIR/<class>/<video>, or DIR/{train,val,test}/<class>/<video>."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import yaml

from ..base.errors import UserError
from ..base.seeds import rng
from .dataset import SPLITS, Dataset, dataset, make_dataset, to_words
from .files import printable
from .video import VIDEO_SUFFIXES

TEST_SHARE, VAL_SHARE = 0.4, 0.1  # of a class's videos, where the folder does not split them itself


@dataset("folder")
def load_folder(profile) -> Dataset:
    """The videos below `profile.dataset.root`; each is its own group. Raises UserError for an unusable folder."""
    if not profile.dataset.root:
        raise UserError("no folder of videos given; say --data DIR, where DIR holds one folder of videos a class")
    root = Path(profile.dataset.root).expanduser().resolve()
    found, own_split = videos_by_class(root)
    clips = []
    for cls, by_split in found.items():
        for part, path in assign_splits(by_split, cls, profile.seed):
            name = printable(path.relative_to(root).as_posix())
            clips.append({"id": name, "path": path, "cls": cls, "group": name, "split": part})
    if len({clip["id"] for clip in clips}) < len(clips):
        raise UserError(f"two videos in {printable(root)} have names that print alike; rename one")
    phrases, templates = read_words(root, sorted(found))
    how = "split by its own folders" if own_split else f"split by seed {profile.seed}"
    note = f"folder {printable(root)}: {len(clips)} videos of {len(found)} classes, {how}"
    return make_dataset(printable(root), clips, phrases, profile.dataset.classes, note, templates)


def videos_by_class(root: Path) -> tuple[dict[str, dict[str, list[Path]]], bool]:
    """{class: {split: videos}} of a folder, and whether it has split folders of its own (else the split is '')."""
    shown = printable(root)
    expected = f"expected {printable(root.name)}/<class>/<video> with {', '.join(VIDEO_SUFFIXES)}"
    tops = subfolders(root)
    if not tops:
        raise UserError((f"no class folders in {shown}" if entries(root) else f"{shown} is empty") + f"; {expected}")
    parts = {"": root}
    own_split = {top.name for top in tops} <= set(SPLITS) and any(map(subfolders, tops))
    if own_split:
        parts = {top.name: top for top in tops}
        if "test" not in parts:
            first = tops[0].name
            raise UserError(f"{shown} has {first}/ but no test/; add it, or take {first}/ away to split by seed")
    found: dict[str, dict[str, list[Path]]] = {}
    for split, part in parts.items():
        for folder in subfolders(part):
            videos = [path for path in entries(folder) if path.suffix.lower() in VIDEO_SUFFIXES]
            found.setdefault(printable(folder.name), {})[split] = videos
    empty = sorted(cls for cls, by_split in found.items() if not any(by_split.values()))
    if len(empty) == len(found):
        raise UserError(f"no videos in the folders of {shown}; {expected}")
    if empty:
        raise UserError(f"no videos in class folder {empty[0]} of {shown}; fill or remove it")
    if len(found) == 1:
        raise UserError(f"only one class, {next(iter(found))}, in {shown}; add a folder for at least one more")
    return found, own_split


def assign_splits(by_split: dict[str, list[Path]], cls: str, seed: int) -> Iterator[tuple[str, Path]]:
    """(split, path) of one class's videos: as their folders say, else by seeded shares.

    Where no validation videos are given, they are taken out of the training videos.
    """
    for split in ("test", "val"):
        yield from ((split, path) for path in by_split.get(split, []))
    paths = by_split.get("", []) + by_split.get("train", [])
    order = [paths[i] for i in rng(seed, "split", cls).permutation(len(paths))]
    tests = max(1, round(TEST_SHARE * len(order))) if "" in by_split else 0
    vals = max(1, round(VAL_SHARE * len(order))) if len(order) - tests >= 2 and not by_split.get("val") else 0
    for i, path in enumerate(order):
        yield "test" if i < tests else "val" if i < tests + vals else "train", path


def read_words(root: Path, classes: list[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    """Words of each class and extra templates: from the folders' names, or from root/classes.yaml where there is one.

    It holds 'folder: words' lines and may hold 'templates: [...]'. Raises UserError when it is not usable.
    """
    phrases, path = {cls: to_words(cls) or cls for cls in classes}, root / "classes.yaml"
    if not path.is_file():
        return phrases, ()
    try:
        words = yaml.safe_load(path.read_text()) or {}
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        why = " ".join(str(error).split())
        raise UserError(f"{path}: not readable as YAML ({why}); write 'folder: words' lines") from None
    expected = f"{path}: expected 'folder: words' lines, such as 'sit_up: sitting up in bed'"
    if not isinstance(words, dict):
        raise UserError(expected)
    templates = words.pop("templates", []) if isinstance(words.get("templates", []), list) else []
    if wrong := [t for t in templates if not isinstance(t, str) or t.count("{}") != 1]:
        example = "as in 'a photo of a person {}.'"
        raise UserError(f"{path}: the template {wrong[0]!r} needs one {{}} where the class's words go, {example}")
    if not all(isinstance(phrase, str) and phrase.strip() for phrase in words.values()):
        raise UserError(expected)
    unknown = sorted(str(cls) for cls in words if str(cls) not in phrases)
    if unknown:
        raise UserError(f"{path} names {unknown[0]}, which is no class folder; there are {', '.join(classes)}")
    return phrases | {str(cls): phrase.strip() for cls, phrase in words.items()}, tuple(templates)


def entries(folder: Path) -> list[Path]:
    """What a folder holds, sorted, without hidden files (.DS_Store). Raises UserError if it is not readable."""
    try:
        return sorted(path for path in folder.iterdir() if not path.name.startswith("."))
    except FileNotFoundError:
        raise UserError(f"no folder {printable(folder)}; check the path") from None
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(
            f"{printable(folder)} cannot be read ({why}); check that it is a folder and its permissions"
        ) from None


def subfolders(folder: Path) -> list[Path]:
    return [path for path in entries(folder) if path.is_dir() and path.suffix.lower() not in VIDEO_SUFFIXES]
