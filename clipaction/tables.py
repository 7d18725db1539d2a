"""tab01-tab08 and the paper's claims, from a results folder only.

Every tabNN(results) returns a Table: `data`, tidy numbers, one row a cell (the csv, from which the print is derived); `view`, the same as
printed, text, with the best label-free value in **bold** by code; and the caption. Shares are 0 to 1 in data and % in view.
"""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from . import stats, style
from .claims import claims, printed
from .conditions import describe, parse
from .results import INTERVALS, Pooled, Results, noise_conditions
from .typeset import NOTHING, bold_best, column, count, latex, markdown, pct, points, pvalue, ratio, write_csv, write_text


class Table(NamedTuple):
    data: pd.DataFrame
    view: pd.DataFrame
    caption: str


def first(table: pd.DataFrame, keys: list, **where) -> pd.DataFrame:
    """The rows that match `where`, a row a key (of the first column named in `keys`), NaN where a key has none."""
    name, values = keys
    for column_name, value in where.items():
        table = table[table[column_name] == value]
    return table.set_index(name).reindex(values)


def order(table: pd.DataFrame, **ranks) -> pd.DataFrame:
    """Sorted by the given columns, each in the order of its list (in the table's own order beyond it)."""
    def rank(values: pd.Series) -> pd.Series:
        known = list(ranks[values.name])
        return values.map(lambda value: known.index(value) if value in known else len(known))

    return table.sort_values(list(ranks), key=rank, kind="stable").reset_index(drop=True)


def tab01(results) -> Table:
    """Data: clips, groups and frames of every split, and what could not be read."""
    results = Results.of(results)
    clips = results.table("clips.parquet").fillna({"domain": "", "scene": "", "reason": ""})
    failed = results.failed()

    def tally(rows: pd.DataFrame, **key) -> dict:
        read = rows[rows["ok"]]
        return {**key, "classes": rows["cls"].nunique(), "groups": rows["group"].nunique(), "clips": len(rows), "read": len(read),
                "frames": int(read["n_frames"].sum()), "seconds": float((read["n_frames"] / read["fps"]).sum())}

    records = []
    for (domain, split), rows in clips.groupby(["domain", "split"]):
        scenes = list(rows.groupby("scene"))
        records.append(tally(rows, domain=domain, split=split, scene="all"))
        records += [tally(part, domain=domain, split=split, scene=scene) for scene, part in scenes if len(scenes) > 1]
    data = order(pd.DataFrame(records), domain=["home", "ward"], split=["test", "val", "train"], scene=style.SCENES)
    listed = failed.rename(columns={"id": "clip"}).assign(split=failed["ok"].map({True: "read in part", False: "could not be read"}))
    data = pd.concat([data.assign(clip="", reason=""), listed[["split", "clip", "reason"]]], ignore_index=True)
    data[["domain", "scene"]] = data[["domain", "scene"]].fillna("")
    view = data[["domain", "split", "scene"]].replace({"scene": style.SCENE_LABELS})
    for name in ("classes", "groups", "clips", "read", "frames"):
        view[name] = [count(n) for n in data[name]]
    view["minutes"] = [NOTHING if pd.isna(s) else f"{s / 60:.1f}" for s in data["seconds"]]
    if len(failed):
        view["clip"], view["reason"] = data["clip"], data["reason"]
    if results.place == "test":
        view = view.drop(columns=["domain", "scene"])
    note = f"{len(failed)} damaged clips are listed below the counts." if len(failed) else "Every clip could be read."
    return Table(data, view, f"Data. {note} {results.facts(split='all')}")


def scopes(results: Results, home: pd.DataFrame, ward: pd.DataFrame | None) -> list[tuple[str, str, pd.DataFrame]]:
    """(domain, part of it, rows): home as a whole and by scene; the ward as a whole, its shared classes and those of its own."""
    parts = [(results.place, "all", home)]
    scenes = [scene for scene in style.SCENES if scene in set(home["scene"])]
    parts += [(results.place, scene, home[home["scene"] == scene]) for scene in scenes if len(scenes) > 1]
    if ward is not None:
        shared = ward["cls"].isin(results.classes)
        parts.append(("ward", "all", ward))
        if 0 < shared.sum() < len(ward):
            parts += [("ward", "shared classes", ward[shared]), ("ward", "own classes", ward[~shared])]
    return parts


