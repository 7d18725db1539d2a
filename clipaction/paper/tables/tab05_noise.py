"""tab05: ways of using class-specific noise, with their controls."""

from __future__ import annotations

import pandas as pd

from ...evaluate.summaries import summarise
from ...masking.conditions import describe
from ..items import Table, table
from ..looks import SCENE_LABELS, SCENES
from ..results import INTERVALS, Results
from ..scores import attack_rates, label_use, with_tests
from ..selections import noise_conditions, order, rows_for
from ..typeset import bold_best, column, count, pct, points, pvalue, ratio

FRONT = ["condition", "scene", "method", "labels", "uses_label"]


@table("tab05", "Class-specific noise: protocols and controls, on clean, masked and actor-free clips")
def tab05(results: Results) -> Table:
    noise = results.home("noise")
    conditions, methods = noise_conditions(noise), results.in_order(noise["method"])
    parts = [with_tests(results, noise, ["condition"]).assign(scene="all")]
    if noise["scene"].nunique() > 1:
        parts.append(with_tests(results, noise, ["condition", "scene"]))
    data = label_use(results, pd.concat(parts, ignore_index=True))
    data["attack_rate"] = data["method"].map(attack_rates(results))
    calibrated = summarise(results.home("calibrated"), ["condition", "method"]).assign(scene="all")
    calibrated = calibrated.rename(columns={"ece": "ece_calibrated"})
    data = data.merge(calibrated[["condition", "scene", "method", "ece_calibrated"]], how="left")
    data = order(data, condition=conditions.values(), scene=SCENES, method=methods)
    data = data[FRONT + [name for name in data.columns if name not in FRONT]]
    caption = (
        "Class-specific noise: protocols and controls, % and points. Labels: what a method saw of them. Where the "
        f"actor is gone, accuracy is what the background alone earns (chance {pct(1 / len(results.classes))}). Attack "
        "rate: share of other classes' clips that a class's noise turns into it. ECE: expected calibration error, as "
        "it is and at a temperature fitted on validation clips. Holm over label-free methods and conditions. "
        f"{INTERVALS} {results.facts(noise)}"
    )
    return Table(data, printed(results, data, methods, conditions), caption)


def printed(results: Results, data: pd.DataFrame, methods: list[str], conditions: dict[str, str]) -> pd.DataFrame:
    """A row a method: unmasked clips, then by scene, then masked."""
    looks = [results.method(name) for name in methods]
    free = [not look.uses_label for look in looks]
    clean = rows_for(data, "method", methods, condition="none", scene="all").reset_index()
    ece, calibrated = column(clean, pct, "ece"), column(clean, pct, "ece_calibrated")
    view = pd.DataFrame(
        {
            "method": [look.label for look in looks],
            "labels": clean["labels"],
            "n": column(clean, count, "n_clips"),
            "unmasked": bold_best(column(clean, pct, "acc", "acc_low", "acc_high"), clean["acc"], free),
            "to no noise": column(clean, points, "diff", "low", "high"),
            "fixed : broken": column(clean, ratio, "fixed", "broken"),
            "Holm p": column(clean, pvalue, "p_holm"),
            "ECE": bold_best(ece, clean["ece"], free, lowest=True),
            "ECE, calibrated": bold_best(calibrated, clean["ece_calibrated"], free, lowest=True),
        }
    )
    for scene in [scene for scene in SCENES if scene in set(data["scene"]) - {"all"}]:
        rows = rows_for(data, "method", methods, condition="none", scene=scene)
        view[SCENE_LABELS[scene]] = bold_best(column(rows, pct, "acc"), rows["acc"], free)
    for kind in [kind for kind in ("shape", "hide") if kind in conditions]:
        rows, label = (
            rows_for(data, "method", methods, condition=conditions[kind], scene="all"),
            describe(conditions[kind]),
        )
        cells = column(rows, pct, "acc", "acc_low", "acc_high")
        # Without the actor a right answer comes from the background. That is no merit, so the best one is not marked.
        view[label] = bold_best(cells, rows["acc"], free) if kind == "shape" else cells
        view[f"{label}: to no noise"] = column(rows, points, "diff", "low", "high")
    view["attack rate"] = column(clean, pct, "attack_rate")
    return view
