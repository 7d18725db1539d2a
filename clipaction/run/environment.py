"""The Python and the machine that it runs on: a check before a run, and a record beside its results.

`python -m clipaction.run.environment` prints one line for each requirement that is not met, and then exits with 1.
"""

from __future__ import annotations

import ctypes
import os
import platform
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import metadata

from ..base.paths import ROOT

# For processes that compute: glibc gives large arrays back to the system and asks for the next one, which costs a few
# percent of the time.
MALLOC = {
    "MALLOC_MMAP_THRESHOLD_": str(2**26),
    "MALLOC_TRIM_THRESHOLD_": str(2**29),
    "MALLOC_TOP_PAD_": str(2**26),
}
PARAMETERS = {"MALLOC_TRIM_THRESHOLD_": -1, "MALLOC_TOP_PAD_": -2, "MALLOC_MMAP_THRESHOLD_": -3}  # of glibc's malloc.h


def keep_arrays() -> None:
    """MALLOC for this process, which runs already: what is measured here shall be as fast as in a kernel. Nothing where
    there is no glibc."""
    if sys.platform == "linux" and (mallopt := getattr(ctypes.CDLL(None), "mallopt", None)):
        for name, parameter in PARAMETERS.items():
            mallopt(parameter, int(MALLOC[name]))


@contextmanager
def variables(values: Mapping[str, str]) -> Iterator[None]:
    """Inside the block environment variables have these values; afterwards they are as they were before."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def requirements() -> list[str]:
    """The direct dependencies of pyproject.toml, tests included: 'torch>=2.6,<3', ..."""
    import tomllib  # Python 3.10 has none, and must still reach the line that says it is too old

    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return project["dependencies"] + project["optional-dependencies"]["test"]


def unmet() -> list[str]:
    """One line for each requirement that the running Python does not meet."""
    if sys.version_info < (3, 11):
        return [f"Python 3.11 or newer (this is {platform.python_version()})"]
    try:
        from packaging.requirements import Requirement
    except ImportError:
        return ["packaging"]
    lines = []
    for requirement in map(Requirement, requirements()):
        try:
            version = metadata.version(requirement.name)
        except metadata.PackageNotFoundError:
            lines.append(f"{requirement} (not installed)")
        else:
            if not requirement.specifier.contains(version, prereleases=True):
                lines.append(f"{requirement} (it has {version})")
    return lines


def describe() -> dict[str, str]:
    """{fact: text} of the machine and the versions: for environment.json, notebook 01 and tab08."""
    import psutil
    import torch

    names = ("torch", "torchvision", "open_clip_torch", "timm", "av", "numpy", "pandas")
    return {
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "processor": f"{_processor()}, {torch.backends.cpu.get_cpu_capability()}",  # one name may cover two kinds
        "cores": str(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()),
        "threads": str(torch.get_num_threads()),
        "memory": f"{psutil.virtual_memory().total / 2**30:.0f} GiB",
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        **{name: metadata.version(name) for name in names},
    }


def _processor() -> str:
    try:
        with open("/proc/cpuinfo") as lines:
            return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.processor() or "unknown"


if __name__ == "__main__":
    missing = unmet()
    print("\n".join(missing) or f"Python {platform.python_version()} has every requirement")
    sys.exit(bool(missing))
