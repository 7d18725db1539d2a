"""Arguments: a mistake is one line and exit 2, at once. The checks are the real ones; what would run is replaced."""

from __future__ import annotations

import contextlib
import io
import time
import types
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from unittest import mock

import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import BaseModel

from clipaction.base.paths import PUBLISHED, ROOT, profile_names
from clipaction.paper import report as pages
from clipaction.paper import verify
from clipaction.profiles.schema import Profile
from clipaction.run import bench, cli, deep, forecast, lab, runner

from . import Try, fault

SECONDS, LINES, LETTERS = 20.0, 3, 2000  # an answer takes no longer, also on a busy machine, and is no longer

MISTAKES = {  # by row of the table in the issue that first listed them
    "1": (["run", "--set", "name=reference", "--fresh"], ["run", "--set", "name=/etc"], ["run", "--profile", "../x"]),
    "8": (
        ["verify", "--set", "noise.eps=[1,"],
        ["verify", "--set", "title=2020-99-99"],
        ["verify", "--set", "title=&a [*a]"],
        ["verify", "--set", f"title={'[' * 5000}"],
        ["verify", "--set", "title=" + "{a: " * 1000],
        ["verify", "--set", "title=&a [x,x] &b [*a,*a]"],
        ["run", "--data", "x" * 5000],
        ["verify", "--profile", "x/" * 2500 + "a.yaml"],
        ["run", "--plan", "--set", f"regions.boxes={'x' * 5000}"],
        ["run", "--plan", "--profile", "folder", "--set", "dataset.root=~nobody-here/videos"],
        ["verify", "--seeds", "99999999"],
        ["verify", "--seeds", "9" * 5000],
        ["verify", "--seeds", "-3"],
        ["verify", "--set", f"{'a.' * 3000}b=1"],
    ),
    "9": (
        ["verify", "--set", "regions.grains=[]"],
        ["verify", "--profile", "folder", "--set", "regions.grains=[plate]"],
        ["verify", "--set", "masking.percents=[101]"],
        ["verify", "--set", "masking.percents=[.nan]"],
        ["verify", "--set", "noise.eps=.inf"],
        ["run", "--plan", "--set", "model.name=nonsense"],
        ["run", "--plan", "--set", "model.pretrained=nonsense"],
        ["run", "--plan", "--set", "dataset.classes=[Flying,Sinking]"],
        ["run", "--plan", "--set", "model.device=cuda:99"],
        ["bench", "--set", "model.device=cuda:99"],
        ["verify", "--set", "frames=100000000"],
    ),
    "10": (
        ["run", "--data", str(ROOT), "--profile", "quick"],
        ["bench", "--data", str(ROOT), "--profile", "quick"],
        ["run", "--split", "1,2"],
        ["lab", "--split", "1,2"],
        ["run", "--profile", "ucf101", "--split", "4"],
    ),
}


@contextlib.contextmanager
def nothing_runs(real: tuple[str, ...] = ()) -> Iterator[None]:
    """The commands check their arguments, and then do nothing. real: names of functions that stay."""
    study = types.SimpleNamespace(clips=lambda split: types.SimpleNamespace(empty=False))
    replaced = {
        (runner, "run"): False,
        (runner, "unfinished"): [],
        (forecast, "told"): "",
        (forecast, "check_space"): None,
        (cli, "prepared"): study,
        (verify, "report"): 0,
        (pages, "make_pooled"): None,
        (deep, "check_files"): 0,
        (bench, "bench"): "",
        (lab, "lab"): 0,
    }
    with ExitStack() as stack:
        for (module, name), answer in replaced.items():
            if name in real:
                continue
            stack.enter_context(mock.patch.object(module, name, lambda *_, answer=answer, **__: answer))
        yield


def answer(arguments: list[str], real: tuple[str, ...] = ()) -> tuple[int, str, float]:
    """(exit code, what is printed, seconds) of a command line; raises what `main` raises."""
    said, started = io.StringIO(), time.monotonic()
    with nothing_runs(real), contextlib.redirect_stdout(said), contextlib.redirect_stderr(said):
        try:
            code = cli.main(arguments)
        except SystemExit as ended:  # --help
            code = int(ended.code or 0)
    return code, said.getvalue(), time.monotonic() - started


