"""Does this run reproduce the published figures and tables? Compares every csv of figures/<profile>/ with figures/reference/<profile>/."""

from __future__ import annotations

import filecmp
import fnmatch
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from .errors import UserError
from .paths import figures_dir, reference_dir

TOLERANCE = """\
# How far a number may be from the published one on another machine and still count as reproduced. The first pattern that fits
# "<item>.<column>" counts. .inf: never compared (p values and verdicts follow from the numbers; a changed text is still mentioned).
"tab08.*": .inf        # run time and environment
"*.p": .inf
"*.p_*": .inf
"*.verdict": .inf
"tab01.*": 0.001       # counts of the data
"fig04.n_clips": 3     # cells of the confusion matrix
"fig05.n_clips": 20    # clips in a bin of confidence
"fig05.acc*": .inf     # accuracy of a bin: a handful of clips
"fig05.confidence": .inf
"*.n_*": 0
"*.n": 0
"*.fixed": 10          # clips
"*.broken": 10
"fig03.*": 0.08        # a class: two clips of 28
"fig08.*": 0.12
"fig06.loss": 0.3      # one batch at one step
"fig06.val": 0.05
"fig06.share": 0.05    # of energy
"fig06.*": 3           # amplitude of the noise, of 255
"tab0[567].*": 0.04    # after a training
"pooled.*": 0.04
"fig09.*": 0.04
"claims.*": 0.04
"*_low": 0.03
"*_high": 0.03
"*": 0.02
"""


ON_DEMAND = "not part of this run"  # what a detail begins with when something is published but made only when asked for


def verify(profile) -> pd.DataFrame:
    """One row a csv: item, file, status, detail.

    status: identical (byte for byte), reproduced (within tolerance.yaml, which lies beside the reference), 'differs', missing (no such
    file was made), 'not compared' (depends on the machine), or 'no reference'.
    """
    made, reference = figures_dir(profile), reference_dir(profile)
    names = sorted({path.name for folder in (made, reference) for path in folder.glob("*.csv")})
    if not names:
        raise UserError(f"{made}: no figures or tables yet; notebook 06_figures makes them (./run_all.sh --only 06)")
    tolerance = reference / "tolerance.yaml"
    tolerance = yaml.safe_load(tolerance.read_text() if tolerance.exists() else TOLERANCE)
    rows = [(name.removesuffix(".csv"), name, *judge(made / name, reference / name, tolerance)) for name in names]
    return pd.DataFrame(rows, columns=["item", "file", "status", "detail"])


def judge(made: Path, reference: Path, tolerance: dict[str, float]) -> tuple[str, str]:
    """(status, detail) of one csv."""
    partners = {"fig": (".png", ".pdf"), "tab": (".md", ".tex")}.get(made.name[:3], ())
    if made.stem == "pooled" and not made.is_file():
        return "not compared", f"{ON_DEMAND}; --seeds 3 makes it"
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
    return compare(pd.read_csv(made), pd.read_csv(reference), lambda column: limit(tolerance, made.stem, column))


def limit(tolerance: dict[str, float], item: str, column: str) -> float:
    return next((float(value) for pattern, value in tolerance.items() if fnmatch.fnmatchcase(f"{item}.{column}", pattern)), 0.0)


def compare(made: pd.DataFrame, reference: pd.DataFrame, limit) -> tuple[str, str]:
    """('reproduced' or 'differs', which cell is farthest off); `limit` gives each column's absolute tolerance."""
    if len(made) != len(reference):
        return "differs", f"{len(made)} rows; the reference has {len(reference)}"
    if list(made.columns) != list(reference.columns):
        named = [f"{what} {', '.join(names)}" for what, names in (("new columns", set(made) - set(reference)), ("no columns", set(reference) - set(made))) if names]
        return "differs", "; ".join(named) or "columns in another order"
    words = [name for name in reference if not pd.api.types.is_numeric_dtype(reference[name])]
    worst, where, remarks = 0.0, "", []
    for name in reference:
        a, b, allowed = made[name], reference[name], limit(name)
        if pd.api.types.is_numeric_dtype(a) and name not in words:
            off = np.where(a.isna() & b.isna(), 0, (a.astype(float) - b.astype(float)).abs().fillna(np.inf).to_numpy())
        else:
            off = np.where((a.astype(str) == b.astype(str)) | (a.isna() & b.isna()), 0, np.inf)
        if not off.any():
            continue
        row = int(np.argmax(off))
        key = " ".join(str(reference[word][row]) for word in words if word != name and pd.notna(reference[word][row]))
        cell = f"{name} of {key or f'row {row + 1}'}: {a[row]} instead of {b[row]}"
        if allowed == np.inf:
            remarks += [cell] if name in words else []
            continue
        share = off.max() / max(allowed, 1e-9)
        if share > worst:
            worst, where = share, f"{cell} (tolerance {allowed:g})"
    return "differs" if worst > 1 + 1e-9 else "reproduced", "; ".join(filter(None, [f"worst cell: {where}" if where else "", *remarks]))


def report(profile) -> int:
    """Prints the comparison; 1 when anything differs from the reference or is missing, else 0 (also where there is no reference)."""
    table = verify(profile)
    if (table["status"] == "no reference").all():
        print(f"nothing published to compare with (figures and tables in {figures_dir(profile)})")
        return 0
    print(f"{'item':8}{'file':13}{'status':14}detail")
    for row in table.itertuples():
        print(f"{row.item:8}{row.file:13}{row.status:14}{row.detail}".rstrip())
    counts = table["status"].value_counts()
    print(", ".join(f"{n} {status}" for status, n in counts.items()) + f" (figures and tables in {figures_dir(profile)})")
    return int(table["status"].isin(["differs", "missing"]).any())


def update_reference(profile) -> list[Path]:
    """Makes the present figures and tables the published ones: csv, png and md, and tolerance.yaml unless there is one. What is published
    and no part of this run (an ablation, several runs) stays."""
    made, reference = figures_dir(profile), reference_dir(profile)
    files = sorted(path for kind in ("csv", "png", "md") for path in made.glob(f"*.{kind}"))
    kept = {path.stem for path in reference.glob("*.csv") if judge(made / path.name, path, {})[1].startswith(ON_DEMAND)}
    files = [path for path in files if path.stem not in kept]
    if not files:
        raise UserError(f"{made}: no figures or tables to publish; notebook 06_figures makes them (./run_all.sh --only 06)")
    reference.mkdir(parents=True, exist_ok=True)
    for old in reference.iterdir():
        if old.suffix in (".csv", ".png", ".md") and old.stem not in kept:
            old.unlink()
    if not (reference / "tolerance.yaml").exists():
        (reference / "tolerance.yaml").write_text(TOLERANCE)
    return [Path(shutil.copyfile(path, reference / path.name)) for path in files]
