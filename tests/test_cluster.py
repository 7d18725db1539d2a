"""Many machines: the same bytes as on one, whoever is killed; and one line where something is missing.

`python tests/test_cluster.py` runs the whole profile `quick` with and without a cluster and prints a table (minutes).
"""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import chain
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

import jupytext
import pandas as pd
import psutil
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.base.files import digest_of, is_temporary
from clipaction.base.paths import ROOT
from clipaction.base.tensors import content_of, read_tensors
from clipaction.evaluate import sweep
from clipaction.evaluate.judge import evaluate_methods
from clipaction.evaluate.methods import find_method
from clipaction.masking.plan import HELDOUT, SQUARE, hidden_condition, plan
from clipaction.noise import learning, protocols
from clipaction.run import cli, cluster, tasks
from clipaction.run.arguments import parser
from clipaction.run.cluster_file import read_cluster_file
from clipaction.run.worker import STARTED, agreed, perform, problem, study_of, versions
from clipaction.study import Study, open_study
from clipaction.vision.clip import EMBEDDED

needs_dask = pytest.mark.skipif(
    importlib.util.find_spec("distributed") is None, reason="Dask is not installed: pip install -e '.[cluster]'"
)
OVERRIDES = {
    "frames": 2,
    "dataset.classes": ["Archery", "Biking", "JumpRope", "PullUps"],
    "dataset.test_groups": 1,
    "dataset.frames_per_clip": 8,
    "masking.shapes": ["square"],
    "masking.percents": [30],
    "regions.parts": ["actor+prop", "relevant"],
    "regions.fills": [],
    "noise.steps": 4,
    "noise.validate_every": 2,
}
FOLDERS = ("DATA", "RESULTS", "FIGURES")


# without Dask


@pytest.mark.parametrize("text", ["local", "local:0", "local:1000", "tcp://host", "host:8786", "local:4:5", ""])
def test_what_is_no_cluster_is_refused(text):
    with pytest.raises(UserError, match="is no cluster; give local:4, tcp://host:8786 or a .yaml file"):
        parser().parse_args(["run", "--cluster", text])


def test_a_cluster_is_a_number_of_processes_an_address_or_a_file(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").touch()
    monkeypatch.chdir(tmp_path)
    known = {"local:4": "local:4", "tcp://host:8786": "tcp://host:8786", "mine.yaml": str(tmp_path / "mine.yaml")}
    assert {text: parser().parse_args(["run", "--cluster", text]).cluster for text in known} == known
    assert parser().parse_args(["run"]).cluster is None
    with pytest.raises(UserError, match='no file "other.yaml"'):
        parser().parse_args(["run", "--cluster", "other.yaml"])


def test_nothing_of_dask_is_imported_without_a_cluster():
    code = "import sys, clipaction.run.runner, clipaction.run.cli, clipaction.run.cluster as c; c.tasks; c.cluster_file"
    code = (
        code.replace("; c.tasks; c.cluster_file", "") + "; sys.exit(bool({'dask', 'distributed'} & set(sys.modules)))"
    )
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, timeout=100).returncode == 0


def test_where_dask_is_missing_the_line_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "dask", None)  # importing it fails
    assert cli.main(["run", "--profile", "quick", "--cluster", "local:2"]) == 2
    printed = capsys.readouterr()
    assert f"{sys.executable} -m pip install -e '{ROOT}[cluster]'" in printed.err and printed.err.count("\n") == 1
    assert not printed.out


def test_the_example_file_is_valid(tmp_path):
    text = (ROOT / "docs" / "cluster.yaml").read_text()
    assert read_cluster_file(ROOT / "docs" / "cluster.yaml").gpu
    head, _, ssh = text.partition("# ssh:")
    head = head.partition("slurm:")[0]
    (tmp_path / "ssh.yaml").write_text(head + "ssh:" + ssh.replace("\n#", "\n"))
    assert read_cluster_file(tmp_path / "ssh.yaml").hosts == ("lab1", "lab2", "lab3")


