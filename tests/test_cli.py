"""The command line as a person meets it: help, exit codes, and one line for a mistake, never a traceback."""

from __future__ import annotations

import errno
import os
import shutil
import subprocess
import sys
from types import SimpleNamespace

import pandas as pd
import pytest

from clipaction.base.errors import UserError
from clipaction.base.paths import ROOT
from clipaction.profiles import load_profile
from clipaction.run import cli
from clipaction.run.arguments import parser, profile_of, runs


def call(*arguments, cwd=ROOT, **environment):
    env = {**os.environ, "PYTHONPATH": str(ROOT), **environment}
    return subprocess.run(arguments, cwd=cwd, env=env, capture_output=True, text=True, timeout=60)


@pytest.fixture
def checkout(tmp_path):
    """A copy of the scripts and the package, without an environment."""
    for name in ("run_all.sh", "setup_env.sh", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(
        ROOT / "clipaction", tmp_path / "clipaction", ignore=shutil.ignore_patterns("__pycache__", "*.safetensors")
    )
    return tmp_path


@pytest.mark.parametrize(("arguments", "expected"), [
    (["run", "--profile", "nope"], 'unknown profile "nope"; choose one of demo'),
    (["run", "--profile", "nope", "--check"], 'unknown profile "nope"; choose one of demo'),
    (["run", "--colour"], "unrecognized arguments: --colour"),
    (["run", "--from", "02", "--only", "03"], "not allowed with argument"),
    (["run", "--only", "77"], 'no notebook "77"'),
    (["run", "--data", "/no/such/folder"], 'no folder "/no/such/folder"; give the one that holds <class>/<video>'),
    (["run", "--data", __file__], f'no folder "{__file__}"'),
    (["run", "--seeds", "two"], '"two" is not a list of whole numbers'),
    (["run", "--set", "noise.epz=1"], 'noise.epz: unknown field; did you mean "eps"?'),
    (["verify", "--set", "noise.eps"], '"noise.eps" is not FIELD=VALUE'),
    (["verify", "--set", "noise.eps=[1,"], "--set noise.eps: '[1,' is no value; write"),
    (["verify", "--set", "title=2020-99-99"], "--set title: '2020-99-99' is no value"),
    (["verify", "--set", f"title={'[' * 5000}"], "--set title: '[["),
    (["verify", "--set", "title=a\0b"], "is no value"),
    (["verify", "--set", f"title={'x' * 5000}"], "title: string should have at most 200 characters (got 'xxx"),
    (["verify", "--set", "title=&a [*a]"], "title: input should be a valid string"),
    (["verify", "--set", "masking.percents=[101]"], "masking.percents.0: input should be less than or equal to 99"),
    (["verify", "--set", "frames=100000000"], "frames: input should be less than or equal to 256"),
    (["verify", "--set", "regions.sources=[boxes]"], "regions.sources: boxes is not known of demo videos"),
    (["verify", "--profile", "ucf101", "--set", "regions.sources=[truth]"], "truth is not known of ucf101 videos"),
    (["verify", "--profile", "ucf101", "--set", "regions.grains=[plate]"], "plate needs the demo's clean plates"),
    (["verify", "--profile", "x" * 5000], "cannot name a folder"),
    (["verify", "--seeds", "99999999"], '"99999999" asks for too many runs; 100 at most'),
    (["verify", "--seeds", "9" * 5000], "is not a list of whole numbers"),
    (["verify", "--split", "1,2"], '--split: profile "demo" is not of UCF-101'),
    (["verify", "--data", str(ROOT), "--profile", "quick"], '--data: profile "quick" renders its own videos'),
    (["run", "--plan", "--set", "model.device=cuda:77"], "model.device: no cuda:77 here; choose auto or cpu"),
    (["run", "--plan", "--set", "model.name=nonsense"], "open_clip knows no model nonsense"),
    (["dance"], "invalid choice: 'dance'"),
    ([], "the following arguments are required"),
])  # fmt: skip
def test_a_mistake_is_one_line_and_exit_2(arguments, expected, capsys):
    assert cli.main(arguments) == 2
    printed = capsys.readouterr()
    assert expected in printed.err and printed.err.count("\n") == 1 and not printed.out
    assert len(printed.err) < 1000


@pytest.mark.parametrize("check", [[], ["--check"]])
@pytest.mark.parametrize(("arguments", "expected"), [
    (["--set", "name=reference", "--fresh"], 'profile name "reference": figures/reference holds the published figures'),
    (["--set", "name='Reference'"], "holds the published figures"),
    (["--profile", "reference"], "holds the published figures"),
    (["--profile", "some/where/reference.yaml"], "holds the published figures"),
    (["--set", "name=../figures"], 'profile name "../figures" cannot name a folder'),
    (["--set", "name=/tmp/x"], 'profile name "/tmp/x" cannot name a folder'),
    (["--profile", "../profiles/demo"], 'profile name "../profiles/demo" cannot name a folder'),
])  # fmt: skip
def test_names_that_would_touch_what_is_published_are_refused(arguments, expected, check, capsys, monkeypatch):
    monkeypatch.delenv("CLIPACTION_FIGURES", raising=False)
    published = ROOT / "figures" / "reference"
    before = {path: path.stat().st_mtime_ns for path in published.rglob("*")}
    assert before and cli.main(["run", *arguments, *check]) == 2
    printed = capsys.readouterr()
    assert expected in printed.err and printed.err.count("\n") == 1 and not printed.out
    assert {path: path.stat().st_mtime_ns for path in published.rglob("*")} == before
    assert not (ROOT / "results" / "reference").exists()


def test_a_name_inside_a_profile_file_is_refused_before_anything_runs(tmp_path, capsys):
    mine = tmp_path / "mine.yaml"
    mine.write_text("extends: quick\nname: reference\n")
    assert cli.main(["run", "--profile", str(mine), "--fresh"]) == 2
    printed = capsys.readouterr()
    assert "reference" in printed.err and printed.err.count("\n") == 1 and not printed.out


def test_arguments_become_profile_and_overrides(tmp_path):
    parse = parser().parse_args
    assert profile_of(parse(["run"])) == ("demo", {})
    assert profile_of(parse(["run", "--data", str(tmp_path)])) == ("folder", {"dataset.root": str(tmp_path)})
    _, overrides = profile_of(
        parse(["run", "--seeds", "0,1", "--split", "2", "--set", "noise.eps=8", "--set", "baselines.enabled=false"])
    )
    assert overrides == {"dataset.splits": [2], "noise.eps": 8, "baselines.enabled": False}
    assert profile_of(parse(["run", "--profile", "mine.yaml"]))[0] == os.path.abspath("mine.yaml")


def test_too_few_videos_to_learn_from_are_refused_before_any_notebook(tmp_path, monkeypatch, capsys):
    clips = {"test": pd.DataFrame({"clip": ["a"]}), "train": pd.DataFrame(), "val": pd.DataFrame()}
    monkeypatch.setattr(
        cli, "prepared", lambda *_: SimpleNamespace(dataset=SimpleNamespace(note="folder x: 2 videos"), clips=clips.get)
    )
    assert cli.main(["run", "--data", str(tmp_path)]) == 2
    what = "no clip is left to train noise on in folder x: 2 videos; have three videos or more of most classes"
    assert capsys.readouterr().err == f"clipaction: {what}\n"


def test_several_splits_are_run_one_by_one_under_names_of_their_own():
    parse = parser().parse_args
    assert runs(parse(["run", "--profile", "ucf101", "--split", "2"])) == [("ucf101", {"dataset.splits": [2]})]
    several = runs(parse(["run", "--profile", "ucf101", "--split", "1,3"]))
    assert [overrides for _, overrides in several] == [
        {"dataset.splits": [k], "name": f"ucf101-split{k}"} for k in (1, 3)
    ]
    assert load_profile(*several[1]).name == "ucf101-split3"


def test_several_seeds_are_whole_runs_and_the_profiles_own_seed_is_the_plain_run():
    parse = parser().parse_args
    assert runs(parse(["run", "--seeds", "3"])) == [
        ("demo", {}),
        *(("demo", {"seed": k, "name": f"demo-seed{k}"}) for k in (1, 2)),
    ]
    both = runs(parse(["run", "--profile", "ucf101", "--split", "1,2", "--seeds", "0,4"]))
    assert [load_profile(*each).name for each in both] == [
        "ucf101-split1",
        "ucf101-split1-seed4",
        "ucf101-split2",
        "ucf101-split2-seed4",
    ]


@pytest.mark.parametrize(("error", "code", "expected"), [
    (UserError("the thing; the remedy"), 2, "clipaction: the thing; the remedy\n"),
    (KeyboardInterrupt(), 130, "clipaction: interrupted; run again to go on from here\n"),
    (OSError(errno.ENOSPC, "No space left on device", "/full/disk"), 2, "no space left on the disk of /full/disk"),
])  # fmt: skip
def test_exit_codes(error, code, expected, monkeypatch, capsys):
    def fail(_):
        raise error

    monkeypatch.setitem(cli.COMMANDS, "run", fail)
    assert cli.main(["run"]) == code
    assert expected in capsys.readouterr().err


def test_a_bug_keeps_its_traceback(monkeypatch):
    monkeypatch.setitem(cli.COMMANDS, "run", lambda _: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        cli.main(["run"])


def test_run_all_help_and_mistakes_need_no_environment(checkout):
    told = call("./run_all.sh", "--help", cwd=checkout)
    assert told.returncode == 0 and "--profile quick" in told.stdout and "--fresh" in told.stdout
    for arguments, expected in ((["--profile", "x"], 'unknown profile "x"'), (["--colour"], "unrecognized arguments")):
        refused = call("./run_all.sh", *arguments, cwd=checkout, PYTHON=sys.executable)
        assert refused.returncode == 2 and expected in refused.stderr and refused.stderr.count("\n") == 1
    assert not (checkout / ".venv").exists()


def test_an_old_or_missing_python_is_told(checkout):
    refused = call("./run_all.sh", cwd=checkout, PYTHON="/no/such/python")
    assert refused.returncode == 2 and "PYTHON=/no/such/python is not Python 3.11 or newer" in refused.stderr
    old = checkout / "bin" / "python3"
    old.parent.mkdir()
    old.write_text('#!/bin/sh\n[ "$1" = --version ] && echo Python 3.8.1 && exit 0\nexit 1\n')
    old.chmod(0o755)
    for name in ("python3.11", "python3.12", "python3.13"):
        os.symlink(old, old.parent / name)
    refused = call("./run_all.sh", cwd=checkout, PYTHON="", PATH=f"{old.parent}:{os.environ['PATH']}")
    assert refused.returncode == 2
    assert "Python 3.11 or newer is needed and Python 3.8.1 was found; install it, or set PYTHON=" in refused.stderr


def test_too_little_disk_is_told_before_anything_is_made(checkout):
    df = checkout / "bin" / "df"
    df.parent.mkdir()
    df.write_text("#!/bin/sh\necho header\necho /dev/sda 9000000 7000000 2000000 78% /\n")
    df.chmod(0o755)
    bare = {
        "PYTHON": sys.executable,
        "VIRTUAL_ENV": "",
        "CONDA_PREFIX": "",
        "PATH": f"{df.parent}:{os.environ['PATH']}",
    }
    refused = call("./run_all.sh", cwd=checkout, **bare)
    assert refused.returncode == 2 and "of free disk are needed for .venv and 2 GB are left" in refused.stderr
    assert not (checkout / ".venv").exists()


def test_an_environment_that_is_not_ours_is_never_emptied(checkout):
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", ".venv"], cwd=checkout, check=True)
    refused = call("./run_all.sh", cwd=checkout, PYTHON=sys.executable, VIRTUAL_ENV="", CONDA_PREFIX="")
    assert refused.returncode == 2 and refused.stderr.count("\n") == 1
    assert ".venv was not made by this script and lacks" in refused.stderr and "move it away" in refused.stderr
    assert (checkout / ".venv/bin/python").exists() and not (checkout / ".venv/unfinished").exists()


def test_half_made_environments_are_made_again(checkout):
    (checkout / ".venv/lib").mkdir(parents=True)
    (checkout / ".venv/unfinished").touch()
    (checkout / "requirements.lock").write_text("nothing-by-this-name==1 --hash=sha256:" + 64 * "0")
    failed = call(
        "./run_all.sh", cwd=checkout, PYTHON=sys.executable, VIRTUAL_ENV="", CONDA_PREFIX="", PIP_NO_INDEX="1"
    )
    assert failed.returncode == 2 and "installing requirements.lock failed: ERROR: " in failed.stderr
    assert "check the network and run again" in failed.stderr
    assert not (checkout / ".venv/requirements.lock").exists() and (checkout / ".venv/unfinished").exists()
