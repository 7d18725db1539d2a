"""Many machines: before a notebook runs, the workers of a Dask cluster do the tasks that it will ask for (`tasks`).

Dask places the tasks, balances them and repeats those of a worker that is lost. The proof that a task is done is its
piece in the results folder, which all machines share. Dask is imported only here, and only for --cluster.
"""

from __future__ import annotations

import logging
import secrets
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from importlib import import_module
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import torch
from tqdm import tqdm

from ..base.errors import UserError, short
from ..base.paths import ROOT, folder_of
from ..study import open_study
from .arguments import is_file_name
from .cluster_file import Slurm, Ssh, read_cluster_file
from .environment import MALLOC
from .live import Live
from .tasks import AHEAD, Task
from .worker import STARTED, Terms, agreed, begin, problem, versions

PATIENCE = 8  # seconds until a scheduler that does not answer counts as unreachable, or as gone
Ahead = Callable[[str, dict, str], None]  # profile, overrides, number of the notebook


@contextmanager
def workers(where: str, device: str = "auto") -> Iterator[Ahead]:
    """A function that does the tasks of a notebook on the cluster: 'local:4', 'tcp://host:8786' or a .yaml file.
    device: the profile's.

    Raises UserError where Dask is not installed, the file is wrong or the scheduler cannot be reached."""
    gpus = 0 if device == "cpu" else torch.cuda.device_count()
    check_installed(where, gpus)
    import dask
    from distributed import Client, fire_and_forget

    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # what matters is told below, in a line
    with dask.config.set({"distributed.comm.timeouts.connect": f"{PATIENCE}s"}), ExitStack() as stack:
        cluster = started(where, gpus)
        if cluster is not None:
            stack.callback(cluster.close, timeout=PATIENCE)
        try:
            client = Client(where if cluster is None else cluster, timeout=PATIENCE, set_as_default=False)
        except (OSError, ValueError):
            raise UserError(
                f"no scheduler answers at {where}; start one there with `dask scheduler`, or correct the address"
            ) from None
        stack.callback(client.close, timeout=2)
        about = client.scheduler_info()
        print(f"cluster: {where}, scheduler {about['address']}, {dashboard(client)}", flush=True)
        for address in about["workers"]:  # they import libraries while the first notebook runs
            fire_and_forget(client.submit(versions, workers=[address], pure=False))
        yield partial(ahead, client, where)


def check_installed(where: str, gpus: int) -> None:
    """UserError where something that this cluster needs is not installed."""
    needed = {"dask": "cluster", "distributed": "cluster"}
    if is_file_name(where):
        slurm_asked = isinstance(read_cluster_file(Path(where)), Slurm)
        needed |= {"dask_jobqueue": "slurm"} if slurm_asked else {"asyncssh": "ssh"}
        if slurm_asked and shutil.which("sbatch") is None:
            raise UserError(f"{where}: Slurm's sbatch is not here; run on a machine from which jobs are submitted")
    elif where.startswith("local:") and gpus:
        needed |= {"dask_cuda": "gpus"}
    for library, extra in needed.items():
        try:
            import_module(library)
        except ImportError:
            extras = ",".join(dict.fromkeys(["cluster", extra]))
            install = f"{sys.executable} -m pip install -e '{ROOT}[{extras}]'"
            raise UserError(f"--cluster {where} needs {library}, which is not installed; run {install}") from None


def started(where: str, gpus: int) -> Any:
    """A cluster that this process starts and ends; None where `where` is the address of a scheduler that runs.

    gpus: how many this machine has that may be used."""
    kind, _, rest = where.partition(":")
    if kind == "tcp":
        return None
    try:
        if kind == "local":
            return local(int(rest), gpus)
        wanted = read_cluster_file(Path(where))
        return slurm(wanted) if isinstance(wanted, Slurm) else ssh(wanted)
    except (OSError, RuntimeError, ValueError) as error:  # of hosts that cannot be reached, or options that are wrong
        raise UserError(f"{where}: the cluster does not start ({short(str(error))}); mend it, and run again") from None


def environment(threads: int) -> dict[str, str]:
    """The environment variables of a worker process that computes in so many threads."""
    variables = ("OMP_NUM_THREADS", "MKL_NUM_THREADS")
    return {"PYTHONPATH": str(ROOT), **dict.fromkeys(variables, str(threads)), **MALLOC}


