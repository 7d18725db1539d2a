"""Two tables compared cell by cell."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

Tolerance = float | np.ndarray  # absolute; of a whole column, or one a row


def compare(made: pd.DataFrame, reference: pd.DataFrame, allowed: Callable[[str], Tolerance]) -> tuple[str, str]:
    """('reproduced' or 'differs', which cell is farthest off); `allowed` gives each column's absolute tolerance."""
    if len(made) != len(reference):
        return "differs", f"{len(made)} rows; the reference has {len(reference)}"
    if list(made.columns) != list(reference.columns):
        return "differs", other_columns(set(made), set(reference))
    words = [name for name in reference if not pd.api.types.is_numeric_dtype(reference[name])]
    worst, where, remarks = 0.0, "", []
    for name in reference:
        off = distance(made[name], reference[name], name not in words)
        if not off.any():
            continue
        tolerance = np.broadcast_to(allowed(name), off.shape)
        free = np.isinf(tolerance)
        share = np.where(free, 0, off) / np.maximum(np.where(free, 1, tolerance), 1e-9)
        row = int(np.argmax(share if share.any() else off))
        keys = ["id"] if "id" in reference and name != "id" else words
        key = " ".join(str(reference[w][row]) for w in keys if w != name and pd.notna(reference[w][row]))
        cell = f"{name} of {key or f'row {row + 1}'}: {made[name][row]} instead of {reference[name][row]}"
        if not share.any():
            remarks += [cell] if name in words else []
        elif share[row] > worst:
            worst, where = share[row], f"worst cell: {cell} (tolerance {tolerance[row]:.3g})"
    return "differs" if worst > 1 + 1e-9 else "reproduced", "; ".join(filter(None, [where, *remarks]))


def distance(a: pd.Series, b: pd.Series, numbers: bool) -> np.ndarray:
    """How far each cell is off: the absolute difference of numbers; infinite for other texts and one-sided gaps."""
    gaps = a.isna() & b.isna()
    if numbers and pd.api.types.is_numeric_dtype(a):
        return np.where(gaps, 0, (a.astype(float) - b.astype(float)).abs().fillna(np.inf).to_numpy())
    return np.where((a.astype(str) == b.astype(str)) | gaps, 0, np.inf)


def other_columns(made: set[str], reference: set[str]) -> str:
    """How two lists of columns differ, in words."""
    differences = (("new columns", made - reference), ("no columns", reference - made))
    return "; ".join(f"{what} {', '.join(sorted(n))}" for what, n in differences if n) or "columns in another order"
