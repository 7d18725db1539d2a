"""Single clips out of a zip, on disk or remote: a remote one is read by range requests, so that few bytes move."""

from __future__ import annotations

import os
import re
import zipfile
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pandas as pd
import requests
from remotezip import RemoteZip
from tqdm.auto import tqdm

from ...base.errors import UserError
from ...base.files import checked_content, note_content, noted_content, replacing
from ...base.paths import data_dir
from .failures import TIMEOUT, as_user_error, check_space, progress_bar, retrying

# The only names that are ever taken out of an archive, without their folders.
MEMBER = re.compile(r"v_[A-Za-z]+_g\d\d_c\d\d\.avi")
CHUNK = 1 << 18


@contextmanager
def remote_zip(url: str) -> Iterator[RemoteZip]:
    """A remote zip, opened for reading by range requests. What fails inside becomes a UserError."""
    with as_user_error(url), requests.Session() as session:
        for attempt in retrying():
            with attempt:
                archive = RemoteZip(url, session=session, timeout=TIMEOUT)
        with archive:
            yield archive


def members_of(archive: zipfile.ZipFile, where: object) -> pd.DataFrame:
    """The clips a zip holds: name (without folder), member, size, crc. UserError when there are none."""
    rows = []
    for info in archive.infolist():
        name = Path(info.filename).name
        if MEMBER.fullmatch(name):
            rows.append((name, info.filename, info.file_size, info.CRC))
    if not rows:
        expected = "check that it is the videos' archive"
        raise UserError(f"{where} holds no UCF-101 clips (v_<Class>_g<group>_c<clip>.avi); {expected}")
    table = pd.DataFrame(rows, columns=["name", "member", "size", "crc"])
    return table.drop_duplicates("name").sort_values("name", ignore_index=True)


def fetch_members(archive: zipfile.ZipFile, members: pd.DataFrame, folder: Path, what: str = "fetching clips") -> None:
    """Take these clips (rows of `members_of`) out of a zip into `folder`; those there that are sound stay. Their
    digests are noted in content.json.

    zipfile checks the CRC of each clip as it is read. A transfer that breaks is tried again.
    """
    todo = missing(members, folder)
    total = int(todo["size"].sum())
    check_space(folder, total)
    with progress_bar(total, what) as bar:
        for row in todo.itertuples():
            for attempt in retrying():
                with attempt:
                    before = bar.n
                    try:
                        extract(archive, row, folder, bar)
                    except BaseException:
                        bar.update(before - bar.n)
                        raise
    note_fetched(folder, members["name"], set(todo["name"]))


def note_fetched(folder: Path, names: Iterable[str], written: Collection[str]) -> None:
    """Add to folder/content.json the digests of these files that it lacks, and of those that were written now."""
    known, paths = noted_content(folder) or {}, [folder / name for name in names]
    if new := [path for path in paths if path not in known or path.name in written]:
        note_content(folder, new, data_dir(), known)


def missing(members: pd.DataFrame, folder: Path) -> pd.DataFrame:
    """The rows whose file is not in `folder` with its size, or not as it was when it was fetched. A file whose digest
    is not noted (the note is damaged, or fetching was killed) is read and compared with the zip's checksum."""
    sizes = {entry.name: entry.stat().st_size for entry in os.scandir(folder)} if folder.exists() else {}
    checked = checked_content(folder, data_dir()) or {}

    def sound(row: Any) -> bool:
        path = folder / row.name
        if sizes.get(row.name) != row.size:
            return False
        return checked[path] if path in checked else checksum(path) == row.crc

    return members[[not sound(row) for row in members.itertuples()]]


def checksum(path: Path) -> int:
    """CRC-32 of a file, as a zip keeps it."""
    crc = 0
    with open(path, "rb") as file:
        while chunk := file.read(CHUNK):
            crc = zlib.crc32(chunk, crc)
    return crc


def extract(archive: zipfile.ZipFile, row: Any, folder: Path, bar: tqdm) -> None:
    """Copy one clip (a row of `members_of`) into `folder`. Raises EOFError when it is shorter than announced."""
    with replacing(folder / row.name) as temporary:
        with archive.open(row.member) as source, open(temporary, "wb") as target:
            while chunk := source.read(CHUNK):
                bar.update(target.write(chunk))
        if temporary.stat().st_size != row.size:
            raise EOFError(f"{row.name} ended after {temporary.stat().st_size} of {row.size} bytes")