@pytest.mark.parametrize(("text", "line"), [
    ("", "give one section, slurm or ssh"),
    ("slurm: {jobs: 1, memory: 1GB}\nssh: {hosts: [a]}", "give one section, slurm or ssh"),
    ("slurm: {jobs: 1, memory: 1GB, queu: gpu}", 'slurm.queu: unknown field; did you mean "queue"?'),
    ("slurm: {jobs: 0, memory: 1GB}", "slurm.jobs: input should be greater than or equal to 1 (got 0)"),
    ("slurm: {jobs: 1, memory: lots}", "slurm.memory: string should match"),
    ("slurm: {jobs: 1}", "slurm.memory: missing"),
    ("ssh: {hosts: []}", "ssh.hosts: tuple should have at least 1 item"),
    ("slurn: {}", 'slurn: unknown field; did you mean "slurm"?'),
    ("ssh: [", "not readable as YAML"),
])  # fmt: skip
def test_a_wrong_file_is_one_line(tmp_path, text, line):
    (tmp_path / "c.yaml").write_text(text)
    with pytest.raises(UserError) as raised:
        read_cluster_file(tmp_path / "c.yaml")
    assert line in str(raised.value) and "\n" not in str(raised.value) and "c.yaml" in str(raised.value)


@pytest.mark.parametrize("frames", [True, False])
def test_blocks_of_clips_give_the_rows_of_all_clips_together(toy_study, toy_meta, tmp_path, monkeypatch, frames):
    """12 clips of 3 frames, 4 clips at a time: in one block, and in blocks of 8 and 4."""

    def table(folder: str, block: int) -> pd.DataFrame:
        monkeypatch.setattr(sweep, "BLOCK", block)
        toy_study.results = tmp_path / folder
        toy_study.profile = toy_study.profile.model_copy(update={"batch": 12})
        return toy_study.evaluate(toy_meta, ["none", SQUARE], "step", frames=frames, scores=True)

    pd.testing.assert_frame_equal(table("one", 512), table("two", 9), check_exact=True)
    one, two = (list((tmp_path / name).rglob("*.parquet")) for name in ("one", "two"))
    assert (len(one), len(two)) == (2, 4)


# the study that all tests below work on


@contextmanager
def folders(top: Path, results: str) -> Iterator[None]:
    """The environment in which all files lie below `top`; results in a folder of their own."""
    before = {name: os.environ.get(f"CLIPACTION_{name}") for name in FOLDERS}
    os.environ |= {"CLIPACTION_DATA": str(top / "data")}
    os.environ |= {f"CLIPACTION_{name}": str(top / results / name.lower()) for name in FOLDERS[1:]}
    try:
        yield
    finally:
        for name, value in before.items():
            os.environ.pop(f"CLIPACTION_{name}")
            os.environ |= {} if value is None else {f"CLIPACTION_{name}": value}


