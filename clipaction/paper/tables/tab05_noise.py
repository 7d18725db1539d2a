"""tab05: ways of using noise, their rivals and their controls, by section."""

from __future__ import annotations

import pandas as pd

from ...evaluate.summaries import summarise
from ...masking.conditions import describe
from ..items import Table, table
from ..looks import SCENE_LABELS, SCENES
from ..results import INTERVALS, Results
from ..scores import EXPLORATORY, attack_rates, fitting, label_use, with_tests
from ..selections import by_section, noise_conditions, order, rows_for
from ..typeset import bold_best, column, count, nats, pct, points, pvalue, ratio, sectioned

FRONT = ["condition", "scene", "section", "method", "labels", "uses_label"]
CALIBRATED = {"ece": "ece_calibrated", "nll": "nll_calibrated", "temperature": "temperature"}


@table("tab05", "Class-specific noise, rivals and controls, on clean, masked and actor-free clips")
def tab05(results: Results) -> Table:
    noise, calibrated = results.home("noise"), results.home("calibrated")
    conditions, sections = noise_conditions(noise), by_section(results, noise["method"])
    methods = [name for names in sections.values() for name in names]
    parts = [with_tests(results, noise, ["condition"]).assign(scene="all")]
    if noise["scene"].nunique() > 1:
        parts.append(with_tests(results, noise, ["condition", "scene"]))
    data = label_use(results, pd.concat(parts, ignore_index=True))
    data["section"] = data["method"].map({name: section for section, names in sections.items() for name in names})
    data["attack_rate"] = data["method"].map(attack_rates(results, methods))
    data = data.merge(calibration(calibrated), how="left")
    data = order(data, condition=conditions.values(), scene=SCENES, method=methods)
    data = data[FRONT + [name for name in data.columns if name not in FRONT]]
    caption = (
        "Noise, rivals and controls, % and points. Labels: what a method saw of them. Differences are to CLIP without "
        f"noise. {EXPLORATORY} NLL: mean negative log-likelihood of the true class in nats, a proper score of the "
        "whole distribution. ECE: expected calibration error of the answers, as they are and at a temperature "
        f"{fitting(calibrated)}. Where the actor is gone, accuracy is what the background alone earns "
        f"(chance {pct(1 / len(results.classes))}). Attack rate: share of other classes' clips that get a "
        "class's answer when its noise is added (without noise: in the first row). More intervals, and all numbers by "
        "scene and condition, are in the csv. "
        f"{INTERVALS} {results.facts(noise)}"
    )
    view = printed(results, data, methods, conditions)
    return Table(data, sectioned(view, [name for name, names in sections.items() for _ in names]), caption)


def calibration(rows: pd.DataFrame) -> pd.DataFrame:
    """ECE, NLL and temperature of the calibrated rows of each method under each condition."""
    by = ["condition", "method"]
    fitted = rows.groupby(by, as_index=False, observed=True)["temperature"].first()
    found = summarise(rows, by).merge(fitted, on=by).rename(columns=CALIBRATED)
    return found[[*by, *CALIBRATED.values()]].assign(scene="all")


def printed(results: Results, data: pd.DataFrame, methods: list[str], conditions: dict[str, str]) -> pd.DataFrame:
    """A row a method: unmasked clips, then by scene, then masked."""
    looks = [results.method(name) for name in methods]
    free = [not look.uses_label for look in looks]
    clean = rows_for(data, "method", methods, condition="none", scene="all").reset_index()
    view = pd.DataFrame({"method": [look.label for look in looks], "labels": [look.labels for look in looks]})
    if clean["n_clips"].nunique() > 1:  # else the caption says it
        view["n"] = column(clean, count, "n_clips")
    view["unmasked"] = bold_best(column(clean, pct, "acc", "acc_low", "acc_high"), clean["acc"], free)
    view["to no noise"] = column(clean, points, "diff", "low", "high")
    view["fixed : broken"] = column(clean, ratio, "fixed", "broken")
    view["p"] = column(clean, pvalue, "p")
    scores = (("NLL", nats, "nll"), ("ECE", pct, "ece"), ("ECE, calibrated", pct, "ece_calibrated"))
    for name, write, field in scores:
        view[name] = bold_best(column(clean, write, field), clean[field], free, lowest=True)
    for scene in [scene for scene in SCENES if scene in set(data["scene"]) - {"all"}]:
        rows = rows_for(data, "method", methods, condition="none", scene=scene)
        view[SCENE_LABELS[scene]] = bold_best(column(rows, pct, "acc"), rows["acc"], free)
    for kind in [kind for kind in ("shape", "heldout") if kind in conditions]:
        rows = rows_for(data, "method", methods, condition=conditions[kind], scene="all")
        note = ", in no training view" * (kind == "heldout")
        view[describe(conditions[kind]) + note] = bold_best(column(rows, pct, "acc"), rows["acc"], free)
    if "hide" in conditions:
        # Without the actor a right answer comes from the background. That is no merit, so the best one is not marked.
        rows = rows_for(data, "method", methods, condition=conditions["hide"], scene="all")
        label = describe(conditions["hide"])
        view[label] = column(rows, pct, "acc")
        view[f"{label}: to no noise"] = column(rows, points, "diff", "low", "high")
    view["attack rate"] = column(clean, pct, "attack_rate")
    return view
