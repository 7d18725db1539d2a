"""Does this run reproduce the published figures and tables? Every csv of figures/<profile>/ is compared with
figures/reference/<profile>/: cell by cell (`comparison`), and claims also by their verdicts (`agreement`)."""

from __future__ import annotations

import filecmp
import fnmatch
import shutil
from functools import partial
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import yaml

from ..base.errors import UserError
from ..base.files import replacing, write_text
from ..base.paths import figures_dir, reference_dir
from . import agreement
from .claims import COLUMNS
from .comparison import compare

TOLERANCE = resources.files("clipaction.paper").joinpath("tolerance.yaml").read_text()
PARTNERS = {"fig": (".png", ".pdf"), "tab": (".md", ".tex")}  # files beside a csv, by the start of its name
POOLED = "pooled"  # the item that several runs make together
ON_DEMAND = "not part of this run"  # how a detail begins where something is published but made only when asked for


def verify(profile: Any) -> pd.DataFrame:
    """One row a csv: item, file, status, detail.

    status: identical (byte for byte), reproduced (within tolerance.yaml, which lies beside the reference), 'differs',
    missing (no such file was made), 'not compared' (depends on the machine, or is made only when asked for), or
    'no reference'. Raises UserError where nothing was made yet.
    """
    made, reference = figures_dir(profile), reference_dir(profile)
    names = sorted({path.name for folder in (made, reference) for path in folder.glob("*.csv")})
    if not names:
        raise UserError(f"{made}: no figures or tables yet; notebook 06_figures makes them (./run_all.sh --only 06)")
    beside = reference / "tolerance.yaml"
    tolerance = yaml.safe_load(beside.read_text() if beside.exists() else TOLERANCE)
    rows = [(name.removesuffix(".csv"), name, *judge(made / name, reference / name, tolerance)) for name in names]
    return pd.DataFrame(rows, columns=["item", "file", "status", "detail"])


def judge(made: Path, reference: Path, tolerance: dict[str, float]) -> tuple[str, str]:
    """(status, detail) of one csv."""
    if made.stem == POOLED and reference.is_file():
        names = pooled_runs(reference)
        if not made.is_file():
            return "not compared", f"{ON_DEMAND}; {how_pooled(names)} makes it"
        if pooled_runs(made) != names:
            return "not compared", f"made of other runs than published, {', '.join(names)}"
    partners = PARTNERS.get(made.name[:3], ())
    absent = [path.name for path in (made, *map(made.with_suffix, partners)) if not path.is_file()]
    if absent:
        return "missing", f"{', '.join(absent)} not in {made.parent}"
    if not reference.is_file():
        return "no reference", ""
    if len(pd.read_csv(made)) == 0 < len(pd.read_csv(reference)):
        return "not compared", f"{ON_DEMAND}; {made.with_suffix('.md').name} says how to make it"
    if limit(tolerance, made.stem, "any column") == np.inf:
        return "not compared", "depends on the machine"
    if filecmp.cmp(made, reference, shallow=False):
        return "identical", ""
    tables = pd.read_csv(made), pd.read_csv(reference)
    if made.stem in agreement.ITEMS:
        same = agreement.same_machine(made.parent, reference.parent)
        return agreement.agree(*tables, partial(limit, tolerance, made.stem), made.stem == POOLED, same)
    return compare(*tables, partial(limits, tolerance, made.stem, tables[1]))


def pooled_runs(path: Path) -> list[str]:
    """The runs that a pooled table was made of: it has a column for each."""
    return [name for name in pd.read_csv(path, nrows=0) if name not in COLUMNS]


def how_pooled(names: list[str]) -> str:
    """'--seeds 3,4,5' for the runs demo-seed3, demo-seed4 and demo-seed5; seed 0 is not in a name."""
    found = [name.partition("-seed")[2] or "0" for name in names]
    return f"--seeds {','.join(found)}" if len(set(found)) == len(names) else "pooling these runs"


def limits(tolerance: dict[str, float], item: str, reference: pd.DataFrame, column: str) -> float | np.ndarray:
    """The absolute tolerance of a column; where the table has a column `method`, of each row."""
    if "method" not in reference:
        return limit(tolerance, item, column)
    return np.array([limit(tolerance, item, column, method) for method in reference["method"]])


def limit(tolerance: dict[str, float], item: str, column: str, method: str = "") -> float:
    """An absolute tolerance: that of the first pattern that fits `<item>.<column>` or `<item>/<method>.<column>`; 0
    where none does."""
    names = (f"{item}.{column}", f"{item}/{method}.{column}")
    fits = (value for pattern, value in tolerance.items() if any(fnmatch.fnmatchcase(n, pattern) for n in names))
    return float(next(fits, 0.0))


def report(profile: Any, only: str = "") -> int:
    """Prints the comparison, of all items or only one. 1 when anything differs or is missing, else 0, also where there
    is no reference."""
    table = verify(profile)
    table = table[table["item"] == only] if only else table
    if (table["status"] == "no reference").all():
        print(f"nothing published to compare with (figures and tables in {figures_dir(profile)})")
        return 0
    print(f"{'item':8}{'file':13}{'status':14}detail")
    for row in table.itertuples():
        print(f"{row.item:8}{row.file:13}{row.status:14}{row.detail}".rstrip())
    counts = table["status"].value_counts()
    summary = ", ".join(f"{n} {status}" for status, n in counts.items())
    print(f"{summary} (figures and tables in {figures_dir(profile)})")
    return int(table["status"].isin(["differs", "missing"]).any())


def update_reference(profile: Any) -> list[Path]:
    """Publishes the present figures and tables: csv, png and md, and tolerance.yaml unless there is one.

    What is published and not part of this run (an ablation, several runs) stays. Raises UserError where there is
    nothing to publish.
    """
    made, reference = figures_dir(profile), reference_dir(profile)
    files = sorted(path for kind in ("csv", "png", "md") for path in made.glob(f"*.{kind}"))
    published = reference.glob("*.csv")
    staying = {path.stem for path in published if judge(made / path.name, path, {})[1].startswith(ON_DEMAND)}
    files = [path for path in files if path.stem not in staying]
    if not files:
        raise UserError(
            f"{made}: no figures or tables to publish; notebook 06_figures makes them (./run_all.sh --only 06)"
        )
    reference.mkdir(parents=True, exist_ok=True)
    for old in reference.iterdir():
        if old.suffix in (".csv", ".png", ".md") and old.stem not in staying:
            old.unlink()
    if not (reference / "tolerance.yaml").exists():
        write_text(reference / "tolerance.yaml", TOLERANCE)
    for path in files:
        with replacing(reference / path.name) as temporary:
            shutil.copyfile(path, temporary)
    return [reference / path.name for path in files]
