"""tab06: what each part of the headline's training contributes."""

from __future__ import annotations

import pandas as pd

from ...masking.conditions import describe
from ...noise.protocols import HEADLINE
from ..items import Table, table
from ..results import INTERVALS, Results
from ..typeset import NOTHING, bold_best, column, count, pct

FRONT = ["setting", "steps", "condition"]
STEPS = 40  # of each training, where no reference says how many it had


@table("tab06", "Ablation of the headline's noise, on validation clips")
def tab06(results: Results) -> Table:
    data = results.maybe("noise/ablation.parquet")
    what, facts = f"Ablation of the headline ({results.method(HEADLINE).label})", results.facts(split="validation")
    if data is None or data.empty:
        command = f"--from 04 --set noise.ablation_steps={published_steps(results)}"
        caption = f"{what}: made on demand, not part of this run; the same command with `{command}` makes it. {facts}"
        empty = pd.DataFrame(columns=["setting", "condition", "n_clips", "acc"])
        return Table(empty, pd.DataFrame(columns=["setting", "n", "accuracy"]), caption)
    data = data[FRONT + [name for name in data.columns if name not in FRONT]].reset_index(drop=True)
    caption = (
        f"{what}, trained anew with one thing changed at a time, %. Cross-entropy: of the answers, unmasked and "
        "masked, lower is better, and its difference to all terms, clip by clip. Attack rate: of other classes' "
        f"validation clips. {INTERVALS} {facts}"
    )
    return Table(data, printed(data), caption)


def published_steps(results: Results) -> int:
    """Steps of each training in the published ablation of this profile."""
    reference = results.published("tab06.csv")
    return (
        int(reference["steps"].max())
        if reference is not None and reference.get("steps") is not None and len(reference)
        else STEPS
    )


def printed(data: pd.DataFrame) -> pd.DataFrame:
    """A row a setting; columns for each condition."""
    settings = data[FRONT[:2]].drop_duplicates()
    names = list(dict.fromkeys(["none", *data["condition"]]))
    view, keys = settings.reset_index(drop=True).astype(str), pd.MultiIndex.from_frame(settings)
    for name in [name for name in names if name in set(data["condition"])]:
        rows = data[data["condition"] == name].set_index(FRONT[:2]).reindex(keys)
        if "n" not in view:
            view["n"] = column(rows, count, "n_clips")
        learned, cells = keys.get_level_values(0) != "no noise", column(rows, pct, "acc", "low", "high")
        view[describe(name)] = cells if name.startswith("hide:") else bold_best(cells, rows["acc"], learned)
        view[f"{describe(name)}: confidence"] = column(rows, pct, "confidence")
        view[f"{describe(name)}: ECE"] = bold_best(column(rows, pct, "ece"), rows["ece"], learned, lowest=True)
    view["attack rate"] = column(rows, pct, "attack")
    view["cross-entropy"] = bold_best([f"{x:.3f}" for x in rows["ce"]], rows["ce"], learned, lowest=True)
    change = column(rows, signed, "change", "change_low", "change_high")
    view["to all terms"] = [NOTHING if name == "all terms" else cell for name, cell in zip(view["setting"], change)]
    return view


def signed(value: float, low: float, high: float) -> str:
    """0.138, 0.042, 0.249 -> '+0.138 [+0.042, +0.249]'."""
    return f"{value:+.3f} [{low:+.3f}, {high:+.3f}]".replace("-", "−")