def wrong(arguments: list[str], codes: tuple[int, ...]) -> str:
    """What is wrong with the answer to a command line; '' where nothing is."""
    try:
        code, said, seconds = answer(arguments)
    except BaseException as error:
        return f"{type(error).__name__}: {str(error)[:300]}"
    if code not in codes:
        return f"exit {code}: {said[:300]}"
    asked = any(each in ("-h", "--help") for each in arguments)
    if not asked and (said.count("\n") > LINES or len(said) > LETTERS):
        return f"{said.count(chr(10))} lines, {len(said)} letters"
    return f"{seconds:.1f} s" if seconds > SECONDS else ""


def shown(arguments: list[str]) -> str:
    return " ".join(repr(each[:60])[1:-1] for each in arguments)


@fault("arguments that cannot be meant (rows 1, 8, 9, 10)")
def mistakes(folder: Path, long: bool) -> Iterator[Try]:
    before = {path: path.stat().st_mtime_ns for path in PUBLISHED.rglob("*")}
    for row, lines in MISTAKES.items():
        for arguments in lines:
            yield f"row {row}: {shown(arguments)}", wrong(arguments, (2,))
    after = {path: path.stat().st_mtime_ns for path in PUBLISHED.rglob("*")}
    yield "row 1: the published figures", "" if after == before else "they are touched"


def fields(model: type[BaseModel] = Profile, before: str = "") -> list[str]:
    """All fields of a profile, dotted."""
    found = []
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            found += fields(kind, f"{before}{name}.")
        found.append(before + name)
    return found


ODD_TEXTS = [
    *("", "~", "null", "[]", "{}", "[[1]]", "*a", "&a [*a]", "!!python/object:os.system {}", "-", "../..", "/", "a\nb"),
    *(".nan", "-.inf", "1e400", "0x" + "f" * 500, "\ud800", "$x$y$", "<b>", "% \\", "x" * 5000, "[" * 2000, "cuda"),
    *("mps", "openai", "random", "reference", "2020-99-99", "1,2", "0,0,0", "yes", "~nobody/x", "y" * 300 + ".pt"),
]
ODD = st.one_of(
    st.text(max_size=40),
    st.integers().map(str),
    st.floats().map(str),
    st.sampled_from(ODD_TEXTS),
    st.recursive(st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
                 lambda each: st.lists(each, max_size=4) | st.dictionaries(st.text(max_size=5), each, max_size=3),
                 max_leaves=8).map(lambda value: yaml.safe_dump(value, default_flow_style=True).strip()),
)  # fmt: skip


@st.composite
def command_lines(draw, folder: Path) -> list[str]:
    """A command with options, of which some are meant and some are not."""
    file = folder / "mine.yaml"
    options = {
        "--profile": st.sampled_from([*profile_names(), str(file), "nope.yaml"]) | ODD,
        "--data": st.sampled_from([str(folder), str(file), "/dev/null", "/proc/self"]) | ODD,
        "--split": st.sampled_from(["1", "1,2,3", "4", "1,1"]) | ODD,
        "--seeds": st.sampled_from(["3", "0,5", "0", "101"]) | ODD,
        "--set": st.tuples(st.sampled_from(fields()) | ODD, ODD).map("=".join) | ODD,
        "--from": st.sampled_from(["01", "6", "7"]) | ODD,
        "--only": st.sampled_from(["01", "6", "7"]) | ODD,
    }
    file.write_bytes(draw(st.binary(max_size=60) | ODD.map(lambda text: text.encode(errors="surrogatepass"))))
    line = [draw(st.sampled_from([*cli.COMMANDS, *cli.COMMANDS, "", "dance"]))]
    for name in draw(st.lists(st.sampled_from([*options, "--set", "--set"]), max_size=4)):
        line += [name, draw(options[name])]
    return line + draw(st.lists(st.sampled_from(["--fresh", "--plan", "--deep", "--check", "--x", "-"]), max_size=1))


@fault("generated arguments: no traceback, no long answer, no wait")
def generated(folder: Path, long: bool) -> Iterator[Try]:
    found: list[Try] = []

    @settings(
        max_examples=300 if long else 60,
        derandomize=not long,
        database=None,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    @given(line=command_lines(folder))
    def one(line: list[str]) -> None:
        found.append((shown(line), wrong(line, (0, 1, 2))))

    one()
    yield from found
