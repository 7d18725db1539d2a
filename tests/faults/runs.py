"""Whole runs at toy size that are killed, run beside another, or meet a full disk: the tables are those of an
undisturbed run, byte for byte."""

from __future__ import annotations

import atexit
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import psutil

from clipaction.base.paths import ROOT
from clipaction.study import open_study

from . import Try, fault, own_folders
from .damage import contents, spoil, threads_that_render
from .kinds import FEW
from .places import MB, disk

TOY = {
    "dataset.test_groups": 1,
    "dataset.frames_per_clip": 8,
    "frames": 2,
    "noise.steps": 3,
    "noise.ablation_steps": 1,
    "baselines.epochs": 1,
}
MACHINE = ("tab08", "report", "pooled")  # what differs from run to run, as it tells times


def settings(values: dict) -> list[str]:
    return [part for field, value in values.items() for part in ("--set", f"{field}={json.dumps(value)}")]


def start(command: str, values: dict) -> subprocess.Popen:
    """`python -m clipaction <command>` of the profile quick, in this environment's folders and a process group of its
    own."""
    line = [sys.executable, "-m", "clipaction", *command.split(), "--profile", "quick", *settings(values)]
    output = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True}
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])}
    return subprocess.Popen(line, env=environment, start_new_session=True, **output)


def finish(process: subprocess.Popen, codes: tuple[int, ...] = (0,)) -> str:
    """What a process printed last, where its exit code is none of these; else ''."""
    said = process.communicate()[0]
    return "" if process.returncode in codes else f"exit {process.returncode}: {said[-1500:]}"


def kill(process: subprocess.Popen) -> str:
    """Kills one process with -9; what is wrong with its children a few seconds later."""
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    _, alive = psutil.wait_procs(children, timeout=20)
    for each in alive:
        each.kill()
    return f"{len(alive)} processes live on: {alive[0].cmdline()[:4]}" if alive else ""


def tables() -> dict[str, bytes]:
    """All that the folder of figures holds, but for what tells times."""
    found = contents(Path(os.environ["CLIPACTION_FIGURES"]))
    return {name: data for name, data in found.items() if not any(word in name for word in MACHINE)}


def difference(one: dict[str, bytes], two: dict[str, bytes]) -> str:
    names = sorted(name for name in one.keys() | two.keys() if one.get(name) != two.get(name))
    return f"{len(names)} files differ, such as {', '.join(names[:3])}" if names else ""


