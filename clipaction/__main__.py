"""The command line: python -m clipaction prepare | run | verify | bench (run_all.sh is a set-up and then `run`).

Reading the arguments needs only Python's own library, so that `--check` works before there is an environment.
"""

from __future__ import annotations

import argparse
import errno
import os
import signal
import sys
import time
from itertools import product
from pathlib import Path

from .errors import UserError
from .paths import profile_file


class Parser(argparse.ArgumentParser):
    def error(self, message: str):
        raise UserError(f"{message}; see {self.prog} --help")


def parser() -> Parser:
    top = Parser(prog="python -m clipaction", description="Is CLIP looking at the action? A paper that runs.")
    commands = top.add_subparsers(dest="command", required=True, metavar="prepare | run | verify | bench")
    for name, what in (
        ("prepare", "make or find the videos and decode them into the frame store (needs no weights)"),
        ("run", "run the notebooks, then compare figures and tables with the published ones"),
        ("verify", "compare figures and tables with the published ones; exit 1 on a mismatch"),
        ("bench", "print throughput against the raw encoder"),
    ):
        command = commands.add_parser(name, help=what, description=what)
        command.add_argument("--profile", metavar="NAME", help="demo (default), quick, ucf101-mini, ucf101, folder, or a .yaml file")
        command.add_argument("--data", metavar="DIR", type=videos, help="your own videos, DIR/<class>/<video>, or a copy of UCF-101 (a folder or its zip)")
        command.add_argument("--split", metavar="1,2,3", type=integers, help="UCF-101 splits: a run each, then their clips together")
        command.add_argument("--seeds", metavar="N", type=several, help="N whole runs, with seeds 0 to N-1 (or a list, 0,1,2): other "
                             "videos in the demo, other masks, other trainings; then their clips together")
        command.add_argument("--set", metavar="FIELD=VALUE", type=assignment, action="append", default=[],
                             help="any field of the profile: noise.eps=8")
        if name == "run":
            which = command.add_mutually_exclusive_group()
            which.add_argument("--from", metavar="NN", dest="start", help="start with this notebook")
            which.add_argument("--only", metavar="NN", help="run this notebook alone")
            command.add_argument("--fresh", action="store_true", help="repeat what is finished (videos and frames stay)")
            command.add_argument("--check", action="store_true", help=argparse.SUPPRESS)  # of the arguments, and stop
    return top


def integers(text: str) -> list[int]:
    try:
        return [int(part) for part in text.split(",")]
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{text}" is not a list of whole numbers like 0,1,2') from None


def several(text: str) -> list[int]:
    """'3' is three seeds, '0,5' are two."""
    numbers = integers(text)
    if len(numbers) == 1 and "," not in text:
        numbers = list(range(numbers[0]))
    numbers = list(dict.fromkeys(numbers))
    if not numbers or min(numbers) < 0:
        raise argparse.ArgumentTypeError(f'"{text}" gives no seed; say how many (3) or which (0,1,2)')
    return numbers


def assignment(text: str) -> tuple[str, str]:
    field, equals, value = text.partition("=")
    if not (field and equals):
        raise argparse.ArgumentTypeError(f'"{text}" is not FIELD=VALUE, as in noise.eps=8')
    return field, value


def videos(text: str) -> str:
    path = Path(text).expanduser()
    if path.suffix.lower() == ".rar" and path.is_file():
        raise argparse.ArgumentTypeError(f'"{text}" is a .rar; unpack it (unrar x {path.name}, or bsdtar -xf {path.name}) and give the folder')
    if not path.is_dir() and not (path.suffix.lower() == ".zip" and path.is_file()):
        raise argparse.ArgumentTypeError(f'no folder "{text}"; give the one that holds <class>/<video>')
    return str(path.resolve())


def profile_of(arguments) -> tuple[str, dict]:
    """The profile's name or absolute path, and the overrides that the arguments ask for (values as YAML reads them)."""
    name = arguments.profile or (_profile_for(arguments.data) if arguments.data else "demo")
    if name.endswith((".yaml", ".yml")):
        name = str(Path(name).expanduser().resolve())
    overrides = {}
    if arguments.set:
        import yaml

        overrides = {field: yaml.safe_load(value) for field, value in arguments.set}
    given = {"dataset.root": arguments.data, "dataset.splits": arguments.split}
    return name, overrides | {field: value for field, value in given.items() if value is not None}