def tab02(results) -> Table:
    """Zero shot: plain CLIP, overall and by how well scene and action agree."""
    results = Results.of(results)
    home, unstable = results.home("zero_shot"), results.table("instability.parquet")
    records = []
    for domain, part, rows in scopes(results, home, results.ward("zero_shot")):
        shaky = unstable[unstable["clip"].isin(rows["clip"])]
        names = ("instability", "instability_low", "instability_high")
        interval = stats.bootstrap_groups(shaky["disagree_frames"], shaky["group"]) if len(shaky) else (np.nan,) * 3
        records.append({"domain": domain, "part": part, **stats.summarise(rows).iloc[0], **dict(zip(names, interval))})
    data = pd.DataFrame(records)
    view = pd.DataFrame({
        "domain": data["domain"], "clips": data["part"].map(style.SCENE_LABELS).fillna(data["part"]), "n": column(data, count, "n_clips"),
        "groups": column(data, count, "n_groups"), "top-1": column(data, pct, "acc", "acc_low", "acc_high"),
        "top-5": column(data, pct, "top5"), "confidence": column(data, pct, "confidence"), "when wrong": column(data, pct, "confidence_wrong"),
        "ECE": column(data, pct, "ece", "ece_low", "ece_high"), "entropy, nats": [f"{x:.2f}" for x in data["entropy"]],
        "frames that disagree": column(data, pct, "instability", "instability_low", "instability_high")})
    return Table(data, view, f"Zero shot, %. ECE: expected calibration error. {INTERVALS} {results.facts(home)}")


def shape_names(masking: pd.DataFrame) -> pd.DataFrame:
    """One row a shape condition in black: condition, shape, percent, placement, motion."""
    named = [parse(name) for name in masking["condition"].unique() if name.startswith("shape:") and not parse(name).fill]
    fields = ("shape", "percent", "placement", "motion")
    return pd.DataFrame([{"condition": c.name, **{field: getattr(c, field) for field in fields}} for c in named])


def tab03(results) -> Table:
    """Percentage and shape masking: accuracy at each masked area, against the same clips unmasked."""
    results = Results.of(results)
    masking = results.home("masking")
    keys = ["shape", "placement", "motion", "percent"]
    names = shape_names(masking)
    chosen = masking[masking["condition"].isin(["none", *names["condition"]])]
    against = stats.compare(chosen, "none").drop(columns=["baseline", "n_clips", "n_groups", "acc"])
    data = names.merge(stats.summarise(chosen, "condition"), on="condition").merge(against, on="condition")
    data = order(data.sort_values(keys), shape=style.SHAPES, placement=["centre", "random"], motion=["still", "moving"])
    percents = sorted(data["percent"].unique())
    view = data[keys[:3]].drop_duplicates().reset_index(drop=True)
    printed = (("accuracy", pct, ("acc", "acc_low", "acc_high")), ("change", points, ("diff",)), ("confidence", pct, ("confidence",)))
    for name, write, fields in printed:
        for percent in percents:
            cells = data[data["percent"] == percent]
            cells = cells[keys[:3]].assign(**{f"{name}, {percent:g} %": column(cells, write, *fields)})
            view = view.merge(cells, how="left").fillna(NOTHING)
    unmasked = chosen[chosen["condition"] == "none"]
    caption = (f"Percentage and shape masking, % and points; unmasked {pct(stats.accuracy(unmasked))} %. Calibration, paired tests and "
               f"Holm's p are in the csv. {INTERVALS} {results.facts(unmasked)}")
    return Table(data, view, caption)


def control_of(condition: str, kind: str, names: set[str]) -> str | None:
    """The equal-area control of a region condition; a clean plate, which blackens nothing, has its silhouette's."""
    candidates = (f"{kind}:{condition}", f"{kind}:{condition.replace(':plate', ':silhouette')}")
    return next((name for name in candidates if name in names), None)