def local(count: int, gpus: int) -> Any:
    """Worker processes on this machine: of one thread each, or on a GPU each where there are GPUs."""
    import dask
    from distributed import LocalCluster

    if gpus and count > gpus:
        raise UserError(f"local:{count}: a worker needs a GPU of its own and {gpus} are here; ask for local:{gpus}")
    options = {"n_workers": count, "threads_per_worker": 1, "dashboard_address": "127.0.0.1:0"}
    options |= {"memory_limit": 0, "silence_logs": logging.CRITICAL}  # mapped frames would count as memory
    threads = max(1, torch.get_num_threads() // count) if gpus else 1
    with dask.config.set({"distributed.nanny.pre-spawn-environ": environment(threads)}):
        if gpus:
            from dask_cuda import LocalCUDACluster

            return LocalCUDACluster(**options)
        return LocalCluster(**options)


def slurm(wanted: Slurm) -> Any:
    """Workers as jobs: a job does a task on each of its cores, or one on its GPU. What they print: results/slurm."""
    from dask_jobqueue import SLURMCluster

    tasks = 1 if wanted.gpu else wanted.cores
    variables = environment(wanted.cores // tasks)
    cluster = SLURMCluster(
        cores=tasks,
        processes=tasks,
        job_cpu=wanted.cores,
        memory=wanted.memory,
        walltime=wanted.walltime,
        queue=wanted.queue,
        account=wanted.account,
        interface=wanted.interface,
        job_extra_directives=[*(["--gres=gpu:1"] if wanted.gpu else []), *wanted.directives],
        log_directory=str(folder_of("CLIPACTION_RESULTS") / "slurm"),
        job_script_prologue=[*(f"export {name}={value}" for name, value in variables.items()), *wanted.prologue],
        scheduler_options={"dashboard_address": ":0"},
    )
    if told := refused(cluster.job_script()):
        cluster.close()
        raise ValueError(told)
    cluster.scale(jobs=wanted.jobs)
    return cluster


def refused(script: str) -> str:
    """Why Slurm would not queue a job, in its own words; '' where it would."""
    asked = subprocess.run(["sbatch", "--test-only"], input=script, text=True, capture_output=True)
    lines = [line.removeprefix("sbatch: error: ") for line in asked.stderr.splitlines() if "error: " in line]
    return "; ".join(lines or [asked.stderr.strip()]) if asked.returncode else ""


def ssh(wanted: Ssh) -> Any:
    """Workers on hosts, of one thread each; the scheduler on the first."""
    from distributed import SSHCluster

    return SSHCluster(
        [wanted.hosts[0], *wanted.hosts],
        worker_options={"n_workers": wanted.workers, "nthreads": 1, "memory_limit": 0},
        scheduler_options={"dashboard_address": ":0"},
        remote_python=" ".join(["env", *(f"{name}={value}" for name, value in environment(1).items()), sys.executable]),
    )


def dashboard(client: Any) -> str:
    """Where the cluster can be watched."""
    try:
        import bokeh  # noqa: F401
    except ImportError:
        return "no dashboard (it needs bokeh)"
    return f"dashboard {client.dashboard_link}"


def ahead(client: Any, where: str, profile: str, overrides: dict, number: str) -> None:
    """Does what the notebook with this number will ask for. What fails is left to the notebook."""
    if number not in AHEAD:
        return
    study = open_study(profile, overrides)
    with agreed(study, profile, overrides) as terms:
        check_workers(client, where, terms)
        for stage in AHEAD[number]:
            if not compute(client, where, terms, f"{number} cluster", stage(study)):
                return  # later stages use what earlier ones left


def check_workers(client: Any, where: str, terms: Terms) -> None:
    """Waits for a worker, and raises UserError where one of those that are there cannot work under these terms."""
    patience = PATIENCE if where.startswith("tcp") else None
    if not client.scheduler_info()["workers"]:
        print(f"cluster: waiting for a worker at {client.scheduler.address}", flush=True)
    try:
        client.wait_for_workers(1, timeout=patience)
    except TimeoutError:
        start = f"`dask worker {where} --nthreads 1 --nworkers <cores>`"
        raise UserError(f"the scheduler at {where} has no worker; start some with {start}") from None
    for address, told in client.run(problem, terms, on_error="return").items():
        if isinstance(told, Exception):  # it has no such function
            told = f"it has no clipaction, or another version ({short(repr(told))}); start it in this environment"
        if told:
            raise UserError(f"worker {address}: {told}")


def compute(client: Any, where: str, terms: Terms, title: str, tasks: list[Task]) -> bool:
    """Does the tasks and shows how far they are; whether all of them succeeded. Tells which were repeated because a
    worker was lost, and which failed. Raises UserError where a worker cannot work or the scheduler is gone."""
    begun: Counter[str] = Counter()
    client.subscribe_topic(STARTED, lambda event: begun.update([event[1]]))
    keys = [f"{task.title} {secrets.token_hex(4)}" for task in tasks]
    futures = client.map(partial(begin, terms), tasks, key=keys, pure=False)
    titles, failed = dict(zip(keys, (task.title for task in tasks))), []
    ended: SimpleQueue = SimpleQueue()
    for future in futures:
        future.add_done_callback(ended.put)
    with Live(title) as live, tqdm(total=len(tasks), file=live, ncols=live.columns, unit="task") as bar:
        for _ in tasks:
            future = next_of(ended, client, where)
            if future.status == "cancelled":
                raise UserError(f"the scheduler at {where} is gone; what is done is kept: start it, and run again")
            if future.status == "error":
                error = future.exception()
                if isinstance(error, UserError):
                    raise error
                failed.append(f"{titles[future.key]} ({type(error).__name__}: {short(str(error))})")
            bar.update()
    repeated = [task for task, times in begun.items() if times > 1]
    if repeated:
        print(f"cluster: a worker was lost; repeated: {'; '.join(repeated)}", flush=True)
    if failed:
        print(f"cluster: left to the notebook, because they failed: {'; '.join(failed)}", flush=True)
    return not failed


def next_of(ended: SimpleQueue, client: Any, where: str) -> Any:
    """The next future that is done; says so where there is no worker left to wait for."""
    while True:
        try:
            return ended.get(timeout=10)
        except Empty:
            if not client.scheduler_info()["workers"]:
                print(f"cluster: no worker is left at {where}; waiting for one (Ctrl+C stops)", flush=True)
