"""Ways in which a file goes bad, and the files that a small study keeps."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

WAYS = ("flip", "half", "zero", "gone", "other")


def flip(path: Path, place: float, keep_time: bool = False) -> None:
    """Flips a bit at a place (0 to 1) of the file. keep_time: size and time stay those of the sound file."""
    stat, content = path.stat(), bytearray(path.read_bytes())
    content[int(place * (len(content) - 1))] ^= 0x10
    path.unlink()  # not in place: what was read before may be mapped to the old file
    path.write_bytes(content)
    if keep_time:
        os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))


def spoil(path: Path, way: str, other: bytes, place: float = 0.5) -> None:
    """Does to the file what `way` says. other: what another version, or another run, would have written there."""
    if way == "flip":
        return flip(path, place)
    content = path.read_bytes()
    path.unlink()
    if way != "gone":
        path.write_bytes({"half": content[: len(content) // 2], "zero": b"", "other": other}[way])


@dataclass(frozen=True)
class Kind:
    """Something that is cached: `use` makes it, or finds it, and gives all that others get of it; `files` are where it
    is kept; `other` is what a file holds that another version wrote."""

    name: str
    use: Callable[[], Any]
    files: Callable[[], list[Path]]
    other: bytes = b'{"version": 0}'


def damages(kind: Kind, flips: int) -> Iterator[tuple[str, str]]:
    """The tries of one kind: each file is spoilt in every way, and what is then used is what was used before."""
    sound = kind.use()
    for file in kind.files():
        whole = file.read_bytes()
        rng = np.random.default_rng(len(whole))
        ways = [(way, 0.5) for way in WAYS if way != "flip"] + [("flip", place) for place in rng.random(flips)]
        for way, place in ways:
            what = f"{kind.name}: {file.name}: {way}"
            spoil(file, way, kind.other, place)
            try:
                used = kind.use()
            except Exception as error:
                yield what, f"{type(error).__name__}: {error}"
                kind.use()
                continue
            yield what, "" if used == sound else "what is used is not what it was"
            if way != "flip" and not file.exists():
                yield what, "the file is not made again"


def contents(folder: Path) -> dict[str, bytes]:
    """{name: bytes} of all files in a folder, but for locks and what is being written."""
    paths = (path for path in sorted(folder.rglob("*")) if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@contextmanager
def threads_that_render() -> Iterator[None]:
    """Processes take seconds to start; threads render the same."""
    from clipaction.demo import make

    with mock.patch.object(make, "ProcessPoolExecutor", lambda *_, **__: ThreadPoolExecutor(2)):
        yield
