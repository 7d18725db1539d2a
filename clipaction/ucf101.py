"""UCF-101 by its names alone: classes in words, the official splits, and where a copy of the videos lies.

A clip is called v_<Class>_g<group>_c<clip>.avi. The test set of the official split k is exactly the groups 7k-6 to 7k of every class, so
no list is needed. One class is spelt two ways: HandStandPushups in files and lists, HandstandPushups as the unpacked folder.
"""

from __future__ import annotations

import re
import zipfile
import zlib
from collections import Counter
from contextlib import contextmanager
from errno import ENOSPC
from functools import cache
from hashlib import sha256
from pathlib import Path

import pandas as pd
import yaml

from . import download
from .errors import UserError
from .paths import data_dir
from .video import VIDEO_SUFFIXES

GROUPS = 25
ALIAS = {"HandStandPushups": "HandstandPushups"}
CLIP_NAME = re.compile(r"v_([A-Za-z]+)_g(\d\d)_c(\d\d)")


@cache
def phrases() -> dict[str, str]:
    """Class -> words that complete 'a photo of a person ...', for all 101 classes."""
    return yaml.safe_load((Path(__file__).parent / "ucf101.yaml").read_text())


def parse(name: str) -> tuple[str, int, int]:
    """Class, group and clip of a name such as v_Archery_g01_c02.avi. Raises ValueError for any other name."""
    match = CLIP_NAME.fullmatch(Path(name).stem)
    cls = ALIAS.get(match[1], match[1]) if match else ""
    if cls not in phrases() or not 1 <= int(match[2]) <= GROUPS:
        raise ValueError(f"{name} is not a UCF-101 clip: v_<Class>_g<01-{GROUPS}>_c<clip>.avi")
    return cls, int(match[2]), int(match[3])


def in_test(group: int, split: int) -> bool:
    """Does a group test in the official split 1, 2 or 3? (Else it trains.)"""
    return 7 * split - 6 <= group <= 7 * split


def choose(names: list[str], config, split: int) -> list[dict]:
    """The clips among `names` that a profile's dataset section asks for: name, cls, group, split; sorted by name.

    Test clips come from the official test groups. The last groups, which no official split tests, validate; the others train.
    Raises UserError for an unknown class, asked for or in a name.
    """
    wanted = set(config.classes or phrases())
    if unknown := sorted(wanted - set(phrases())):
        raise UserError(f"UCF-101 has no class {unknown[0]}; it has {', '.join(phrases())}")
    val = range(GROUPS - config.val_groups + 1, GROUPS + 1)
    test = [g for g in range(1, GROUPS + 1) if in_test(g, split)]
    train = [g for g in range(1, GROUPS + 1) if g not in test and g not in val]
    part = dict.fromkeys(test[: config.test_groups], "test") | dict.fromkeys(val, "val") | dict.fromkeys(train[: config.train_groups], "train")
    limit = {"train": config.train_clips, "val": config.val_clips, "test": config.test_clips}
    chosen, taken = [], Counter()
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


def locate(config, split: int) -> tuple[list[dict], dict[str, Path], str]:
    """The chosen clips, where each file is, and a line that says what was found; fetches and unpacks what is missing.

    Raises UserError when the videos are neither there nor to be had.
    """
    if config.root is None:
        return _fetched(config, split)
    root = Path(config.root).expanduser().resolve()
    if root.suffix.lower() == ".zip" and root.is_file():
        return _zipped(root, config, split)
    files, layout = _on_disk(root)
    return choose(list(files), config, split), files, f"{layout} in {root}: {inventory(files)}"


def recognised(path: Path) -> bool:
    """Is this a copy of UCF-101 (a zip of it, or a folder whose videos all carry its names), rather than somebody's own videos?"""
    if path.suffix.lower() == ".zip":
        return True
    videos = [p.name for p in path.rglob("*") if p.suffix.lower() in VIDEO_SUFFIXES and not p.name.startswith(".")]
    return bool(videos) and all(_is_clip(name) for name in videos)


def _is_clip(name: str) -> bool:
    try:
        parse(name)
    except ValueError:
        return False
    return name.lower().endswith(".avi")


def _fetched(config, split: int) -> tuple[list[dict], dict[str, Path], str]:
    """Our own copy under data/ucf101: single clips out of the remote zip, or the whole zip fetched and unpacked."""
    folder, url = data_dir() / "ucf101", download.videos_url()
    listing = folder / f"members-{sha256(url.encode()).hexdigest()[:8]}.csv"
    folder.mkdir(parents=True, exist_ok=True)
    members = pd.read_csv(listing) if listing.exists() else None
    wanted = _wanted(members, config, split) if members is not None else None
    absent = None if wanted is None else len(download.missing(wanted, folder))
    if absent != 0:
        if config.fetch == "clips":
            source, where = download.remote(url), url
        else:
            source = where = download.fetch_archive(url, folder / "UCF101_videos.zip", download.videos_sha256())
        with _opened(source) as archive:
            members = download.members_of(archive, where)
            members.to_csv(listing.with_suffix(".tmp"), index=False)
            listing.with_suffix(".tmp").replace(listing)
            wanted = _wanted(members, config, split)
            absent = len(download.missing(wanted, folder))
            download.fetch_members(archive, wanted, folder, "fetching clips" if config.fetch == "clips" else "unpacking")
    note = f"{len(wanted)} clips, {wanted['size'].sum() / 1e6:.0f} MB, of {url} in {folder}" + (f" ({absent} fetched now)" if absent else "")
    return choose(members["name"].tolist(), config, split), {name: folder / name for name in wanted["name"]}, note


