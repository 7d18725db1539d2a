"""Files that are never half written, and digests of their content.

Every file of this package is written under a temporary name and renamed when it is whole, so a reader sees the old
file or the new one. A file is known by its content: its digest is remembered by (path, size, time), so that a copy of
a finished tree is recognised and a large file is read only once."""

from __future__ import annotations

import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

REMEMBERED = "digests.json"
CONTENT = "content.json"  # the digests of a folder's files as they were written


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """A temporary path beside `path`, to be written to; it becomes `path` when the block ends, and is removed when it
    fails.

    The temporary name is hidden, keeps the suffix (some writers insist on it) and is different for every writer.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary = path.with_name(f".{path.stem}.{secrets.token_hex(4)}{path.suffix}")
    try:
        yield temporary
        os.replace(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def write_json(path: Path, value: object) -> None:
    write_text(path, json.dumps(value, indent=1, default=str))


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


def digests_of(paths: Iterable[Path], memory: Path) -> dict[Path, str]:
    """{path: digest_of(path)} of many files; what was read before is remembered in memory/digests.json by path, size
    and time."""
    book = memory / REMEMBERED
    try:
        known = json.loads(book.read_text())
    except (OSError, ValueError):
        known = {}
    found: dict[Path, str] = {}
    new: dict[str, str] = {}
    for path in paths:
        try:
            stat = path.stat()
        except OSError:
            found[path] = ""
            continue
        state = f"{path.resolve()} {stat.st_size} {stat.st_mtime_ns}"
        found[path] = known.get(state) or new.setdefault(state, digest_of(path))
    if new:
        write_json(book, known | new)
    return found


def note_content(folder: Path, paths: Iterable[Path], memory: Path) -> None:
    """Write folder/content.json: the digests of files of the folder, as they are now."""
    found = digests_of(paths, memory)
    write_json(folder / CONTENT, {path.relative_to(folder).as_posix(): seen for path, seen in found.items()})


def changed_content(folder: Path, memory: Path) -> list[Path] | None:
    """The files that are not as folder/content.json says; None where there is no such note. A file is read again only
    where its size or time has changed."""
    try:
        noted = {folder / name: seen for name, seen in json.loads((folder / CONTENT).read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return None
    return [path for path, seen in digests_of(noted, memory).items() if seen != noted[path]]


def digest(*parts: object) -> str:
    """64 hex digits of any values that JSON can write (others by their text)."""
    return hashlib.sha256(json.dumps(parts, sort_keys=True, default=str).encode()).hexdigest()
