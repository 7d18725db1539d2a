"""The arguments of python -m clipaction, and the runs that they ask for. Reading them needs only Python's own
library."""

from __future__ import annotations

import argparse
import re
from itertools import product
from pathlib import Path
from typing import Any

from ..base.errors import UserError, short
from ..base.paths import check_name, path_of

COMMANDS = {
    "prepare": "make or find the videos and decode them into the frame store (needs no weights)",
    "run": "run the notebooks, then compare figures and tables with the published ones",
    "verify": "compare figures and tables with the published ones; exit 1 on a mismatch (--deep: check cached files)",
    "lab": "open JupyterLab on copies of the notebooks, in results/<profile>/lab",
    "bench": "print the speed of the pipeline and of the bare encoder",
}
Run = tuple[str, dict]  # a profile's name or path, and the overrides of its fields
MOST_RUNS = 100
LONGEST = 100  # letters of a field, dots included


class Parser(argparse.ArgumentParser):
    """An argument parser that raises UserError instead of printing its usage."""

    def error(self, message: str):
        raise UserError(f"{message}; see {self.prog} --help")


def parser() -> Parser:
    """The parser of all commands."""
    top = Parser(prog="python -m clipaction", description="Is CLIP looking at the action? A paper that runs.")
    commands = top.add_subparsers(dest="command", required=True, metavar=" | ".join(COMMANDS))
    for name, what in COMMANDS.items():
        command = commands.add_parser(name, help=what, description=what)
        add = command.add_argument
        add("--profile", metavar="NAME", help="demo (default), quick, ucf101-mini, ucf101, folder, or a .yaml file")
        add("--data", metavar="DIR", type=videos, help="your own videos, DIR/<class>/<video>, or a copy of UCF-101")
        add("--split", metavar="1,2,3", type=integers, help="UCF-101 splits: a run each, then their clips together")
        add(
            "--seeds",
            metavar="N",
            type=seed_list,
            help="a run for each seed 0 to N-1 (or of a list, 0,1,2): other demo "
            "videos, masks and trainings; then their clips together",
        )
        add(
            "--set",
            metavar="FIELD=VALUE",
            type=assignment,
            action="append",
            default=[],
            help="a field of the profile: noise.eps=8",
        )
        if name == "run":
            which = command.add_mutually_exclusive_group()
            which.add_argument("--from", metavar="NN", dest="start", help="start with this notebook")
            which.add_argument("--only", metavar="NN", help="run this notebook alone")
            add("--plan", action="store_true", help="say what would be computed and how long it would take, then stop")
            add(
                "--cluster",
                metavar="WHERE",
                type=cluster,
                help="let many processes or machines compute (with Dask): local:4, tcp://host:8786 or a .yaml file",
            )
            add("--fresh", action="store_true", help="delete what runs of this profile made, then repeat it")
            add("--check", action="store_true", help=argparse.SUPPRESS)  # check the arguments, then stop
        if name == "bench":
            add("--scale", action="store_true", help="memory and time for once, 4 and 16 times as many clips")
        if name == "verify":
            add("--deep", action="store_true", help="read every cached file instead; exit 1 where one is damaged")
    return top


def integers(text: str) -> list[int]:
    """[0, 1, 2] for '0,1,2'; a number that is given twice counts once."""
    try:
        return list(dict.fromkeys(int(part) for part in text.split(",")))
    except ValueError:
        raise argparse.ArgumentTypeError(f'"{short(text)}" is not a list of whole numbers like 0,1,2') from None


def seed_list(text: str) -> list[int]:
    """[0, 1, 2] for '3'; [0, 5] for '0,5'."""
    numbers = integers(text)
    counted = len(numbers) == 1 and "," not in text
    if (numbers[0] if counted else len(numbers)) > MOST_RUNS:
        raise argparse.ArgumentTypeError(f'"{short(text)}" asks for too many runs; {MOST_RUNS} at most')
    if counted:
        numbers = list(range(numbers[0]))
    if not numbers or min(numbers) < 0:
        raise argparse.ArgumentTypeError(f'"{short(text)}" gives no seed; say how many (3) or which (0,1,2)')
    return numbers


def assignment(text: str) -> tuple[str, str]:
    """('noise.eps', '8') for 'noise.eps=8'."""
    field, equals, value = text.partition("=")
    if not (field and equals) or len(field) > LONGEST:
        raise argparse.ArgumentTypeError(f'"{short(text)}" is not FIELD=VALUE, as in noise.eps=8')
    return field.strip(), value