def _wanted(members: pd.DataFrame, config, split: int) -> pd.DataFrame:
    """The rows of a zip's clips that a dataset section asks for."""
    return members[members["name"].isin([clip["name"] for clip in choose(members["name"].tolist(), config, split)])]


@contextmanager
def _opened(source):
    """A zip to read from: a path, or a context that opens one. UserError when it is damaged."""
    if not isinstance(source, Path):
        with source as archive:
            yield archive
        return
    try:
        with zipfile.ZipFile(source) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        if getattr(error, "errno", None) == ENOSPC:
            raise
        raise UserError(f"{source} cannot be read as a zip file ({error}); fetch it again") from None


def _zipped(path: Path, config, split: int) -> tuple[list[dict], dict[str, Path], str]:
    """Somebody's copy of the zip: the chosen clips are unpacked under data/, by their names and never by their paths."""
    stamp = sha256(repr((str(path), path.stat().st_size, path.stat().st_mtime_ns)).encode()).hexdigest()[:8]
    folder = data_dir() / f"ucf101-{stamp}"
    with _opened(path) as archive:
        members = download.members_of(archive, path)
        download.fetch_members(archive, _wanted(members, config, split), folder, "unpacking")
    chosen = choose(members["name"].tolist(), config, split)
    return chosen, {clip["name"]: folder / clip["name"] for clip in chosen}, f"zip file {path}: {inventory(members['name'])}"


def _on_disk(root: Path) -> tuple[dict[str, Path], str]:
    """{name: path} of the clips in class folders or in one flat folder, and which of the two it is."""
    try:
        paths = sorted(p for p in root.rglob("*.avi") if not p.name.startswith("."))
        archives = [p.name for p in root.iterdir() if p.suffix.lower() in (".rar", ".zip")]
    except OSError as error:
        raise UserError(f"{root} cannot be read ({(error.strerror or str(error)).lower()}); check the path and its permissions") from None
    if not paths and archives:
        how = f"unpack it there first: unrar x {archives[0]} (or: bsdtar -xf {archives[0]})" if archives[0].lower().endswith(".rar") else "name the zip file itself"
        raise UserError(f"{root} holds {archives[0]} but no videos; {how}")
    if not paths:
        raise UserError(f"no UCF-101 videos in {root}; unpack them there (class folders or all v_*.avi together)")
    files: dict[str, Path] = {}
    for path in paths:
        if not _is_clip(path.name):
            raise UserError(f"{path} is not a UCF-101 clip (v_<Class>_g<01-{GROUPS}>_c<clip>.avi); rename or remove it")
        files.setdefault(path.name, path)
    folders = {path.parent for path in paths}
    return files, "one flat folder" if len(folders) == 1 else f"{len(folders)} class folders"


def inventory(names) -> str:
    """'412 clips of 3 classes; missing: ...': how much of UCF-101 these names are, absent classes and groups named."""
    groups: dict[str, set[int]] = {}
    for name in names:
        cls, group, _ = parse(name)
        groups.setdefault(cls, set()).add(group)
    absent = [cls for cls in phrases() if cls not in groups]
    partly = [f"{cls} g{g:02d}" for cls, have in sorted(groups.items()) for g in range(1, GROUPS + 1) if g not in have]
    listed = lambda what, items: f"{len(items)} {what} ({', '.join(items[:5])}{', ...' if len(items) > 5 else ''})"  # noqa: E731
    gaps = [listed(what, items) for what, items in (("classes", absent), ("groups", partly)) if items]
    return f"{len(names)} clips of {len(groups)} classes; " + (f"missing: {' and '.join(gaps)}" if gaps else "every group of every class is there")


def compare_with_lists(table: pd.DataFrame, split: int) -> str:
    """One line: do these clips (columns id, split) test and train as the official lists say? The lists are fetched (114 kB)."""
    try:
        lists = download.official_lists()[split]
    except UserError as error:
        return f"the official lists were not compared: {error}"
    testing = table["split"] == "test"
    wrong = sorted(set(table["id"][testing]) - lists["test"]) + sorted(set(table["id"][~testing]) - lists["train"])
    return f"{len(wrong)} of {len(table)} clips differ from the official split {split}: {', '.join(wrong[:5])}" if wrong else f"all {len(table)} clips are where the official lists of split {split} have them"
