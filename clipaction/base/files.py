"""Files that are never half written, and digests of their content.

Every file of this package is written under a temporary name and renamed when it is whole, so a reader sees the old
file or the new one. A file is known by its content: its digest is remembered by (path, size, time), so that a copy of
a finished tree is recognised and a large file is read only once."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from .storage import writing

REMEMBERED = "digests.json"
CONTENT = "content.json"  # the digests of a folder's files as they were written
OWN = "digest"  # of a JSON file, in the file


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, to be written to; it becomes `path` when the block ends, and is removed when it
    fails.

    The temporary name is hidden, keeps the suffix (some writers insist on it) and is different for every writer.
    Raises StorageError where the disk is full or the folder cannot be written.
    """
    path = Path(path)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield temporary
            os.replace(temporary, path)
        finally:
            with suppress(OSError):
                temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, facts: Mapping[str, object]) -> None:
    """Write a JSON object with a digest of itself, by which `read_json` knows a damaged one."""
    plain = json.loads(json.dumps(facts, default=str))
    write_text(path, json.dumps({**plain, OWN: digest(plain)}, indent=1))


def read_json(path: Path) -> dict | None:
    """What `write_json` wrote, or a JSON object by another program; None where there is none, or a damaged one."""
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        own = facts.pop(OWN, None)
    except (OSError, ValueError, AttributeError, TypeError, RecursionError):
        return None
    return facts if own in (None, digest(facts)) else None


def is_temporary(path: Path) -> bool:
    """Whether a path is one of ours that is being written, or was when its writer was killed."""
    return path.name.startswith(".")


def digest_of(path: Path) -> str:
    """SHA-256 of a file's content, in hex; empty where there is no file."""
    try:
        with open(path, "rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except (FileNotFoundError, IsADirectoryError):
        return ""


def digests_of(paths: Iterable[Path], memory: Path, read: Callable[[Path], str] = digest_of) -> dict[Path, str]:
    """{path: digest_of(path)} of many files; what was read before is remembered in memory/digests.json by path, size
    and time."""
    book = memory / REMEMBERED
    known = read_json(book) or {}
    found: dict[Path, str] = {}
    new: dict[str, str] = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            found[path] = ""
            continue
        state = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
        found[path] = known.get(state) or new.setdefault(state, read(path))
    if new:
        write_json(book, known | new)
    return found


def forget_digests(paths: Iterable[Path], memory: Path) -> None:
    """Takes files out of memory/digests.json: they are read again when they are next asked for."""
    book, names = memory / REMEMBERED, tuple(f"{path.resolve()} " for path in paths)
    known = read_json(book) or {}
    kept = {state: seen for state, seen in known.items() if not state.startswith(names)}
    if len(kept) < len(known):
        write_json(book, kept)


def note_content(folder: Path, paths: Iterable[Path], memory: Path, earlier: Mapping[Path, str] | None = None) -> None:
    """Write folder/content.json: the digests of files of the folder, as they are now. earlier: of others, which stay as
    they were noted."""
    found = {**(earlier or {}), **digests_of(paths, memory)}
    write_json(folder / CONTENT, {path.relative_to(folder).as_posix(): found[path] for path in sorted(found)})


def noted_content(folder: Path) -> dict[Path, str] | None:
    """{file: digest} as folder/content.json says; None where there is no such note."""
    noted = read_json(folder / CONTENT)
    return None if noted is None else {folder / name: seen for name, seen in noted.items()}


def checked_content(folder: Path, memory: Path) -> dict[Path, bool] | None:
    """{file: whether it is as folder/content.json says}; None where there is no such note. A file is read again only
    where its size or time has changed."""
    noted = noted_content(folder)
    return None if noted is None else {path: seen == noted[path] for path, seen in digests_of(noted, memory).items()}


def digest(*parts: object) -> str:
    """64 hex digits of any values that JSON can write (others by their text)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