@cache
def undisturbed() -> tuple[Path, dict[str, bytes]]:
    """The folder of a whole run that nothing happened to, made once for all faults, and its tables."""
    folder = Path(tempfile.mkdtemp(prefix="undisturbed-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with own_folders(folder):
        if wrong := finish(start("run", TOY), (0, 1)):  # 1: the published numbers are not of these settings
            raise AssertionError(wrong)
        return folder, tables()


def stage() -> str:
    """The notebook that is at work, or 'videos and frames'."""
    for record in sorted(Path(os.environ["CLIPACTION_RESULTS"], "quick", "notebooks").glob("[0-9][0-9].json")):
        if json.loads(record.read_text())["finished"] is None:
            return f"notebook {record.stem}"
    return "videos and frames"


@fault("kill -9 while videos are rendered and decoded (row 6)")
def killed_prepare(folder: Path, long: bool) -> Iterator[Try]:
    def prepared() -> dict[str, bytes]:
        with threads_that_render():
            store = open_study("quick", FEW).store
        return {name: data for name, data in contents(store.folder).items() if not name.endswith(".json")}

    with own_folders(folder / "sound"):
        sound = prepared()
    for _ in range(5 if long else 1):
        process, data = start("prepare", FEW), Path(os.environ["CLIPACTION_DATA"])
        while process.poll() is None and not list(data.rglob("*.avi")):
            time.sleep(0.05)
        time.sleep(random.uniform(0, 1.0))
        yield "killed", kill(process) if process.poll() is None else finish(process)
    yield "same frames", difference(sound, prepared())


@fault("kill -9 at twenty random moments of a run", long=True)
def killed_runs(folder: Path, long: bool) -> Iterator[Try]:
    _, sound = undisturbed()
    for number in range(20):
        process = start("run", TOY)
        time.sleep(random.uniform(4, 25))
        what = f"kill {number + 1} in {stage()}"
        yield what, kill(process) if process.poll() is None else finish(process, (0, 1))
    yield "goes on to the end", finish(start("run", TOY), (0, 1))
    yield "same tables", difference(sound, tables())


@fault("Ctrl+C and SIGTERM at random moments of a run", long=True)
def interrupted(folder: Path, long: bool) -> Iterator[Try]:
    _, sound = undisturbed()
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        process = start("run", TOY)
        time.sleep(random.uniform(8, 30))
        what, children = f"{number.name} in {stage()}", psutil.Process(process.pid).children(recursive=True)
        process.send_signal(number)
        yield what, finish(process, (code,))
        _, alive = psutil.wait_procs(children, timeout=20)
        yield f"{what}: children", f"{len(alive)} live on" if alive else ""
    yield "goes on to the end", finish(start("run", TOY), (0, 1))
    yield "same tables", difference(sound, tables())


@fault("two runs in one folder at once (row 5)", long=True)
def two_runs(folder: Path, long: bool) -> Iterator[Try]:
    _, sound = undisturbed()
    first, second = start("run", TOY), start("run", TOY)
    said = second.communicate()[0], first.communicate()[0]
    yield "both finish", "" if {first.returncode, second.returncode} <= {0, 1} else "\n".join(said)[-1500:]
    yield "one says for whom it waits", "" if "is at work in" in "".join(said) else "no word"
    yield "same tables", difference(sound, tables())


@fault("two prepare at once (row 5)", long=True)
def two_prepare(folder: Path, long: bool) -> Iterator[Try]:
    first, second = start("prepare", FEW), start("prepare", FEW)
    for process in (first, second):
        yield "finishes", finish(process)


@fault("every file of a finished run is damaged, gone or another's, one kind at a time", long=True)
def finished_run(folder: Path, long: bool) -> Iterator[Try]:
    finished, sound = undisturbed()
    shutil.copytree(finished, folder, dirs_exist_ok=True)
    for way in ("flip", "half", "zero", "gone"):
        kinds: dict[tuple[str, str], list[Path]] = {}
        for path in sorted(folder.rglob("*")):  # as they are now: not every damaged file is replaced
            if path.is_file() and not path.name.startswith("."):
                kinds.setdefault((path.relative_to(folder).parent.as_posix(), path.suffix), []).append(path)
        for paths in kinds.values():
            spoil(random.choice(paths), way, b"")
        yield f"{way}: one of each of {len(kinds)} kinds", finish(start("run", TOY), (0, 1))
        yield f"{way}: same tables", difference(sound, tables())
        yield f"{way}: all is sound again", finish(start("verify --deep", TOY))


@fault("the results' disk fills up during a run, with ten amounts of room left", long=True)
def filling_disk(folder: Path, long: bool) -> Iterator[Try]:
    finished, sound = undisturbed()
    shutil.copytree(finished / "data", folder / "data")
    for left in (0, 1, 2, 4, 8, 16, 24, 32, 48, 64):
        with disk(folder / "results", 400 * MB) as made:
            if not made:
                return
            process = start("run", TOY)
            while process.poll() is None and not list((folder / "results").rglob("01.json")):
                time.sleep(0.1)
            taken = shutil.disk_usage(folder / "results").free - left * MB
            (folder / "results" / "ballast").write_bytes(bytes(max(0, taken)))
            said = process.communicate()[0]
            line = said.strip().splitlines()[-1]
            refused = process.returncode == 2 and str(folder / "results") in line and "no space left" in line
            yield f"{left} MB left", "" if refused or process.returncode in (0, 1) else said[-800:]
            (folder / "results" / "ballast").unlink()
            yield f"{left} MB left, then more", finish(start("run", TOY), (0, 1)) or difference(sound, tables())
        shutil.rmtree(folder / "figures", ignore_errors=True)


@fault("a disk that is too small from the start", long=True)
def small_disk(folder: Path, long: bool) -> Iterator[Try]:
    for name in ("data", "results"):
        with disk(folder / name, 4 * MB) as made:
            if made:
                yield name, finish(start("run", {}), (2,))
