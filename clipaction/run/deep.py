"""Every cached file of a profile, read in full: which are not as they were written?

Where a file's digest is noted, it is compared; a file that carries its own is opened. What is found damaged is taken
out of the memory of digests, so that the next run sees it also where size and time are those of the sound file.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

from tqdm.auto import tqdm

from ..base.alone import alone_in
from ..base.files import CONTENT, REMEMBERED, forget_digests, is_temporary, noted_content
from ..base.paths import data_dir, results_dir
from ..data.ucf101.copies import kept_archive
from . import records
from .whole import READERS, is_whole

PIECE = 1 << 22  # bytes


def check_files(profile) -> int:
    """Prints a line a damaged file and a summary; 1 where one is damaged, else 0. Waits for a run that is going on."""
    with alone_in(results_dir(profile)):
        started, files = monotonic(), cached_files(profile)
        sizes = {path: path.stat().st_size if path.is_file() else 0 for path in files}
        changed: list[Path] = []
        damaged: list[Path] = []
        unit = {"unit": "B", "unit_scale": True, "unit_divisor": 1000}
        with tqdm(total=sum(sizes.values()), desc="checking files", delay=2, leave=False, **unit) as bar:
            for path, noted in files.items():
                same = read_in_full(path, bar) == noted
                whole = same or is_whole(path)
                if not same and (noted or not whole):
                    changed.append(path)
                # results may be written anew by a later notebook; then they are whole
                if not same and (not whole or (noted and path.is_relative_to(data_dir()))):
                    damaged.append(path)
        for memory in (data_dir(), results_dir(profile) / "paper"):
            forget_digests(changed, memory)
    for path in damaged:
        what, shared = "damaged" if path.exists() else "missing", path.is_relative_to(data_dir())
        old = ", or delete its folder if it is an older version's" if shared else ""
        print(f"{path}: {what}; run again, which makes it anew{old}")
    size, took = f"{len(files)} files, {sum(sizes.values()) / 1e6:.0f} MB", monotonic() - started
    print(f"{profile.name}: {size}, {len(damaged)} damaged, {took:.1f} s")
    return int(bool(damaged))


def cached_files(profile) -> dict[Path, str]:
    """{file: its digest as noted, '' where none is}: of the data folder, which profiles share, and of the profile."""
    files: dict[Path, str] = dict(kept_archive())
    for note in below(data_dir()):
        if note.name == CONTENT:
            files |= {note: "", **(noted_content(note.parent) or {})}
        elif note.suffix == ".npz" or note.name == REMEMBERED:
            files.setdefault(note, "")
    top = results_dir(profile)
    files |= {path: "" for path in below(top) if path.suffix in READERS and not path.is_relative_to(top / "lab")}
    return files | records.noted(profile)


def below(folder: Path) -> Iterator[Path]:
    """The files in a folder and in those below it, but for temporary ones."""
    for parent, _, names in os.walk(folder):
        yield from (path for name in sorted(names) if not is_temporary(path := Path(parent, name)))


def read_in_full(path: Path, bar: tqdm) -> str:
    """`files.digest_of`, a piece at a time, as the bar shows."""
    found = hashlib.sha256()
    try:
        with open(path, "rb") as file:
            while piece := file.read(PIECE):
                found.update(piece)
                bar.update(len(piece))
    except OSError:  # gone, or the disk cannot read it
        return "unreadable"
    return found.hexdigest()
