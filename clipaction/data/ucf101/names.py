"""UCF-101 by its names alone: classes in words, groups, official splits.

A clip is called v_<Class>_g<group>_c<clip>.avi. The test set of the official split k is the groups 7k-6 to 7k of
every class, so no list is needed. One class is spelt in two ways: HandStandPushups in files and lists,
HandstandPushups as the unpacked folder.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable
from functools import cache
from pathlib import Path

import yaml

from ...base.errors import UserError
from ..video import VIDEO_SUFFIXES

GROUPS = 25
ALIAS = {"HandStandPushups": "HandstandPushups"}
CLIP_NAME = re.compile(r"v_([A-Za-z]+)_g(\d\d)_c(\d\d)")
SHOWN = 5  # names listed of what is missing


@cache
def phrases() -> dict[str, str]:
    """Class -> words that complete 'a photo of a person ...', for all 101 classes."""
    return yaml.safe_load((Path(__file__).parent / "ucf101.yaml").read_text())


def parse(name: str) -> tuple[str, int, int]:
    """Class, group and clip of a name such as v_Archery_g01_c02.avi. Raises ValueError for any other name."""
    if match := CLIP_NAME.fullmatch(Path(name).stem):
        cls, group, clip = ALIAS.get(match[1], match[1]), int(match[2]), int(match[3])
        if cls in phrases() and 1 <= group <= GROUPS:
            return cls, group, clip
    raise ValueError(f"{name} is not a UCF-101 clip: v_<Class>_g<01-{GROUPS}>_c<clip>.avi")


def is_clip(name: str) -> bool:
    """Whether a file name is that of a UCF-101 video."""
    try:
        parse(name)
    except ValueError:
        return False
    return name.lower().endswith(".avi")


def recognised(path: Path) -> bool:
    """Whether this is a copy of UCF-101: a zip, or a folder whose videos all have its names."""
    if path.suffix.lower() == ".zip":
        return True
    videos = [p.name for p in path.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and not p.name.startswith(".")]
    return bool(videos) and all(is_clip(name) for name in videos)


def in_test(group: int, split: int) -> bool:
    """Whether a group is in the test set of the official split 1, 2 or 3 (else in its training set)."""
    return 7 * split - 6 <= group <= 7 * split


def split_of_groups(config, split: int) -> dict[int, str]:
    """{group: train, val or test} of the groups that a profile's dataset section uses.

    Test groups are the official ones. The last groups, which no official split tests, are the validation set.
    """
    val = range(GROUPS - config.val_groups + 1, GROUPS + 1)
    test = [g for g in range(1, GROUPS + 1) if in_test(g, split)]
    train = [g for g in range(1, GROUPS + 1) if g not in test and g not in val]
    parts = {"test": test[: config.test_groups], "val": val, "train": train[: config.train_groups]}
    return {group: part for part, groups in parts.items() for group in groups}


def choose(names: Iterable[str], config, split: int) -> list[dict]:
    """The clips among `names` that a profile's dataset section asks for: name, cls, group, split; sorted by name.

    Raises UserError for an unknown class, asked for or in a name.
    """
    wanted = set(config.classes or phrases())
    if unknown := sorted(wanted - set(phrases())):
        raise UserError(f"UCF-101 has no class {unknown[0]}; it has {', '.join(phrases())}")
    part = split_of_groups(config, split)
    limit = {"train": config.train_clips, "val": config.val_clips, "test": config.test_clips}
    chosen: list[dict] = []
    taken: Counter[str] = Counter()
    for name in sorted(names):
        try:
            cls, number, _ = parse(name)
        except ValueError as error:
            raise UserError(f"{error}; leave it out") from None
        group = f"{cls}/g{number:02d}"
        if number in part and cls in wanted and (limit[part[number]] is None or taken[group] < limit[part[number]]):
            taken[group] += 1
            chosen.append({"name": name, "cls": cls, "group": group, "split": part[number]})
    return chosen


def inventory(names: Collection[str]) -> str:
    """'412 clips of 3 classes; missing: ...': how much of UCF-101 these names are, with absent classes and groups."""
    groups: dict[str, set[int]] = {}
    for name in names:
        cls, group, _ = parse(name)
        groups.setdefault(cls, set()).add(group)
    absent = [cls for cls in phrases() if cls not in groups]
    partly = [f"{cls} g{g:02d}" for cls, have in sorted(groups.items()) for g in range(1, GROUPS + 1) if g not in have]
    gaps = [listed(what, items) for what, items in (("classes", absent), ("groups", partly)) if items]
    found = f"missing: {' and '.join(gaps)}" if gaps else "every group of every class is there"
    return f"{len(names)} clips of {len(groups)} classes; {found}"


def listed(what: str, items: list[str]) -> str:
    """'7 groups (a, b, c, d, e, ...)'."""
    return f"{len(items)} {what} ({', '.join(items[:SHOWN])}{', ...' if len(items) > SHOWN else ''})"