def tab04(results) -> Table:
    """Feature-specific and isolation masking, each against its equal-area controls."""
    results = Results.of(results)
    masking = results.home("masking")
    names = list(masking["condition"].unique())
    regions = [name for name in names if name.startswith(("hide:", "keep:"))]
    score = stats.summarise(masking[masking["condition"].isin(["none", *regions])], "condition").set_index("condition")
    iou, records = results.maybe("region_scores.parquet"), []
    for kind in ("control", "cells"):
        pairs = {name: control for name in regions if (control := control_of(name, kind, set(names)))}
        if pairs:
            records.append(stats.compare(masking, pairs).assign(control=kind))
    data = score.loc[regions].reset_index()
    if records:
        tests = pd.concat(records).rename(columns={"baseline": "control_condition", "acc_baseline": "acc_control"})
        tests["p_holm"] = stats.holm(tests["p"])
        data = data.merge(tests.drop(columns=["n_clips", "n_groups", "acc"]), on="condition", how="left")
    for place, field in enumerate(("kind", "part", "grain", "source", "fill"), 1):
        data.insert(place, field, [getattr(parse(name), field) for name in data["condition"]])
    if iou is not None:
        data = data.merge(iou.groupby(["source", "part"], as_index=False)["iou"].mean(), how="left", on=["source", "part"])
    data = order(data, kind=["hide", "keep"])
    one = data.drop_duplicates("condition").reset_index(drop=True)
    view = pd.DataFrame({"condition": [describe(name) for name in one["condition"]], "n": column(one, count, "n_clips"),
                         "accuracy": column(one, pct, "acc", "acc_low", "acc_high"), "confidence": column(one, pct, "confidence")})
    if "iou" in one and one["iou"].notna().any():
        view["region IoU"] = column(one, pct, "iou")
    controls = [kind for kind in ("control", "cells") if records and kind in set(data["control"])]
    for kind in controls:
        label, cells = {"control": "elsewhere", "cells": "cells"}[kind], first(data, ["condition", one["condition"]], control=kind)
        view[f"{label}: accuracy"] = column(cells, pct, "acc_control")
        view[f"{label}: difference"] = column(cells, points, "diff", "low", "high")
        view[f"{label}: fixed : broken"] = column(cells, ratio, "fixed", "broken")
        view[f"{label}: Holm p"] = column(cells, pvalue, "p_holm")
    none = masking[masking["condition"] == "none"]
    words = " and ".join({"control": "the same mask elsewhere", "cells": "random cells"}[kind] for kind in controls)
    tested = f"Controls cover the same area: {words}; differences, McNemar and Holm (over the whole table) are against them. "
    caption = (f"Hiding and isolating features, % and points; unmasked {pct(stats.accuracy(none))} %. {tested if controls else ''}"
               f"{INTERVALS} {results.facts(none)}")
    return Table(data, view, caption)


def with_tests(rows: pd.DataFrame, by: list[str]) -> pd.DataFrame:
    """summarise() by method and `by`, with compare() against method 'none' beside it (NaN for 'none' itself)."""
    score = stats.summarise(rows, ["method", *by])
    rows = rows[rows["condition"].isin(rows.loc[rows["method"] == "none", "condition"])]
    if rows["method"].nunique() < 2:
        return score
    tests = stats.compare(rows, "none", on="method", by=by).drop(columns=["baseline", "n_clips", "n_groups", "acc"])
    free = np.array([not style.method(name).uses_label for name in tests["method"]])  # a bound is no test among others
    tests.loc[free, "p_holm"], tests.loc[~free, "p_holm"] = stats.holm(tests.loc[free, "p"]), np.nan
    return score.merge(tests, how="left", on=["method", *by])


def label_use(data: pd.DataFrame) -> pd.DataFrame:
    """Columns that say of every method which labels it saw, and whether among them was that of the clip it answers for."""
    methods = [style.method(name) for name in data["method"]]
    return data.assign(labels=[m.labels for m in methods], uses_label=[m.uses_label for m in methods])


def attack_rates(results: Results) -> dict[str, float]:
    """Method -> share of other classes' clips that its noise turns into its class, over all classes."""
    attack = results.table("noise/attack.parquet").groupby("variant")[["hits", "of"]].sum()
    rate = (attack["hits"] / attack["of"]).to_dict()
    shortlist = f"shortlist-{results.run['profile']['noise']['shortlist']}"
    noise = {"none": "none", "naive-hypothesis": "naive", "naive-oracle": "naive"} | dict.fromkeys(("gated", "hypothesis", shortlist, "oracle"), "gated")
    return {name: rate.get(variant, np.nan) for name, variant in noise.items()}