def value_of(field: str, text: str) -> Any:
    """What --set gives a field, as YAML reads it. Raises UserError where it cannot."""
    import yaml

    try:
        return yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):
        raise UserError(
            f"--set {field}: {short(text)!r} is no value; write a word, a number or a list such as [10,30], or put it "
            f"in quotes: --set '{field}=\"...\"'"
        ) from None


def videos(text: str) -> str:
    """The absolute path of a folder of videos or of a .zip."""
    try:
        path = path_of(text)
    except UserError as error:
        raise argparse.ArgumentTypeError(str(error)) from None
    if path.suffix.lower() == ".rar" and path.is_file():
        how = f"unpack it (unrar x {path.name}, or bsdtar -xf {path.name}) and give the folder"
        raise argparse.ArgumentTypeError(f'"{text}" is a .rar; {how}')
    if not path.is_dir() and not (path.suffix.lower() == ".zip" and path.is_file()):
        raise argparse.ArgumentTypeError(f'no folder "{short(text)}"; give the one that holds <class>/<video>')
    return str(path.resolve())


def cluster(text: str) -> str:
    """'local:4' or 'tcp://host:8786' as it is; the absolute path of a .yaml file."""
    if re.fullmatch(r"local:[1-9]\d{0,2}|tcp://\S+:\d+", text):
        return text
    if is_file_name(text):
        path = Path(text).expanduser()
        if not path.is_file():
            raise argparse.ArgumentTypeError(f'no file "{text}"; docs/cluster.yaml is an example of one')
        return str(path.resolve())
    raise argparse.ArgumentTypeError(f'"{short(text)}" is no cluster; give local:4, tcp://host:8786 or a .yaml file')


def check_names(arguments) -> None:
    """Raises UserError for a name that may not be used, in --profile, its .yaml file's name or --set name=..."""
    name = arguments.profile or "demo"
    check_name(Path(name).stem if is_file_name(name) else name)
    for field, value in arguments.set:
        if field == "name":
            check_name(value.strip().strip("\"'"))


def is_file_name(name: str) -> bool:
    """Whether --profile names a file of the user's rather than a profile of the package."""
    return name.endswith((".yaml", ".yml"))


def profile_of(arguments) -> Run:
    """The profile's name or absolute path, and the overrides that the arguments ask for (values as YAML reads them)."""
    name = arguments.profile or (profile_for(arguments.data) if arguments.data else "demo")
    if is_file_name(name):
        name = str(path_of(name).resolve())
    overrides = {field: value_of(field, text) for field, text in arguments.set}
    named = {"dataset.root": arguments.data, "dataset.splits": arguments.split}
    return name, overrides | {field: value for field, value in named.items() if value is not None}


def profile_for(root: str) -> str:
    """The profile for --data without --profile: ucf101 for a copy of UCF-101, known by its file names; else folder."""
    from ..data.ucf101 import recognised

    return "ucf101" if recognised(Path(root)) else "folder"


def runs(arguments) -> list[Run]:
    """What is to be run: one run, or one for each split of UCF-101 and seed.

    Several runs need names of their own: ucf101-split2, demo-seed1. A run with the profile's own seed has no -seed in
    its name.
    """
    from ..profiles import load_profile

    name, overrides = profile_of(arguments)
    profile = load_profile(name, overrides)
    check_name(profile.name)
    if arguments.data and profile.dataset.kind == "demo":
        raise UserError(f'--data: profile "{profile.name}" renders its own videos; leave --profile out, or take folder')
    if arguments.split and profile.dataset.kind != "ucf101":
        raise UserError(f'--split: profile "{profile.name}" is not of UCF-101, which alone has splits; leave it out')
    splits, chosen = profile.dataset.splits, []
    for split, seed in product(splits, arguments.seeds or [profile.seed]):
        changes, run_name = {}, profile.name
        if len(splits) > 1:
            changes["dataset.splits"], run_name = [split], f"{run_name}-split{split}"
        if seed != profile.seed:
            changes["seed"], run_name = seed, f"{run_name}-seed{seed}"
        chosen.append((name, overrides | changes | {"name": run_name} if changes else overrides))
    return chosen