def _profile_for(root: str) -> str:
    """What a folder or zip given without a profile is: a copy of UCF-101, by its files' names, or somebody's own videos."""
    from .ucf101 import recognised

    return "ucf101" if recognised(Path(root)) else "folder"


def main(argv: list[str] | None = None) -> int:
    """Runs one command; 0 done, 1 something failed or does not agree with the reference, 2 a user's mistake, 130 interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that a kernel or a pool does not outlive us
    try:
        arguments = parser().parse_args(argv)
        if arguments.command == "run" and arguments.check:
            profile_file(arguments.profile or "demo")
            return 0
        return COMMANDS[arguments.command](arguments)
    except UserError as error:
        return say(error, 2)
    except KeyboardInterrupt:
        return say("interrupted; run again to go on from here", 130)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        where = error.filename or os.environ.get("CLIPACTION_RESULTS") or "the results folder"
        return say(f"no space left on the disk of {where}; free some, or move the folders with CLIPACTION_DATA and CLIPACTION_RESULTS", 2)


def say(message: object, code: int) -> int:
    print(f"clipaction: {message}", file=sys.stderr)
    return code


def runs(arguments) -> list[tuple[str, dict]]:
    """(profile, overrides) of what is to be run: one, or one a split of UCF-101 and seed, under names of their own (ucf101-split2, demo-seed1;
    with the profile's own seed it is plain demo)."""
    from .config import load_profile

    name, overrides = profile_of(arguments)
    profile = load_profile(name, overrides)
    splits, chosen = profile.dataset.splits, []
    for split, seed in product(splits, arguments.seeds or [profile.seed]):
        own, title = {}, profile.name
        if len(splits) > 1:
            own, title = {"dataset.splits": [split]}, f"{title}-split{split}"
        if seed != profile.seed:
            own, title = own | {"seed": seed}, f"{title}-seed{seed}"
        chosen.append((name, overrides | own | {"name": title} if own else overrides))
    return chosen


def run(arguments) -> int:
    from . import report
    from .config import load_profile
    from .run import NotebookError, duration, run

    started, complete, chosen = time.monotonic(), True, runs(arguments)
    for name, overrides in chosen:
        if load_profile(name, overrides).dataset.kind != "demo":
            study = prepared(name, overrides)  # what is wrong with somebody's videos is told here, in one line, and not inside a notebook
            for split, use in (("test", "test"), ("train", "train noise on"), ("val", "choose by")):
                if study.clips(split).empty:
                    raise UserError(f"no clip is left to {use} in {study.dataset.note}; have three videos or more of most classes")
        try:
            complete &= run(name, overrides, start=arguments.start, only=arguments.only, fresh=arguments.fresh)
        except NotebookError as error:
            return say(error, 1)
    print(f"finished in {duration(time.monotonic() - started)}\n")
    if not complete:
        return 0
    if len(chosen) > 1:
        report.pool([load_profile(*each) for each in chosen])
    return verify(arguments)


def verify(arguments) -> int:
    from . import verify
    from .config import load_profile

    return max(verify.report(load_profile(*each)) for each in runs(arguments))


def prepare(arguments) -> int:
    for each in runs(arguments):
        prepared(*each)
    return 0


def prepared(name: str, overrides: dict):
    """Find or fetch the videos, fill the frame store, and say what there is."""
    from .study import open_study

    study = open_study(name, overrides)
    usable = study.store.table.ok
    print(study.dataset.note)
    print(f"{usable.sum()} clips x {study.profile.frames} frames in {study.store.folder}; {(~usable).sum()} could not be read", flush=True)
    return study


def bench(arguments) -> int:
    from .bench import bench

    print(bench(*profile_of(arguments)))
    return 0


COMMANDS = {"prepare": prepare, "run": run, "verify": verify, "bench": bench}

if __name__ == "__main__":
    sys.exit(main())