def tab05(results) -> Table:
    """Class-specific noise: protocols and controls, on clean, masked and actor-free clips."""
    results = Results.of(results)
    noise = results.home("noise")
    whole = with_tests(noise, ["condition"]).assign(scene="all")
    scenes = [with_tests(noise, ["condition", "scene"])] if noise["scene"].nunique() > 1 else []
    data = label_use(pd.concat([whole, *scenes], ignore_index=True))
    data["attack_rate"] = data["method"].map(attack_rates(results))
    tempered = stats.summarise(results.home("calibrated"), ["condition", "method"]).rename(columns={"ece": "ece_calibrated"}).assign(scene="all")
    data = data.merge(tempered[["condition", "scene", "method", "ece_calibrated"]], how="left")
    names = noise_conditions(noise)
    data = order(data, condition=names.values(), scene=style.SCENES, method=style.METHODS)
    front = ["condition", "scene", "method", "labels", "uses_label"]
    data = data[front + [name for name in data.columns if name not in front]]
    methods = style.in_order(noise["method"])
    free = [not style.method(name).uses_label for name in methods]
    clean = first(data, ["method", methods], condition="none", scene="all").reset_index()
    view = pd.DataFrame({
        "method": [style.method(name).label for name in methods], "labels": clean["labels"], "n": column(clean, count, "n_clips"),
        "unmasked": bold_best(column(clean, pct, "acc", "acc_low", "acc_high"), clean["acc"], free),
        "to no noise": column(clean, points, "diff", "low", "high"), "fixed : broken": column(clean, ratio, "fixed", "broken"),
        "Holm p": column(clean, pvalue, "p_holm"), "ECE": bold_best(column(clean, pct, "ece"), clean["ece"], free, lowest=True)})
    view["ECE, calibrated"] = bold_best(column(clean, pct, "ece_calibrated"), clean["ece_calibrated"], free, lowest=True)
    for scene in [scene for scene in style.SCENES if scene in set(data["scene"]) - {"all"}]:
        rows = first(data, ["method", methods], condition="none", scene=scene)
        view[style.SCENE_LABELS[scene]] = bold_best(column(rows, pct, "acc"), rows["acc"], free)
    for kind in [kind for kind in ("shape", "hide") if kind in names]:
        rows, label = first(data, ["method", methods], condition=names[kind], scene="all"), describe(names[kind])
        cells = column(rows, pct, "acc", "acc_low", "acc_high")
        view[label] = bold_best(cells, rows["acc"], free) if kind == "shape" else cells  # nobody wins where there is nothing to see
        view[f"{label}: to no noise"] = column(rows, points, "diff", "low", "high")
    view["attack rate"] = column(clean, pct, "attack_rate")
    caption = ("Class-specific noise: protocols and controls, % and points. Labels: what a method saw of them. Where the actor is gone, "
               f"accuracy is what the background alone earns (chance {pct(1 / len(results.classes))}). Attack rate: share of other classes' "
               f"clips that a class's noise turns into it. ECE: expected calibration error, as it is and at a temperature fitted on validation clips. Holm over label-free methods and conditions. {INTERVALS} {results.facts(noise)}")
    return Table(data, view, caption)


def tab06(results) -> Table:
    """Ablation of the loss, on validation clips."""
    results = Results.of(results)
    data = results.maybe("noise/ablation.parquet")
    if data is None or data.empty:
        return Table(pd.DataFrame(columns=["setting", "condition", "n_clips", "acc"]), pd.DataFrame(columns=["setting", "n", "accuracy"]),
                     f"Ablation: not part of this run; the same command with `--from 04 --set noise.ablation_steps=60` makes it. {results.facts(split='validation')}")
    front = ["setting", "steps", "condition"]
    data = data[front + [name for name in data.columns if name not in front]].reset_index(drop=True)
    settings = data[front[:2]].drop_duplicates()
    names = list(dict.fromkeys(["none", *data["condition"]]))
    view, keys = settings.reset_index(drop=True).astype(str), pd.MultiIndex.from_frame(settings)
    for name in [name for name in names if name in set(data["condition"])]:
        rows = data[data["condition"] == name].set_index(front[:2]).reindex(keys)
        if "n" not in view:
            view["n"] = column(rows, count, "n_clips")
        learned, cells = keys.get_level_values(0) != "no noise", column(rows, pct, "acc", "low", "high")
        view[describe(name)] = cells if name.startswith("hide:") else bold_best(cells, rows["acc"], learned)
        view[f"{describe(name)}: confidence"] = column(rows, pct, "confidence")
        view[f"{describe(name)}: ECE"] = bold_best(column(rows, pct, "ece"), rows["ece"], learned, lowest=True)
    view["attack rate"] = column(rows, pct, "attack")
    view["cross-entropy"] = bold_best([f"{x:.3f}" for x in rows["ce"]], rows["ce"], learned, lowest=True)
    view["to all terms"] = [NOTHING if name == "all terms" else f"{a:+.3f} [{b:+.3f}, {c:+.3f}]".replace("-", "−")
                            for name, a, b, c in zip(view["setting"], rows["change"], rows["change_low"], rows["change_high"])]
    return Table(data, view, f"Ablation, gated noise, one thing changed at a time, %. Cross-entropy: of the answers, unmasked and masked, "
                             f"lower is better, and its difference to all terms, clip by clip. {INTERVALS} {results.facts(split='validation')}")


