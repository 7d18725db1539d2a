"""What is done to a run on purpose, and whether it survives: a table that prints itself.

    python -m tests.faults           the short form: what tests/test_faults.py runs, under a minute
    python -m tests.faults --long    all of it: hours on two cores
    python -m tests.faults --only disk kernel

A fault is a generator under `@fault("what is done")`, in any module of this folder. It works in a folder of its own,
in which data, results and figures lie, and yields (what was tried, what went wrong or '') for every try.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from io import StringIO
from pathlib import Path
from pkgutil import iter_modules

from clipaction.run.environment import variables

Try = tuple[str, str]
Check = Callable[[Path, bool], Iterator[Try]]  # the folder, and whether this is the long form


@dataclass(frozen=True)
class Fault:
    """long: only in the long form."""

    name: str
    check: Check
    long: bool


FAULTS: dict[str, Fault] = {}


def fault(name: str, long: bool = False) -> Callable[[Check], Check]:
    """Adds a fault to the table."""

    def add(check: Check) -> Check:
        FAULTS[name] = Fault(name, check, long)
        return check

    return add


def faults() -> dict[str, Fault]:
    """All faults, by name."""
    for module in iter_modules(__path__):
        if module.name != "__main__":
            import_module(f"{__name__}.{module.name}")
    return FAULTS


@contextmanager
def own_folders(folder: Path) -> Iterator[None]:
    """Inside the block data, results and figures lie in `folder`."""
    names = ("data", "results", "figures")
    with variables({f"CLIPACTION_{name.upper()}": str(folder / name) for name in names}):
        yield


def tries(each: Fault, folder: Path, long: bool = False) -> list[Try]:
    """All tries of a fault; an exception is one that did not survive."""
    found: list[Try] = []
    with own_folders(folder), redirect_stdout(StringIO()), redirect_stderr(StringIO()):
        try:
            found.extend(each.check(folder, long))
        except Exception:
            found.append(("the fault itself", traceback.format_exc()))
    return found