@pytest.fixture(scope="module")
def top(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("cluster")


def lines(number: str, first: str, last: str) -> str:
    """The lines of a notebook from the one that begins with `first` to before the next that begins with `last`."""
    (book,) = (ROOT / "notebooks").glob(f"{number}_*.py")
    source = "\n".join(cell.source for cell in jupytext.read(book).cells if cell.cell_type == "code").splitlines()
    start = next(i for i, line in enumerate(source) if line.startswith(first))
    end = next(i for i, line in enumerate(source[start:], start) if line.startswith(last))
    return "\n".join(source[start:end])


def ask(study: Study) -> dict[str, int]:
    """What notebooks 02 to 04 ask for, by their own lines: {step: frames that were embedded for it}."""
    train, val, test = (study.clips(split) for split in ("train", "val", "test"))
    assert study.clip  # loading it embeds two drawings
    names: dict = {"study": study, "pd": pd, "train": train, "val": val, "test": test, "learning": learning}
    names |= {"conditions": plan(study.profile), "config": study.profile.noise, "evaluate_methods": evaluate_methods}
    names |= {"hidden_condition": hidden_condition, "SQUARE": SQUARE, "HELDOUT": HELDOUT, "find_method": find_method}
    names["LiveCurves"] = lambda: None
    exec(lines("02", "away = study.meta", "clips = zero_shot"), names)
    exec(lines("03", 'with study.timed("masking sweep"', "masking = doubtful"), names)
    exec(lines("04", 'with study.timed("embedding views"', "live.show"), names)
    built = protocols.build_protocols(learning.setup_of(study, names["learned"]))
    names["methods"] = {name: made for name, made in built.items() if not find_method(name).uses_label}
    exec(lines("04", "hidden = hidden_condition", "alone ="), names)
    exec(lines("04", "without_label =", "    for name, material"), names)
    return pd.read_parquet(study.results / "timing.parquet").set_index("step")["frames"].to_dict()


def left(study: Study) -> dict[str, str]:
    """{file: digest} of what is kept. Of curves all but the seconds; of tensors, whose file has no order, the
    content."""
    found = {}
    for path in sorted(study.results.rglob("*")):
        name = path.relative_to(study.results).as_posix()
        if path.is_file() and not is_temporary(path) and name not in ("timing.parquet", "methods.json"):
            found[name] = digest_of(path)
            if path.suffix == ".safetensors":
                found[name] = content_of(*read_tensors(path))
            if path.parent == study.results / "noise" and path.suffix == ".parquet":
                found[name] = pd.read_parquet(path).drop(columns="seconds").to_json()
    return found


@pytest.fixture(scope="module")
def alone(top) -> dict[str, str]:
    """What is kept of a run without a cluster."""
    with folders(top, "alone"):
        study = open_study("quick", OVERRIDES)
        embedded = ask(study)
        assert all(embedded.values()), embedded
        return left(study)


def test_after_the_tasks_the_notebooks_find_everything(top, alone):
    """In this process: a task leaves what its notebook asks for, under the same key and byte for byte."""
    with folders(top, "tasks"):
        study = open_study("quick", OVERRIDES)
        with agreed(study, "quick", OVERRIDES) as terms:
            assert not problem(terms)
            for stages in tasks.AHEAD.values():
                for stage in stages:
                    for task in reversed(stage(study)):  # their order is nobody's business
                        perform(terms, task)
            assert study_of(terms) is study_of(terms)
        assert not list(study.results.glob(".cluster*"))
        before = EMBEDDED["frames"]
        assert not any(ask(study).values()) and EMBEDDED["frames"] == before
        assert left(study) == alone


def test_a_worker_that_cannot_work_says_why(top):
    with folders(top, "terms"):
        study = open_study("quick", OVERRIDES)
        with agreed(study, "quick", OVERRIDES) as terms:
            told = problem(replace(terms, versions=versions() | {"clipaction": "0123456789ab"}))
            assert told.startswith("it has clipaction ") and "not 0123456789ab" in told and "install the same" in told
            told = problem(replace(terms, versions=versions() | {"torch": "1.0"}))
            assert told.startswith("it has torch ") and "not 1.0 as this machine" in told
            told = problem(replace(terms, file=Path("/nowhere/results/file")))
            assert told.startswith("it does not see /nowhere/results; let all machines share that folder")
            assert problem(replace(terms, frames=Path("/nowhere/frames"))).startswith("it does not see /nowhere")
            told = problem(replace(terms, overrides=terms.overrides | {"model.device": "cuda:77"}))
            assert "no cuda:77 free" in told and "--set model.device=cpu" in told
        assert "does not see" in problem(terms), "the file is gone when the block ends"
        with pytest.raises(UserError, match="does not see"):
            perform(terms, tasks.zero_shot(study)[0])


# with Dask


@pytest.fixture(scope="module")
def two() -> Iterator[Callable]:
    with cluster.workers("local:2") as ahead:
        yield ahead


def all_ahead(ahead: Callable) -> Study:
    for number in ("01", "02", "03", "04", "05"):
        ahead("quick", OVERRIDES, number)
    return open_study("quick", OVERRIDES)


@needs_dask
def test_two_workers_leave_the_same_bytes_as_none(top, alone, two, capsys):
    with folders(top, "local-2"):
        study = all_ahead(two)
        assert not any(ask(study).values())
        assert left(study) == alone
    printed = capsys.readouterr().out
    assert "repeated" not in printed and "failed" not in printed, printed


def kill_at_work(client, name: str, done: Callable[[], bool]) -> str:
    """kill -9 of a worker while it does a task whose title begins with `name`, once `done()`; the task's title. The
    worker is stopped first, so that it cannot end the task meanwhile."""
    pids, began = client.run(os.getpid), time.time()
    while time.time() < began + 240:
        for address in [address for address, keys in client.processing().items() if keys and done()]:
            os.kill(pids[address], signal.SIGSTOP)
            time.sleep(0.2)  # for what it sent before
            begun = {title for when, title in client.get_events(STARTED) if when > began}
            doing = [key.rpartition(" ")[0] for key in client.processing().get(address, ())]
            doing = [title for title in doing if title in begun and title.startswith(name)]
            os.kill(pids[address], signal.SIGKILL if doing else signal.SIGCONT)
            if doing:
                return doing[0]
        time.sleep(0.05)
    raise AssertionError(f"no worker did {name}")


@contextmanager
def beside(function: Callable, *arguments) -> Iterator[list]:
    """Runs a function in a thread; the list holds what it gives, after the block."""
    found: list = []
    thread = threading.Thread(target=lambda: found.append(function(*arguments)))
    thread.start()
    yield found
    thread.join()


def assert_told(printed: str, title: str) -> None:
    told = [line for line in printed.splitlines() if line.startswith("cluster: a worker was lost; repeated: ")]
    assert told and title in told[0], (title, printed)


@needs_dask
def test_a_worker_killed_in_a_sweep_and_one_in_a_training(top, alone, two, capsys):
    client = two.args[0]
    with folders(top, "killed"):
        results = Path(os.environ["CLIPACTION_RESULTS"]) / "quick"
        with beside(kill_at_work, client, "masking", lambda: any(results.glob("predictions/masking/*"))) as sweeping:
            two("quick", OVERRIDES, "03")
        assert_told(capsys.readouterr().out, sweeping[0])
        client.wait_for_workers(2, timeout=240)
        with beside(kill_at_work, client, "noise", lambda: any(results.glob("noise/*.parquet"))) as training:
            two("quick", OVERRIDES, "04")
        assert_told(capsys.readouterr().out, training[0])
        two("quick", OVERRIDES, "02")
        study = open_study("quick", OVERRIDES)
        assert not any(ask(study).values())
        assert left(study) == alone


@needs_dask
def test_a_task_that_fails_is_left_to_the_notebook(top, two, capsys):
    with folders(top, "failing"):
        study = open_study("quick", OVERRIDES)
        some = [tasks.Task("no such training", tasks.train, ("nobody",)), tasks.Task("wrong", divmod, (1,))]
        with agreed(study, "quick", OVERRIDES) as terms:
            with pytest.raises(UserError, match='^worker tcp://.*: unknown noise "nobody"'):
                cluster.compute(two.args[0], "local:2", terms, "04 cluster", some[:1])
            assert not cluster.compute(two.args[0], "local:2", terms, "04 cluster", some[1:])
    assert "cluster: left to the notebook, because they failed: wrong (TypeError: " in capsys.readouterr().out


def start_scheduler(port: int) -> subprocess.Popen:
    """`dask scheduler`, when it answers."""
    process = start("scheduler", "--host", "127.0.0.1", "--port", str(port))
    while process.poll() is None:
        with socket.socket() as asking:
            if asking.connect_ex(("127.0.0.1", port)) == 0:
                return process
        time.sleep(0.1)
    raise AssertionError("the scheduler ended")


def start(kind: str, *arguments: str, package: Path = ROOT) -> subprocess.Popen:
    """`dask scheduler` or `dask worker`, with the package of that folder."""
    command = [sys.executable, "-m", f"distributed.cli.dask_{kind}", *arguments, "--no-dashboard"]
    environment = {**os.environ, "PYTHONPATH": str(package)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    return subprocess.Popen(command, env=environment, cwd=package, **quiet)  # type: ignore[call-overload]


@contextmanager
def running(*processes: subprocess.Popen) -> Iterator[None]:
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            process.wait(30)


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return free.getsockname()[1]


@needs_dask
def test_a_scheduler_killed_is_one_line_and_the_next_run_goes_on(top, alone):
    port = free_port()
    where = f"tcp://127.0.0.1:{port}"
    with folders(top, "scheduler"):
        pieces = Path(os.environ["CLIPACTION_RESULTS"]) / "quick" / "predictions" / "masking"
        first = start_scheduler(port)

        def kill() -> None:
            while not list(pieces.glob("[!.]*")):
                time.sleep(0.02)
            first.kill()

        with running(first, start("worker", where, "--nthreads", "1")), cluster.workers(where) as ahead:
            wait_for_a_worker(ahead)
            with (
                beside(kill),
                pytest.raises(UserError, match=f"^the scheduler at {where} is gone; what is done is kept"),
            ):
                ahead("quick", OVERRIDES, "03")
        kept = {path: path.stat().st_mtime_ns for path in pieces.glob("[!.]*")}
        assert 0 < len(kept) < len(plan(open_study("quick", OVERRIDES).profile))
        again = start_scheduler(port)
        with running(again, start("worker", where, "--nthreads", "2")), cluster.workers(where) as ahead:
            wait_for_a_worker(ahead)
            study = all_ahead(ahead)
        assert {path: path.stat().st_mtime_ns for path in kept} == kept
        assert not any(ask(study).values())
        assert left(study) == alone


def wait_for_a_worker(ahead: Callable) -> None:
    ahead.args[0].wait_for_workers(1, timeout=240)  # type: ignore[attr-defined]


@needs_dask
def test_a_worker_with_another_version_is_one_line(top, tmp_path):
    """One whose sweep differs in a number, then one from before there were clusters."""
    shutil.copytree(ROOT / "clipaction", tmp_path / "clipaction", ignore=shutil.ignore_patterns("__pycache__"))
    sweep_file = tmp_path / "clipaction" / "evaluate" / "sweep.py"
    sweep_file.write_text(sweep_file.read_text().replace("BLOCK = 512", "BLOCK = 511"))
    where = f"tcp://127.0.0.1:{(port := free_port())}"
    scheduler = start_scheduler(port)
    with folders(top, "version"), running(scheduler), cluster.workers(where) as ahead:
        with pytest.raises(UserError, match=f"the scheduler at {where} has no worker; start some with `dask worker"):
            ahead("quick", OVERRIDES, "02")
        with running(start("worker", where, "--nthreads", "1", package=tmp_path)):
            wait_for_a_worker(ahead)
            here = versions()["clipaction"]
            with pytest.raises(UserError, match=f"^worker tcp://.*: it has clipaction [0-9a-f]*, not {here} as this"):
                ahead("quick", OVERRIDES, "02")
        (tmp_path / "clipaction" / "run" / "worker.py").unlink()
        with running(start("worker", where, "--nthreads", "1", package=tmp_path)):
            wait_for_a_worker(ahead)
            with pytest.raises(UserError, match="^worker tcp://.*: it has no clipaction, or another version"):
                ahead("quick", OVERRIDES, "02")


@needs_dask
def test_an_unreachable_scheduler_is_one_line_within_ten_seconds(capsys):
    started = time.monotonic()
    assert cli.main(["run", "--profile", "quick", "--cluster", f"tcp://127.0.0.1:{free_port()}"]) == 2
    printed = capsys.readouterr()
    assert "no scheduler answers at tcp://127.0.0.1:" in printed.err and printed.err.count("\n") == 1
    assert time.monotonic() - started < 2 * cluster.PATIENCE and not printed.out  # on a busy machine


@needs_dask
def test_without_slurm_or_a_gpu_for_each_worker_it_is_one_line(monkeypatch):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(UserError, match="cluster.yaml: Slurm's sbatch is not here"):
        cluster.check_installed(str(ROOT / "docs" / "cluster.yaml"), gpus=0)
    with pytest.raises(UserError, match="local:3: a worker needs a GPU of its own and 2 are here; ask for local:2"):
        cluster.started("local:3", gpus=2)


@pytest.mark.skipif(importlib.util.find_spec("dask_jobqueue") is None, reason="dask-jobqueue is not installed")
def test_a_slurm_job_asks_for_what_the_file_says(tmp_path, monkeypatch):
    from dask_jobqueue import SLURMCluster

    monkeypatch.setattr(SLURMCluster, "scale", lambda self, jobs: asked.append(jobs))
    monkeypatch.setattr(cluster, "refused", lambda script: "")
    asked: list[int] = []
    with cluster.started(str(ROOT / "docs" / "cluster.yaml"), gpus=0) as jobs:
        script = jobs.job_script()
    assert asked[0] == 8
    for line in ("#SBATCH -p gpu", "#SBATCH --cpus-per-task=4", "#SBATCH -t 04:00:00", "#SBATCH --gres=gpu:1"):
        assert line in script
    assert f"export PYTHONPATH={ROOT}" in script and "export OMP_NUM_THREADS=4" in script
    assert "--nthreads 1" in script and "--nworkers" not in script, "a worker a job"
    monkeypatch.setattr(cluster, "refused", lambda script: "invalid partition specified: gpu")
    with pytest.raises(UserError, match=r"cluster.yaml: the cluster does not start \(invalid partition .*mend it"):
        cluster.started(str(ROOT / "docs" / "cluster.yaml"), gpus=0)


def test_what_slurm_says_against_a_job_is_told(tmp_path, monkeypatch):
    sbatch = tmp_path / "sbatch"
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    accepts, refuses = "echo 'sbatch: Job 7 to start at noon'", "echo 'sbatch: error: invalid partition: gpu'"
    for answer, told in ((f"{accepts} >&2", ""), (f"{refuses} >&2; exit 1", "invalid partition: gpu")):
        sbatch.write_text(f"#!/bin/sh\ngrep -q '#SBATCH -p gpu' || exit 9\n{answer}\n")
        sbatch.chmod(0o755)
        assert cluster.refused("#!/bin/sh\n#SBATCH -p gpu\n") == told


# by hand: whole runs of the profile quick, and what the engine costs


def run(top: Path, name: str, *arguments: str) -> subprocess.Popen:
    """A whole run of `quick`, which writes into a folder of that name, and what it says into a file."""
    with folders(top, name), open(top / f"{name}.log", "a") as log:
        command = [sys.executable, "-m", "clipaction", "run", "--profile", "quick", *arguments]
        return subprocess.Popen(command, cwd=ROOT, env=os.environ.copy(), stdout=log, stderr=log)


def tables(top: Path, name: str) -> dict[str, str]:
    """{file: digest} of a run's tables and of its figures' numbers; not of tab08, which is about time."""
    figures, results = (top / name / kind / "quick" for kind in ("figures", "results"))
    files = [*figures.glob("[!t]*.csv"), *figures.glob("tab0[!8]*.csv"), *figures.glob("tab1*.csv")]
    return {path.name: digest_of(path) for path in sorted([*files, *results.glob("predictions/*.parquet")])}


def kill_workers(top: Path, name: str, process: subprocess.Popen) -> None:
    """kill -9 of a worker process of a run, in the middle of its masking sweep and of its noise trainings."""
    for pieces, least in (("predictions/masking/[!.]*", 5), ("noise/[!.v]*.parquet", 2)):
        while process.poll() is None and len(list((top / name / "results" / "quick").glob(pieces))) < least:
            time.sleep(0.02)
        for child in psutil.Process(process.pid).children(recursive=True) if process.poll() is None else ():
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
                break


def row(top: Path, name: str, seconds: float, *processes: subprocess.Popen) -> str:
    """A line of the table: seconds, exit codes, whether the tables are those without a cluster, what was said."""
    codes, found = [process.wait() for process in processes], tables(top, name)
    same = "identical" if found == tables(top, "none") else "DIFFERENT"
    log = (top / f"{name}.log").read_text().splitlines()
    said = [line for line in log if "cluster: a worker" in line or "is gone" in line or "waiting until" in line]
    return f"{name:<18} {seconds:7.0f} s  exit {codes}  {len(found)} tables {same}  {' | '.join(said)}"


def timed(function: Callable, *arguments, **options) -> float:
    started = time.perf_counter()
    function(*arguments, **options)
    return time.perf_counter() - started


def whole_runs(top: Path) -> Iterator[str]:
    run(top, "videos", "--only", "01").wait()  # rendered once, in nobody's time
    for where in ("none", "local:1", "local:2", "local:4"):
        process = run(top, where, *(["--cluster", where] if where != "none" else []))
        yield row(top, where, timed(process.wait), process)
    process = run(top, "killed", "--cluster", "local:2")
    kill_workers(top, "killed", process)
    yield row(top, "killed", timed(process.wait), process)
    both = [run(top, "together", "--cluster", "local:1") for _ in range(2)]
    yield row(top, "together", timed(lambda: [process.wait() for process in both]), *both)
    address = f"tcp://127.0.0.1:{(port := free_port())}"
    for attempt in range(2):
        scheduler = start_scheduler(port)
        with running(scheduler, start("worker", address, "--nthreads", "1", "--nworkers", "2")):
            process = run(top, "scheduler", "--cluster", address)
            while attempt == 0 and not list((top / "scheduler").rglob("predictions/masking/[!.]*")):
                time.sleep(0.02)
            if attempt == 0:
                scheduler.kill()
            yield row(top, "scheduler", timed(process.wait), process)


def engine(top: Path) -> Iterator[str]:
    """Seconds of a masking sweep in one and two threads, and with as many workers, which have opened the study: the
    medians of three turns, so that a slower minute of the machine falls on both."""
    overrides = {"dataset.test_groups": 7, "dataset.test_clips": 2}
    for count in (1, 2):
        torch.set_num_threads(count)
        here, there = [], []
        with cluster.workers(f"local:{count}") as ahead:
            client = ahead.args[0]  # type: ignore[attr-defined]
            for turn in range(3):
                with folders(top, f"alone-{count}-{turn}"):
                    study = open_study("quick", overrides)
                    test, names = study.clips("test"), plan(study.profile)
                    study.evaluate(study.clips("val"), ["none"], "warm-up")
                    here.append(timed(study.evaluate, test, names, "masking", frames=False))
                with folders(top, f"local-{count}-{turn}"):
                    study = open_study("quick", overrides)
                    with agreed(study, "quick", overrides) as terms:
                        client.run(perform, terms, tasks.zero_shot(study)[0])  # on every worker
                        todo = (client, f"local:{count}", terms, "03 cluster", tasks.masking(study))
                        there.append(timed(cluster.compute, *todo))
        seconds, frames = (median(here), median(there)), len(names) * len(test) * study.profile.frames
        took, cost = f"{seconds[0]:.1f} s; local:{count}: {seconds[1]:.1f} s", seconds[1] / seconds[0] - 1
        yield f"sweep of {frames} frames, {count} at once: {took}, {cost:+.1%}"


if __name__ == "__main__":
    with TemporaryDirectory() as folder:
        for line in chain(engine(Path(folder)), whole_runs(Path(folder))):
            print(line, flush=True)