def tab07(results) -> Table:
    """Generalisation: every method at home and in the ward, beside the baselines the paper argues against."""
    results = Results.of(results)
    rows = [results.home("noise")] + [part for step in ("ward", "baselines") if (part := results.ward(step)) is not None]
    if results.maybe("predictions/baselines.parquet") is not None:
        rows.append(results.home("baselines"))
    rows = pd.concat(rows, ignore_index=True)
    rows["domain"] = rows["domain"].replace("", results.place)
    shared = rows[(rows["domain"] == "ward") & rows["cls"].isin(results.classes)]
    full = rows[(rows["domain"] == "ward")].groupby("method")["cls"].transform("nunique") > len(results.classes)
    parts = {results.place: rows[rows["domain"] == results.place], "ward": rows.loc[full[full].index], "ward, shared classes": shared}
    data = pd.concat([with_tests(part, ["condition"]).assign(part=name) for name, part in parts.items() if len(part)], ignore_index=True)
    data = order(label_use(data), part=parts, condition=noise_conditions(rows).values(), method=style.METHODS)
    front = ["part", "condition", "method", "labels", "uses_label"]
    data = data[front + [name for name in data.columns if name not in front]]
    methods = style.in_order(rows["method"])
    looks = [style.method(name) for name in methods]
    free = [not look.uses_label for look in looks]
    view = pd.DataFrame({"method": [look.label for look in looks], "labels": [look.labels for look in looks]})
    sizes = []
    for (part, condition), cells in data.groupby(["part", "condition"], sort=False):
        cells = first(cells, ["method", methods])
        text = column(cells, pct, "acc", "acc_low", "acc_high")
        view[f"{part}, {describe(condition)}"] = text if condition.startswith("hide:") else bold_best(text, cells["acc"], free)
        sizes.append(f"{part}: n = {count(cells['n_clips'].max())}")
    other = bool(rows["domain"].eq("ward").any())
    known = " The networks know the home classes only and are tested on those; CLIP chooses among all of the ward's." if other else ""
    caption = (f"Generalisation and baselines, accuracy in %. {'; '.join(dict.fromkeys(sizes))}.{known} Differences and tests against no "
               f"noise are in the csv. {INTERVALS} {results.facts(split='home test' + ' and ward' * other)}")
    return Table(data, view, caption)


def tab08(results) -> Table:
    """Run time and environment of this run: the one table that depends on the machine."""
    results = Results.of(results)
    timing = results.table("timing.parquet").reset_index(drop=True)
    rates = [f"{row.items:.0f} {row.unit}s, {row.items / max(row.seconds, 1e-9):.1f} a second" for row in timing.itertuples()]
    steps = pd.DataFrame({"what": timing["step"], "value": [f"{s:.1f} s" for s in timing["seconds"]], "rate": rates})
    machine = pd.DataFrame([{"what": name, "value": str(value), "rate": ""} for name, value in results.json("environment.json").items()])
    view = pd.concat([steps, machine], ignore_index=True)
    return Table(view, view.rename(columns={"what": "step or component", "value": "time or version"}),
                 f"Run time and environment; the steps took {timing['seconds'].sum():.0f} s. Never compared with the reference. "
                 f"{results.facts(split='all')}")


def pooled(runs: list[Results]) -> Table:
    """The claims on the clips of several runs together, beside each run's own number."""
    names = [run.run["profile"]["name"] for run in runs]
    data = claims(Pooled(runs)).drop(columns="headline")
    for name, run in zip(names, runs):
        data[name] = data["id"].map(claims(run).set_index("id")["value"])
    shown = [printed(row) for row in data.itertuples()]
    view = pd.DataFrame({
        "claim": data["claim"], "number": data["number"], "n": column(data, count, "n_clips"), "groups": column(data, count, "n_groups"),
        "value": [f"{value} [{low_high}] {unit}".strip() for value, low_high, unit in shown],
        **{name: [printed(row)[0] for row in data.assign(value=data[name]).itertuples()] for name in names}, "verdict": data["verdict"]})
    return Table(data, view, f"{len(runs)} whole runs, {', '.join(names)}, and their clips together. {INTERVALS} They tell how the number would vary with other "
                             f"people and places, the trainings taken as they are; the columns of single runs show how it varies with both.")


TABLES = {f.__name__: f for f in (tab01, tab02, tab03, tab04, tab05, tab06, tab07, tab08)}


def save(table: Table, stem: Path) -> list[Path]:
    """stem.csv (data), stem.md and stem.tex (view)."""
    write_csv(table.data, stem.with_suffix(".csv"))
    write_text(markdown(table.view, table.caption), stem.with_suffix(".md"))
    write_text(latex(table.view, table.caption, stem.name), stem.with_suffix(".tex"))
    return [stem.with_suffix(kind) for kind in (".csv", ".md", ".tex")]
