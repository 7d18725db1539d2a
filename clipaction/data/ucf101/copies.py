"""Where a copy of UCF-101 lies: a folder, a zip, or our own copy, of which missing clips are fetched.

UCF101_URL names a mirror of the videos; UCF101_SHA256 is the checksum of a zip that is not the original.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from errno import ENOSPC
from hashlib import sha256
from pathlib import Path

import pandas as pd

from ...base.errors import UserError
from ...base.files import checked_content, digest, replacing
from ...base.paths import data_dir
from .archive import fetch_archive
from .members import fetch_members, members_of, missing, note_fetched, remote_zip
from .names import GROUPS, choose, inventory, is_clip

VIDEOS_URL = "https://storage.googleapis.com/thumos14_files/UCF101_videos.zip"
VIDEOS_SHA256 = "dabf56f573cd19c79e096563529fec8126a2a34e18e10c72eb621dd687532b0d"
ARCHIVE = "UCF101_videos.zip"

Located = tuple[list[dict], dict[str, Path], str]  # the chosen clips (names.choose), {name: file}, what was found


def locate(config, split: int) -> Located:
    """The chosen clips, where each file is, and a line that says what was found; fetches and unpacks what is missing.

    config: a profile's dataset section. Raises UserError when the videos are neither there nor can be fetched.
    """
    if config.root is None:
        return fetched(config, split)
    root = Path(config.root).expanduser().resolve()
    if root.suffix.lower() == ".zip" and root.is_file():
        return unzipped(root, config, split)
    files, layout = on_disk(root)
    return choose(files, config, split), files, f"{layout} in {root}: {inventory(files)}"


def kept_archive() -> dict[Path, str]:
    """{our copy of the whole zip: its SHA-256}; empty where there is none."""
    path = data_dir() / "ucf101" / ARCHIVE
    return {path: os.environ.get("UCF101_SHA256") or VIDEOS_SHA256} if path.exists() else {}


def fetched(config, split: int) -> Located:
    """Our own copy under data/ucf101: single clips out of the remote zip, or the whole zip fetched and unpacked."""
    folder, url = data_dir() / "ucf101", os.environ.get("UCF101_URL") or VIDEOS_URL
    listing = folder / f"members-{sha256(url.encode()).hexdigest()[:8]}.csv"
    sound = checked_content(folder, data_dir()) or {}
    members = pd.read_csv(listing) if sound.get(listing) else None
    wanted = None if members is None else wanted_members(members, config, split)
    absent = None if wanted is None else len(missing(wanted, folder))
    if members is None or wanted is None or absent:
        if config.fetch == "clips":
            opened: AbstractContextManager = remote_zip(url)
            where: str | Path = url
        else:
            expected = os.environ.get("UCF101_SHA256") or VIDEOS_SHA256
            where = fetch_archive(url, folder / ARCHIVE, expected)
            opened = zip_on_disk(where)
        with opened as archive:
            members = members_of(archive, where)
            with replacing(listing) as temporary:
                members.to_csv(temporary, index=False)
            note_fetched(folder, [listing.name], [listing.name])
            wanted = wanted_members(members, config, split)
            absent = len(missing(wanted, folder))
            fetch_members(archive, wanted, folder, "fetching clips" if config.fetch == "clips" else "unpacking")
    size = wanted["size"].sum() / 1e6
    note = f"{len(wanted)} clips, {size:.0f} MB, of {url} in {folder}" + (f" ({absent} fetched now)" if absent else "")
    return choose(members["name"], config, split), {name: folder / name for name in wanted["name"]}, note


def unzipped(path: Path, config, split: int) -> Located:
    """Somebody's copy of the zip: the chosen clips are unpacked under data/, by their names and never by their paths.

    The folder is named by the zip's table of contents, with its checksums, so a moved or copied zip is recognised.
    """
    with zip_on_disk(path) as archive:
        members = members_of(archive, path)
        contents = members[["name", "size", "crc"]].to_numpy().tolist()
        folder = data_dir() / f"ucf101-{digest(contents)[:8]}"
        fetch_members(archive, wanted_members(members, config, split), folder, "unpacking")
    chosen = choose(members["name"], config, split)
    files = {clip["name"]: folder / clip["name"] for clip in chosen}
    return chosen, files, f"zip file {path}: {inventory(members['name'])}"


def on_disk(root: Path) -> tuple[dict[str, Path], str]:
    """{name: path} of the clips in class folders or in one flat folder, and which of the two it is.

    Raises UserError when the folder is not readable, holds no videos, or holds others than UCF-101's.
    """
    try:
        paths = sorted(p for p in root.rglob("*.avi") if not p.name.startswith("."))
        archives = [p.name for p in root.iterdir() if p.suffix.lower() in (".rar", ".zip")]
    except OSError as error:
        why = (error.strerror or str(error)).lower()
        raise UserError(f"{root} cannot be read ({why}); check the path and its permissions") from None
    if not paths and archives:
        first = archives[0]
        unpack = f"unpack it there first: unrar x {first} (or: bsdtar -xf {first})"
        how = unpack if first.lower().endswith(".rar") else "name the zip file itself"
        raise UserError(f"{root} holds {first} but no videos; {how}")
    if not paths:
        raise UserError(f"no UCF-101 videos in {root}; unpack them there (class folders or all v_*.avi together)")
    files: dict[str, Path] = {}
    for path in paths:
        if not is_clip(path.name):
            expected = f"v_<Class>_g<01-{GROUPS}>_c<clip>.avi"
            raise UserError(f"{path} is not a UCF-101 clip ({expected}); rename or remove it")
        files.setdefault(path.name, path)
    folders = {path.parent for path in paths}
    return files, "one flat folder" if len(folders) == 1 else f"{len(folders)} class folders"


def wanted_members(members: pd.DataFrame, config, split: int) -> pd.DataFrame:
    """The rows of a zip's clips that a dataset section asks for."""
    return members[members["name"].isin([clip["name"] for clip in choose(members["name"], config, split)])]


@contextmanager
def zip_on_disk(path: Path) -> Iterator[zipfile.ZipFile]:
    """A zip file to read from. UserError when it is damaged."""
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError) as error:
        if getattr(error, "errno", None) == ENOSPC:
            raise
        raise UserError(f"{path} cannot be read as a zip file ({error}); fetch it again") from None
