"""What the intervals of paired comparisons say, in words."""

from __future__ import annotations

import pandas as pd

from ..evaluate.summaries import compare

RIVALS = ("none", "random", "shuffled", "shared", "probe")


def verdicts(label_free: pd.DataFrame) -> list[str]:
    """One line a condition and rival: is gated noise better, worse, or can the interval not tell?

    Where the actor is hidden, right answers come from the place: fewer are better there.
    """
    lines = []
    for rival in RIVALS:
        sides = label_free[label_free["method"].isin(["gated", rival])]
        for row in compare(sides, rival, on="method", by=["condition"]).itertuples():
            sign = -1 if row.condition.startswith("hide:") else 1
            decided = "better" if sign * row.diff > 0 else "worse"
            word = "undecided" if row.low <= 0 <= row.high else decided
            lines.append(
                f"gated against {rival:9s} {row.condition:32s} {row.acc_baseline:.3f} -> {row.acc:.3f} "
                f"({row.diff:+.3f}, 95 % {row.low:+.3f} to {row.high:+.3f}, {row.n_clips} clips): {word}"
            )
    return lines
