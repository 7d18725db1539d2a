"""Folders that cannot be written, files in their place, and full disks: one line that names the folder, exit 2, and
the work goes on when there is room."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import numpy as np

from clipaction.base import files
from clipaction.base.errors import StorageError
from clipaction.base.paths import results_dir
from clipaction.run import lab, runner

from . import Try, fault, own_folders
from .arguments import answer
from .kinds import networks, noises, pieces, rendered, stores

USERS = {"DATA": ("prepare", "run", "bench"), "RESULTS": ("run", "lab", "verify --deep"), "FIGURES": ("run", "verify")}
REAL = ("bench", "lab", "report", "check_files")  # these open the folders
MB = 2**20


def call(*command: object) -> int:
    """The exit code of a program; 1 where there is no such program."""
    try:
        return subprocess.run([str(part) for part in command], capture_output=True).returncode
    except OSError:
        return 1


@contextlib.contextmanager
def disk(folder: Path, size: int) -> Iterator[bool]:
    """Makes `folder` a disk of `size` bytes, which only root can on Linux; gives whether it is one."""
    folder.mkdir(parents=True, exist_ok=True)
    made = not call("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
    try:
        yield made
    finally:
        if made:
            call("umount", "-l", folder)


@contextlib.contextmanager
def full() -> Iterator[None]:
    """Every file that is finished meets a full disk: where no disk can be made."""
    error = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    with mock.patch.object(files.os, "replace", side_effect=error):
        yield


def refused(command: str, place: Path, variable: str) -> str:
    """What is wrong with a command's answer where it cannot use a folder; '' where nothing is."""
    with mock.patch.dict(os.environ, {variable: str(place)}), mock.patch.object(lab.subprocess, "call", return_value=0):
        code, said, _ = answer([*command.split(), "--profile", "quick"], REAL)
    line = re.fullmatch(r"clipaction: [^\n]+\n", said)
    return "" if code == 2 and line and str(place) in said and variable in said else f"exit {code}: {said[-500:]}"


@fault("a file is where a folder should be, or the folder is read-only (row 7)")
def closed(folder: Path, long: bool) -> Iterator[Try]:
    for name, commands in USERS.items():
        variable, file, closed = f"CLIPACTION_{name}", folder / f"file-{name}", folder / f"disk-{name}"
        file.write_text("a file")
        with disk(closed, MB) as made:
            if made:
                call("mount", "-o", "remount,ro", closed)
            else:
                closed.chmod(0o555)
            for command in commands:
                yield f"{command}: a file for {name.lower()}", refused(command, file, variable)
                if not os.access(closed, os.W_OK):  # permissions do not bind root
                    yield f"{command}: {name.lower()} is read-only", refused(command, closed, variable)


@fault("the disk is full, at ten sizes")
def too_small(folder: Path, long: bool) -> Iterator[Try]:
    makers = {each.__name__: each for each in (pieces, noises, networks, rendered) if long or each is pieces}
    makers["stores"] = lambda: stores(folder / "videos")
    (folder / "videos").mkdir()
    for name, make in makers.items():
        with own_folders(folder / "sound" / name):
            sound = make().use()
        refusals = 0
        for size in np.geomspace(8e3, 1e6, 10 if long else 2).astype(int):
            place = folder / f"{name}-{size}"
            with disk(place, size) as made, own_folders(place):
                how = "a disk of its own" if made else "simulated"
                what = f"{name}: {size / 1e3:.0f} kB ({how})"
                try:
                    with contextlib.nullcontext() if made else full():
                        make().use()
                except StorageError as error:
                    refusals += 1
                    if str(place) not in str(error) or "CLIPACTION_" not in str(error) or "\n" in str(error):
                        yield what, str(error)
                        continue
                except OSError as error:  # of what the test itself writes there
                    if error.errno != errno.ENOSPC:
                        raise
                if made:
                    call("mount", "-o", "remount,size=64m", place)
                yield what, "" if make().use() == sound else "with room, the result is another"
        yield f"{name}: is refused", "" if refusals else "no size was too small"


@fault("the disk is full inside a notebook, in a cell and in its copy")
def full_notebook(folder: Path, long: bool) -> Iterator[Try]:
    write = 'from clipaction.base.paths import results_dir\n(results_dir(profile) / "big.csv").write_bytes(bytes({}))'
    for size in (300_000, 40_000):
        with disk(folder / "results", 200_000) as made:
            if not made:
                return
            books = folder / f"books-{size}"
            books.mkdir()
            cells = [('profile = "quick"\noverrides = {}', ["parameters"]), (write.format(size), [])]
            cells += [("print('a long text ' * 20000)", [])] if size < 200_000 else []
            book = {"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [
                {"cell_type": "code", "id": f"c{k}", "metadata": {"tags": tags}, "source": source, "outputs": [],
                 "execution_count": None} for k, (source, tags) in enumerate(cells)]}  # fmt: skip
            (books / "01_toy.ipynb").write_text(json.dumps(book))
            try:
                runner.run("quick", folder=books)
                yield f"{size} bytes", "not noticed"
            except StorageError as error:
                yield f"{size} bytes", "" if str(results_dir("quick").parent) in str(error) else str(error)
