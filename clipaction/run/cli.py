"""Commands and exit codes of python -m clipaction (run_all.sh makes an environment and then calls `run`).

`--check` works before there is an environment: what needs other libraries is imported inside the commands.
"""

from __future__ import annotations

import signal
import sys
import time
from contextlib import nullcontext

from ..base.alone import alone_in
from ..base.errors import INTERRUPTED, UserError, interrupt
from ..base.paths import data_dir, figures_dir, profile_file, results_dir
from ..base.storage import check_writable, storage_error
from ..base.words import duration
from .arguments import Run, check_names, parser, profile_of, runs


def run(arguments) -> int:
    """Runs the notebooks, then compares; several runs are also taken together in one table."""
    from ..profiles import load_profile
    from .forecast import announce, check_space, told
    from .notebook import NotebookError
    from .runner import run as run_notebooks
    from .runner import unfinished

    if arguments.plan:
        for name, overrides in possible(arguments):
            profile = load_profile(name, overrides)
            parts = {"start": arguments.start, "only": arguments.only, "fresh": arguments.fresh}
            print(told(profile, *unfinished(name, overrides, **parts)))
        return 0
    started, complete, chosen = time.monotonic(), True, possible(arguments)
    with workers_of(arguments.cluster, chosen[0]) as ahead:
        for name, overrides in chosen:
            profile = load_profile(name, overrides)
            for folder in (data_dir(), results_dir(profile), figures_dir(profile)):
                check_writable(folder)
            if profile.dataset.kind != "demo":
                check_splits(prepared(name, overrides))
            try:
                with alone_in(results_dir(profile)):
                    check_space(profile)
                    complete &= run_notebooks(
                        name,
                        overrides,
                        start=arguments.start,
                        only=arguments.only,
                        fresh=arguments.fresh,
                        announce=announce,
                        ahead=ahead,
                    )
            except NotebookError as error:
                return say(error, 1)
    print(f"finished in {duration(time.monotonic() - started)}\n")
    if not complete:
        return 0
    if len(chosen) > 1:
        from ..paper import report

        report.make_pooled(load_profile(*profile_of(arguments)), [load_profile(*each) for each in chosen])
    return verify(arguments)


def workers_of(cluster: str | None, run: Run):
    """A context whose value does a notebook's work ahead on that cluster; None without a cluster."""
    if cluster is None:
        return nullcontext()
    from ..profiles import load_profile
    from .cluster import workers

    return workers(cluster, load_profile(*run).model.device)


def possible(arguments) -> list[Run]:
    """The runs that the arguments ask for. Raises UserError for a model, a device or a class that is not there, before
    anything long."""
    from ..demo.plan import plan_clips
    from ..profiles import load_profile
    from ..vision.load import check_device, check_supported

    chosen = runs(arguments)
    for each in chosen:
        profile = load_profile(*each)
        check_device(profile.model.device)
        check_supported(profile.model.name, profile.model.pretrained, profile.regions.sources)
        if profile.dataset.kind == "demo":
            plan_clips(profile.dataset, profile.seed)
    return chosen


def check_splits(study) -> None:
    """Raises UserError when a split of somebody's videos has no clip, rather than let a notebook fail."""
    for split, use in (("test", "test"), ("train", "train noise on"), ("val", "validate with")):
        if study.clips(split).empty:
            note = study.dataset.note
            raise UserError(f"no clip is left to {use} in {note}; have three videos or more of most classes")


def verify(arguments) -> int:
    """Compares figures and tables with the published ones; 1 on a mismatch. Several runs: also what was pooled.
    --deep: instead, reads every cached file; 1 where one is damaged."""
    from ..paper.verify import POOLED, report
    from ..profiles import load_profile
    from .deep import check_files

    if getattr(arguments, "deep", False):
        return max([check_files(load_profile(*each)) for each in runs(arguments)])
    profiles, base = [load_profile(*each) for each in runs(arguments)], load_profile(*profile_of(arguments))
    found = [report(profile) for profile in profiles]
    if len(profiles) > 1 and base.name not in [profile.name for profile in profiles]:
        found.append(report(base, only=POOLED))
    return max(found)


def prepare(arguments) -> int:
    """Finds or makes the videos and fills the frame stores."""
    check_writable(data_dir())
    for each in runs(arguments):
        prepared(*each)
    return 0


def prepared(name: str, overrides: dict):
    """The study of a profile, its videos found or fetched and its frame store filled; prints what there is."""
    from ..study import open_study

    study = open_study(name, overrides)
    usable = study.store.table.ok
    print(study.dataset.note)
    clips = f"{usable.sum()} clips x {study.profile.frames} frames"
    print(f"{clips} in {study.store.folder}; {(~usable).sum()} could not be read", flush=True)
    return study


def bench(arguments) -> int:
    """Prints the speed of the pipeline and of the bare encoder, or memory and time for more and more clips."""
    from .bench import bench as measure
    from .scale import scale

    print((scale if arguments.scale else measure)(*possible(arguments)[0]))
    return 0


def lab(arguments) -> int:
    """Opens JupyterLab on copies of the notebooks."""
    from .lab import lab as open_lab

    return open_lab(*possible(arguments)[0])


COMMANDS = {"prepare": prepare, "run": run, "verify": verify, "bench": bench, "lab": lab}


def main(argv: list[str] | None = None) -> int:
    """Runs one command; 0 done, 1 a failure or a difference from the reference, 2 a mistake, 130 interrupted."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # an exit ends the kernel and the worker processes, too
    INTERRUPTED.clear()
    signal.signal(signal.SIGINT, interrupt)
    try:
        arguments = parser().parse_args(argv)
        check_names(arguments)
        if arguments.command == "run" and arguments.check:
            profile_file(arguments.profile or "demo")
            return 0
        return COMMANDS[arguments.command](arguments)
    except UserError as error:
        return say(error, 2)
    except KeyboardInterrupt:
        return say("interrupted; run again to go on from here", 130)
    except OSError as error:
        if found := storage_error(error):
            return say(found, 2)
        raise


def say(message: object, code: int) -> int:
    """Prints one line to standard error and returns the exit code."""
    print(f"clipaction: {message}", file=sys.stderr)
    return code
