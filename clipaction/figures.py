"""fig01-fig09, from a results folder only.

Every figNN(results) returns a Figure with the tidy table that it shows (what `verify` compares) and its caption. A panel whose data a
profile does not have says so in its place. Drawing is deterministic: no jitter, no dates, one style.
"""

from __future__ import annotations

import functools
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from safetensors.numpy import load_file

from . import stats, style
from .conditions import describe, parse
from .results import INTERVALS, Results, noise_conditions
from .tables import attack_rates, order, scopes, shape_names
from .typeset import pct, write_csv

MANY = 30  # classes beyond which a figure names only the most telling ones


class Drawn(NamedTuple):
    figure: Figure
    data: pd.DataFrame
    caption: str


def styled(draw: Callable[[Results], Drawn]) -> Callable[..., Drawn]:
    """Draws in the package's style, opens the results folder and signs a toy-size figure as what it is."""
    @functools.wraps(draw)
    def drawn(results) -> Drawn:
        results = Results.of(results)
        with mpl.rc_context(style.RC):
            figure, data, caption = draw(results)
            if results.toy:
                figure.suptitle("toy size: numbers mean nothing", color=style.RED, fontsize=8, fontweight="bold")
        return Drawn(figure, data.reset_index(drop=True), caption)

    return drawn


def interval(values, groups) -> dict:
    return dict(zip(("value", "low", "high"), stats.bootstrap_groups(values, groups)))


def a_class(counts) -> str:
    """'28 clips a class.' or '20 to 28 clips a class.'"""
    return f"{min(counts)} clips a class." if min(counts) == max(counts) else f"{min(counts)} to {max(counts)} clips a class."


@styled
def fig01(results: Results) -> Drawn:
    """Mask gallery: one frame under the conditions of this paper."""
    gallery = results.arrays("masks/gallery.npz")
    names, images = [str(name) for name in gallery["names"]], gallery["images"]
    columns = min(6, len(names))
    rows = -(-len(names) // columns)
    titles = [textwrap.fill(describe(name), 23) for name in names]
    lines = max(title.count("\n") for title in titles)
    figure = Figure((style.WIDTH, rows * (style.WIDTH / columns + 0.18 + 0.1 * lines)))
    grid = figure.subplots(rows, columns, squeeze=False).ravel()
    for axes, title, image in zip(grid, titles, images):
        style.show(axes, image, "\n" * (lines - title.count("\n")) + title)
    for axes in grid[len(names):]:
        axes.set_axis_off()
    data = pd.DataFrame({"condition": names, "brightness": images.mean((1, 2, 3)) / 255, "black": (images == 0).all(-1).mean((1, 2))})
    return Drawn(figure, data, f"Mask gallery: one frame of a test clip under the conditions of this paper. {results.facts()}")


@styled
def fig02(results: Results) -> Drawn:
    """Accuracy and confidence against masked area, one line a shape."""
    masking, strip = results.home("masking"), results.arrays("masks/strip.npz")
    names, records = shape_names(masking).query("motion == 'still'"), []
    rows = {name: part for name, part in masking.groupby("condition")}
    for (shape, placement), cells in names.groupby(["shape", "placement"]):
        for percent, name in [(0, "none"), *zip(cells["percent"], cells["condition"])]:
            part = rows[name]
            acc, confidence = interval(stats.hits(part), part["group"]), interval(part["p_pred"], part["group"])
            records.append({"shape": shape, "placement": placement, "percent": percent, "n_clips": len(part),
                            **{f"acc_{k}".removesuffix("_value"): v for k, v in acc.items()},
                            **{f"confidence_{k}".removesuffix("_value"): v for k, v in confidence.items()}})
    data = order(pd.DataFrame(records).sort_values(["shape", "placement", "percent"]), shape=style.SHAPES)
    shapes = list(dict.fromkeys(data["shape"]))
    figure = Figure((style.WIDTH, 4.4))
    top, bottom = figure.subfigures(2, 1, height_ratios=[3.1, 1.3])
    for axes, what, label in zip(top.subplots(1, 2), ("acc", "confidence"), ("a  Accuracy, %", "b  Confidence in the answer, %")):
        for (shape, placement), line in data.groupby(["shape", "placement"], sort=False):
            (colour, marker), centred = style.SHAPES.get(shape, (style.GREY, "o")), placement == "centre"
            aside = 0.6 * (shapes.index(shape) - (len(shapes) - 1) / 2)  # side by side, so that eight intervals stay legible
            x = line["percent"] + aside * (line["percent"] > 0)
            if centred:
                bars = style.error(line[f"{what}_low"], line[what], line[f"{what}_high"])
                axes.errorbar(x, line[what], yerr=bars, color=colour, marker=marker, lw=1.2, elinewidth=0.8, label=shape)
            else:
                axes.plot(x, line[what], color=colour, alpha=0.55, lw=0.8, ls=(0, (4, 2)))
        axes.set(xlabel="masked area, % of the frame", title=label, ylim=(0, 1), xticks=sorted(data["percent"].unique()))
        style.percent_axis(axes.yaxis)
        if what == "acc":
            axes.axhline(1 / len(results.classes), color=style.GREY, lw=0.8, ls=":")
            axes.text(axes.get_xlim()[0], 1 / len(results.classes), " chance", va="bottom", color=style.GREY, fontsize=6.5)
    handles = axes.get_legend_handles_labels()[0]
    handles.append(mpl.lines.Line2D([], [], color=style.GREY, lw=0.8, ls=(0, (4, 2)), label="placed at random"))
    top.legend(handles=handles, loc="outside lower center", ncols=min(9, len(handles)), columnspacing=1.2, handlelength=1.8)
    for axes, name, image in zip(np.atleast_1d(bottom.subplots(1, len(strip["names"]))), strip["names"], strip["images"]):
        style.show(axes, image, describe(str(name)))
    none = rows["none"]
    return Drawn(figure, data, "Accuracy and confidence against masked area. Solid: centred and still; dashed: placed at random. "
                               f"Below: a frame at each percentage. {INTERVALS} {results.facts(none)}")


@styled
def fig03(results: Results) -> Drawn:
    """Class × condition: the drop of accuracy."""
    masking = results.home("masking")
    named = [c for c in map(parse, masking["condition"].unique()) if c.kind != "none" and not c.fill]
    percents = sorted({c.percent for c in named if c.kind == "shape"})
    middle = percents[len(percents) // 2] if percents else None
    sources = [c.source for c in named if c.kind in ("hide", "keep")]

    def wanted(c) -> bool:
        if c.kind == "shape":
            return (c.percent, c.placement, c.motion) == (middle, "centre", "still")
        grain = c.grain == ("box" if c.kind == "hide" else "silhouette") or (c.grain == "plate" and "actor" in c.part)
        return grain and not c.control and c.source in (*sources[:1], "relevance")

    chosen = [c for c in named if wanted(c)]
    kinds = [f"black shapes, {middle:g} % of the frame" if percents else "", "feature hidden", "isolation: only this is left"]
    chosen.sort(key=lambda c: (("shape", "hide", "keep").index(c.kind), c.grain == "plate"))
    hit = masking.assign(hit=stats.hits(masking)).pivot_table(index="cls", columns="condition", values="hit", aggfunc="mean", observed=True)
    counts = masking[masking["condition"] == "none"].groupby("cls").size()
    classes = [name for name in results.classes if name in hit.index]
    drop = hit.loc[classes, [c.name for c in chosen]].sub(hit.loc[classes, "none"], axis=0)
    whole = masking.assign(hit=stats.hits(masking)).groupby("condition")["hit"].mean()
    drop.loc["all classes"] = whole[drop.columns] - whole["none"]
    data = drop.rename_axis("cls").reset_index().melt("cls", var_name="condition", value_name="change")
    data["n_clips"] = data["cls"].map(counts).fillna(counts.sum()).astype(int)
    if len(classes) > MANY:
        drop = drop.loc[[*drop.drop("all classes").mean(axis=1).nsmallest(MANY).index, "all classes"]]
    figure = Figure((style.WIDTH, 1.9 + 0.19 * len(drop)))
    axes, size = figure.subplots(), len(drop)
    limit = max(0.1, np.abs(drop.to_numpy()).max())
    colours = axes.imshow(drop, cmap="RdBu", vmin=-limit, vmax=limit, aspect="auto", interpolation="nearest")
    for (i, j), value in np.ndenumerate(drop.to_numpy()):
        text = f"{100 * value:+.0f}".replace("-", "−") if abs(value) >= 0.005 else "0"
        ink = "white" if abs(value) > 0.62 * limit else style.BLACK
        axes.text(j, i, text, ha="center", va="center", fontsize=5.5 if len(text) < 4 else 4.4, color=ink)
    labels = [c.shape if c.kind == "shape" else f"{c.part.replace('+', ' + ')}{', ' + c.grain if c.kind == 'hide' else ''}" for c in chosen]
    axes.set_xticks(range(len(chosen)), labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(size), [style.class_label(name) for name in drop.index])
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.axhline(size - 1.5, color="white", lw=2)
    axes.grid(False)
    axes.spines[:].set_visible(False)
    axes.tick_params(length=0)
    for kind, label in zip(("shape", "hide", "keep"), kinds):
        places = [j for j, c in enumerate(chosen) if c.kind == kind]
        if places:
            axes.text(places[0] - 0.5, -0.75, textwrap.fill(label, max(9, int(2.7 * len(places)))), va="bottom", fontweight="bold", fontsize=7)
            axes.axvline(places[0] - 0.5, color="white", lw=3)
    bias = results.table("bias.parquet")
    if len(bias):
        becomes = bias.set_index("cls").reindex(drop.index[:-1])
        axes.text(len(chosen) - 0.3, -0.75, "actor gone:\nthe answer is", va="bottom", fontweight="bold", fontsize=7)
        for i, row in enumerate(becomes.itertuples()):
            itself = row.into == row.Index
            axes.text(len(chosen) - 0.3, i, f"{'still itself' if itself else style.class_label(row.into)}, {100 * row.into_share:.0f} %",
                      va="center", fontsize=5.5, color=style.RED if itself else style.BLACK)
        data = pd.concat([data, becomes.reset_index()[["cls", "into", "into_share", "n_clips"]].assign(condition="actor gone")])
    figure.colorbar(colours, ax=axes, fraction=0.03, pad=0.01, label="change of accuracy, points").ax.yaxis.set_major_formatter(
        mpl.ticker.PercentFormatter(1, decimals=0, symbol=""))
    few = f" The {MANY} classes that lose most; all are in the csv." if len(classes) > MANY else ""
    last = " Right: each class's commonest answer with actor and prop gone, and its share; red: the place alone still gives it away."
    return Drawn(figure, data, "Change of accuracy of each class under each condition against the same clips unmasked, in points."
                               f"{few}{last if len(bias) else ''} {results.facts(masking)} {a_class(counts)}")


@styled
def fig04(results: Results) -> Drawn:
    """Confusion and instability."""
    home, unstable = results.home("zero_shot"), results.table("instability.parquet")
    classes, size = results.classes, len(results.classes)
    counts = stats.confusion(home, size)
    true, predicted = np.divmod(np.arange(size**2), size)
    words = np.array(classes)
    data = pd.DataFrame({"panel": "confusion", "cls": words[true], "predicted": words[predicted], "n_clips": counts.ravel()})
    figure = Figure((style.WIDTH, 3.9))
    left, right = figure.subplots(1, 2, width_ratios=[1.55, 1])
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    left.imshow(share, cmap="Blues", vmin=0, vmax=1, interpolation="nearest")
    if size <= MANY:
        for i, j in np.argwhere(counts):
            left.text(j, i, counts[i, j], ha="center", va="center", fontsize=5.5, color="white" if share[i, j] > 0.55 else style.BLACK)
        labels = [style.class_label(name) for name in classes]
        left.set_xticks(range(size), labels, rotation=45, ha="right", rotation_mode="anchor", fontsize=6)
        left.set_yticks(range(size), labels, fontsize=6)
    left.set(title="a  Confusion, clips (rows: true class)", xlabel="answer")
    left.grid(False)
    left.tick_params(length=0)
    measures = {"disagree_frames": "frames that disagree\nwith their clip", "template_agreement": "prompt templates\nthat disagree",
                "offset_agreement": "frame offsets\nthat disagree"}
    records = []
    for domain, part, rows in scopes(results, home, None):
        mine = unstable[unstable["clip"].isin(rows["clip"])]
        for name in measures:
            share = mine[name] if name.startswith("disagree") else 1 - mine[name]
            records.append({"panel": "instability", "scene": part, "measure": name, "n_clips": len(mine), **interval(share, mine["group"])})
    table = pd.DataFrame(records)
    scenes = list(dict.fromkeys(table["scene"]))
    for k, scene in enumerate(scenes):
        rows, (colour, marker) = table[table["scene"] == scene], style.SCENES[scene]
        y = np.arange(len(rows)) + 0.16 * (k - (len(scenes) - 1) / 2)
        bars = style.error(rows["low"], rows["value"], rows["high"])
        right.errorbar(rows["value"], y, xerr=bars, fmt=marker, color=colour, lw=1, ms=4, label=style.SCENE_LABELS[scene])
    right.set_yticks(range(len(measures)), measures.values())
    right.invert_yaxis()
    right.set(title="b  Instability", xlabel="share, %", xlim=(0, None))
    right.grid(axis="y", visible=False)
    style.percent_axis(right.xaxis)
    if len(scenes) > 1:
        right.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)
    caption = ("Zero shot. a: confusion, coloured by the share of the true class. b: share of a clip's frames, prompt templates and sampled "
               f"frame offsets whose answer is not the clip's. {INTERVALS} {results.facts(home)}")
    return Drawn(figure, pd.concat([data, table]), caption)


@styled
def fig05(results: Results) -> Drawn:
    """Reliability before and after noise, with the calibration error."""
    noise = results.home("noise")
    names, bins = noise_conditions(noise), pd.DataFrame({"low": np.linspace(0, 0.9, 10)}).round(6)
    figure = Figure((style.WIDTH, 2.75))
    panels, records = figure.subplots(1, 3), []
    for axes, name, title in zip(panels, ("none", "gated"), ("a  No noise", "b  Gated noise")):
        look = style.method(name)
        rows = noise[(noise["method"] == name) & (noise["condition"] == "none")]
        curve = stats.reliability_curve(rows["p_pred"], stats.hits(rows))
        curve = bins.merge(curve.assign(low=curve["low"].round(6)), how="left").assign(high=bins["low"] + 0.1)
        records.append(curve.assign(panel="reliability", method=name, n=curve["n"].fillna(0)).rename(columns={"n": "n_clips"}))
        axes.plot([0, 1], [0, 1], color=style.GREY, lw=0.8, ls=":")
        axes.bar(curve["low"] + 0.05, curve["n"].fillna(0) / len(rows), width=0.09, color=look.colour, alpha=0.18)
        bars = style.error(curve["acc_low"], curve["accuracy"], curve["acc_high"])
        axes.errorbar(curve["confidence"], curve["accuracy"], yerr=bars, fmt=look.marker, color=look.colour, lw=0.9, ms=4.5, ls="-")
        ece = stats.calibration_interval(rows["p_pred"], stats.hits(rows), rows["group"])
        axes.text(0, 1.02, f"ECE {pct(*ece)} %", transform=axes.transAxes)
        axes.set(xlabel="confidence, %", ylabel="accuracy, %" if name == "none" else "", xlim=(0, 1), ylim=(0, 1.02), box_aspect=1)
        axes.set_title(title, pad=15)
        style.percent_axis(axes.xaxis), style.percent_axis(axes.yaxis)
    methods = [name for name in ("none", "gated", "shared") if name in set(noise["method"])]
    for k, name in enumerate(methods):
        for y, condition in enumerate(names.values()):
            rows = noise[(noise["method"] == name) & (noise["condition"] == condition)]
            ece, low, high = stats.calibration_interval(rows["p_pred"], stats.hits(rows), rows["group"])
            row = {"panel": "ece", "method": name, "condition": condition, "n_clips": len(rows), "ece": ece, "ece_low": low, "ece_high": high}
            records.append(pd.DataFrame([row]))
            look = style.method(name)
            panels[2].errorbar(ece, y + 0.17 * (k - 1), xerr=style.error([low], [ece], [high]), fmt=look.marker, color=look.colour, lw=1, ms=4.5,
                               label=None if y else look.label)
    panels[2].set_yticks(range(len(names)), [textwrap.fill(describe(name), 16) for name in names.values()])
    panels[2].set(xlabel="ECE, %", xlim=(0, None), ylim=(len(names) - 0.5, -0.5), box_aspect=1)
    panels[2].set_title("c  Calibration error", pad=15)
    panels[2].grid(axis="y", visible=False)
    style.percent_axis(panels[2].xaxis)
    figure.legend(*panels[2].get_legend_handles_labels(), loc="outside lower right", ncols=3)
    caption = ("Reliability before (a) and after (b) gated noise, unmasked clips; shaded: share of the clips in each bin of confidence; bars "
               f"of a and b: 95 % Wilson. c: expected calibration error by condition. {INTERVALS} {results.facts(rows)}")
    return Drawn(figure, pd.concat(records), caption)


def spectrum(noise: np.ndarray) -> np.ndarray:
    """Share of the energy of [C, 3, S, S] at 0, 1, 2, ... cycles a frame: rings of the Fourier transform, over classes and channels."""
    power, cycles = (np.abs(np.fft.fft2(noise)) ** 2).sum((0, 1)), np.fft.fftfreq(noise.shape[-1], 1 / noise.shape[-1])
    rings = np.hypot(cycles[:, None], cycles).round().astype(int)
    return np.bincount(rings.ravel(), power.ravel()) / power.sum()


@styled
def fig06(results: Results) -> Drawn:
    """The learned noises: what they look like, their training, their frequencies and their place."""
    noises = {name: load_file(results.path(f"noise/{name}.safetensors"))["delta"] for name in style.NOISE_VARIANTS}
    curves, settings, attack = results.table("noise/curves.parquet"), results.run["profile"]["noise"], attack_rates(results)
    tiles = [(style.class_label(name), noise) for name, noise in zip(results.classes[:23], noises["gated"])]
    tiles += [("shared by all classes", noises["shared"][0])]
    columns = 7
    rows = -(-len(tiles) // columns)
    figure = Figure((style.WIDTH, 1.2 * rows + 2.3))
    top, bottom = figure.subfigures(2, 1, height_ratios=[1.2 * rows, 2.3])
    grid, records = top.subplots(rows, columns, squeeze=False).ravel(), []
    for axes, (name, noise) in zip(grid, tiles):
        style.show(axes, np.clip(0.5 + noise.transpose(1, 2, 0) / (2 * settings["eps"] / 255), 0, 1), textwrap.fill(name, 16))
        records.append({"panel": "noise", "tile": name, "largest": 255 * np.abs(noise).max(), "rms": 255 * np.sqrt((noise**2).mean())})
    for axes in grid[len(tiles):]:
        axes.set_axis_off()
    left, right = bottom.subfigures(1, 2, width_ratios=[6, 1])
    (loss, val, waves), maps = left.subplots(1, 3), right.subplots(2, 1)
    for variant, curve in curves.groupby("variant", sort=False):
        colour, line = style.NOISE_VARIANTS[variant]
        loss.plot(curve["step"], curve["loss"], color=colour, lw=0.5, alpha=0.25)
        smooth = curve["loss"].rolling(max(1, len(curve) // 12), center=True, min_periods=1).mean()
        loss.plot(curve["step"], smooth, color=colour, ls=line, lw=1.3, label=variant)
        seen = curve.dropna(subset="val")
        val.plot(seen["step"], seen["val"], color=colour, ls=line, marker="o", ms=3)
        share = spectrum(noises[variant])
        waves.plot(share, color=colour, ls=line)
        records += [{"panel": "spectrum", "tile": variant, "cycles": k, "share": value} for k, value in enumerate(share)]
    loss.set(title="Training loss", xlabel="step", ylabel="loss")
    val.set(title="Validation chooses the step", xlabel="step", ylabel="minus cross-entropy", xlim=loss.get_xlim())
    waves.set(title="Spectrum", xlabel="cycles a frame", ylabel="share of the energy, %", xlim=(0, settings["resolution"] / 2), ylim=(0, None))
    style.percent_axis(waves.yaxis)
    for axes, name in zip(maps, ("gated", "shared")):
        energy = (noises[name] ** 2).mean((0, 1))
        edge = round(energy.shape[0] * (1 - np.sqrt(0.5)) / 2)  # the middle half of the area
        records.append({"panel": "place", "tile": name, "share": energy[edge:-edge, edge:-edge].sum() / energy.sum()})
        style.show(axes, mpl.colormaps["magma"](np.sqrt(energy / energy.max())), f"where: {name}")
    left.legend(*loss.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    rates = ", ".join(f"{label} {pct(attack[name])} %" for name, label in (("none", "no noise"), ("gated", "gated"), ("naive-oracle", "naive")))
    middle = ", ".join(f"{pct(record['share'])} % ({record['tile']})" for record in records if record["panel"] == "place")
    bound = f"±{settings['eps']:g}/255"
    caption = (f"Learned noises (grey is 0, full scale {bound}), their training, the frequencies that hold their energy, and where in the frame it lies "
               f"(root mean square over classes, brightest where most); in the middle half of the frame: {middle}. Attack rate, the share of other "
               f"classes' clips that a noise turns into its class: {rates}. {results.facts(results.home('noise'))}")
    shown = curves[["variant", "step", "loss", "val"]].assign(panel="training")
    return Drawn(figure, pd.concat([pd.DataFrame(records), shown]), caption)


@styled
def fig07(results: Results) -> Drawn:
    """Relevance before and after noise."""
    table = results.table("relevance.parquet")
    if table.empty:
        figure = Figure((style.WIDTH, 1.5))
        style.note(figure.subplots(), "no truth of parts in this data set: where relevance falls cannot be told")
        return Drawn(figure, pd.DataFrame(columns=["cls", "method", "n_clips", "value"]), f"Relevance: not measured. {results.facts()}")
    examples = results.arrays("relevance.npz")
    chosen = np.unique(np.linspace(0, len(examples["clips"]) - 1, 4).round().astype(int))  # spread over the classes
    figure = Figure((style.WIDTH, 0.55 + 1.12 * len(chosen)))
    left, right = figure.subfigures(1, 2, width_ratios=[1, 1.05])
    grid = left.subplots(len(chosen), 3, squeeze=False)
    share = table.set_index(["clip", "method"])["share"]
    for i, example in enumerate(chosen):
        clip, frame = examples["clips"][example], examples["frames"][example].astype(float) / 255
        style.show(grid[i, 0], frame, "frame" if not i else "")
        name = table.loc[table["clip"] == clip, "cls"]
        grid[i, 0].set_ylabel(textwrap.fill(style.class_label(name.iloc[0]), 18) if len(name) else "", fontsize=6.5)
        for axes, key, method, title in zip(grid[i, 1:], ("before", "after"), ("none", "gated"), ("no noise", "gated noise")):
            heat = examples[key][example] - examples[key][example].min()
            heat = (heat / max(heat.max(), 1e-9))[..., None]
            glow, grey = mpl.colormaps["inferno"](heat[..., 0])[..., :3], 0.35 + 0.5 * frame.mean(-1, keepdims=True)
            style.show(axes, (1 - 0.75 * heat) * grey + 0.75 * heat * glow, title if not i else "")
            if (clip, method) in share.index:
                axes.text(0.97, 0.04, f"{100 * share[clip, method]:.0f} %", color="white", ha="right", transform=axes.transAxes,
                          fontsize=6.5, fontweight="bold")
    classes = [name for name in results.classes if name in set(table["cls"])]
    records = [{"cls": name, "method": method, "n_clips": len(rows), **interval(rows["share"], rows["group"]), "area": rows["area"].mean()}
               for name in [*classes, "all"] for method in ("none", "gated")
               for rows in [table[(table["method"] == method) & ((table["cls"] == name) | (name == "all"))]]]
    data = pd.DataFrame(records)
    axes = right.subplots()
    shown = [*classes[:MANY], "all"]
    for y, name in enumerate(shown):
        before, after = (data[(data["cls"] == name) & (data["method"] == method)].iloc[0] for method in ("none", "gated"))
        bold = name == "all"
        axes.plot([before["value"], after["value"]], [y, y], color="#C8C8C8", lw=1.2, zorder=1)
        axes.plot(before["area"], y, "|", color=style.GREY, ms=7, label="share of the area" if bold else None)
        for row, method in ((before, "none"), (after, "gated")):
            bars, look = style.error([row["low"]], [row["value"]], [row["high"]]) if bold else None, style.method(method)
            axes.errorbar(row["value"], y, xerr=bars, fmt=look.marker, color=look.colour, ms=5.5 if bold else 4, lw=1.2,
                          label=look.label if bold else None)
    axes.set_yticks(range(len(shown)), [style.class_label(name) for name in shown[:-1]] + ["all classes"])
    axes.get_yticklabels()[-1].set_fontweight("bold")
    axes.axhline(len(shown) - 1.5, color=style.GREY, lw=0.5)
    axes.set(ylim=(len(shown) - 0.4, -0.6), xlim=(0, None), xlabel="share of relevance on actor and prop, %")
    axes.grid(axis="y", visible=False)
    style.percent_axis(axes.xaxis)
    right.legend(loc="outside upper center", ncols=3, columnspacing=1, handletextpad=0.4)
    caption = ("Gradient-weighted attention towards the class, before and after gated noise: examples, with the share that falls on actor "
               f"and prop, and the mean share of every class. {INTERVALS} {results.facts(table)}")
    return Drawn(figure, data, caption)


@styled
def fig08(results: Results) -> Drawn:
    """Background reliance against accuracy, a dot a class, with arrows from no noise to gated noise."""
    noise = results.home("noise")
    names, chance = noise_conditions(noise), 1 / len(results.classes)
    figure = Figure((style.WIDTH, 4.4))
    if "hide" not in names:
        style.note(figure.subplots(), "no region source of this profile can remove the actor")
        empty = pd.DataFrame(columns=["cls", "method", "reliance", "acc"])
        return Drawn(figure, empty, f"Background reliance: not measured. {results.facts(noise)}")
    both = noise[noise["method"].isin(["none", "gated"])]
    whole = stats.background_reliance(both, names["hide"], by="method").assign(cls="all classes")
    data = pd.concat([stats.background_reliance(both, names["hide"], by=("cls", "method")), whole], ignore_index=True)
    data = order(data, cls=results.classes, method=style.METHODS)[
        ["cls", "method", "n_clips", "n_groups", "reliance", "reliance_low", "reliance_high", "acc", "confidence"]]
    axes, each = figure.subplots(), data.loc[data["cls"] != "all classes", "n_clips"]
    spot = data.pivot(index="cls", columns="method", values=["reliance", "acc"])
    moves = spot.loc[[name for name in results.classes if name in spot.index]]
    if len(moves) > MANY:
        moves = moves.loc[moves["reliance"]["none"].nlargest(MANY).index]
    start, end = (np.column_stack([moves["reliance"][m], moves["acc"][m]]) for m in ("none", "gated"))
    axes.plot([0, 1], [0, 1], color="#D8D8D8", lw=0.8, zorder=0)
    axes.axvline(chance, color=style.GREY, lw=0.8, ls=":")
    axes.axhline(chance, color=style.GREY, lw=0.8, ls=":")
    arrow = {"arrowstyle": "-|>,head_width=0.18,head_length=0.35", "lw": 0.9, "shrinkA": 0, "shrinkB": 0, "color": style.BLUE}
    for a, b in zip(start, end):
        axes.annotate("", b, a, arrowprops=arrow)
    axes.plot(*start.T, style.method("none").marker, color=style.BLACK, ms=4, label="a class, no noise", ls="")
    a, b = (spot.loc["all classes"].unstack()[m][["reliance", "acc"]].to_numpy(float) for m in ("none", "gated"))
    axes.annotate("", b, a, arrowprops=arrow | {"lw": 2, "color": style.RED})
    axes.plot(*a, "o", color=style.RED, ms=6, label="all classes")
    axes.set(xlabel=f"background reliance: accuracy with {describe(names['hide'])}, %", ylabel="accuracy, unmasked, %")
    low, high = np.concatenate([start, end]).min(0), np.concatenate([start, end]).max(0)
    axes.set(xlim=(max(min(low[0], chance) - 0.05, -0.02), min(high[0] + 0.12, 1.06)), ylim=(low[1] - 0.06, min(high[1] + 0.06, 1.04)))
    style.percent_axis(axes.xaxis), style.percent_axis(axes.yaxis)
    tails, heads = np.vstack([start, a]), np.vstack([end, b])
    busy = np.concatenate([tails + k * (heads - tails) for k in np.linspace(0, 1, 9)])
    together: dict[tuple, list[str]] = {}  # classes at one point share a label
    for name, at in zip(moves.index, start.round(3).tolist()):
        together.setdefault(tuple(at), []).append(style.class_label(name))
    style.label_points(axes, np.array(list(together)), ["\n".join(names) for names in together.values()], busy)
    axes.plot([], [], color=style.BLUE, marker=">", ms=4, lw=0.9, label="to gated noise")
    axes.text(chance, axes.get_ylim()[0], " chance", ha="left", va="bottom", color=style.GREY, fontsize=6.5)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower right", ncols=3)
    caption = ("Background reliance (what accuracy is left with actor and prop gone) against accuracy; arrows run from no noise to gated "
               f"noise. Up and to the left is better; dotted: chance. {INTERVALS} {results.facts(both)} {a_class(each)}")
    return Drawn(figure, data, caption)


@styled
def fig09(results: Results) -> Drawn:
    """Domains × methods: accuracy with its interval."""
    rows = [results.home("noise").assign(part=results.place)]
    if results.maybe("predictions/baselines.parquet") is not None:
        rows.append(results.home("baselines").assign(part=results.place))
    for step in ("ward", "baselines"):
        ward = results.ward(step)
        if ward is not None:
            shared = ward["cls"].isin(results.classes)
            rows.append(ward[shared].assign(part="ward, shared classes"))
            every = ward[ward["method"].isin(ward.loc[~shared, "method"])]
            rows.append(every.assign(part="ward, all its classes"))
    rows = pd.concat(rows, ignore_index=True)
    names = noise_conditions(rows)
    shown = rows[rows["condition"].isin([names[kind] for kind in ("none", "shape") if kind in names])]
    data = stats.summarise(shown, ["part", "method", "condition"])
    data = order(data, part=[results.place, "ward, shared classes", "ward, all its classes"], method=style.METHODS, condition=names.values())
    data = data[["part", "method", "condition", "n_clips", "n_groups", "acc", "acc_low", "acc_high", "confidence"]]
    methods, parts = style.in_order(data["method"]), list(dict.fromkeys(data["part"]))
    figure = Figure((style.WIDTH, 0.9 + 0.24 * len(methods)))
    for axes, part in zip(np.atleast_1d(figure.subplots(1, len(parts), sharey=True, sharex=True)), parts):
        here = data[data["part"] == part]
        for row in here.itertuples():
            look, clean = style.method(row.method), row.condition == "none"
            y = methods.index(row.method) + (-0.14 if clean else 0.16)
            axes.errorbar(row.acc, y, xerr=style.error([row.acc_low], [row.acc], [row.acc_high]), fmt=look.marker, color=look.colour,
                          lw=1.1 if clean else 0.7, ms=4.6 if clean else 3.2, alpha=1 if clean else 0.55,
                          mfc="white" if look.uses_label else look.colour, zorder=3)
        base = here[(here["method"] == "none") & (here["condition"] == "none")]["acc"]
        for value in base:
            axes.axvline(value, color=style.BLACK, lw=0.6, alpha=0.4, zorder=1)
        wide = len(results.run["classes"] if part.startswith("ward") else results.classes)
        axes.axvline(1 / wide, color=style.GREY, lw=0.8, ls=":")
        axes.set(title=f"{part}\nn = {here['n_clips'].max()}", xlabel="accuracy, %", xlim=(0, 1.03), ylim=(len(methods) - 0.5, -0.5))
        axes.set_yticks(range(len(methods)), [style.method(name).label for name in methods])
        for tick, name in zip(axes.get_yticklabels(), methods):
            tick.set_color(style.GREY if style.method(name).uses_label else style.BLACK)
        axes.grid(axis="y", visible=False)
        style.percent_axis(axes.xaxis)
    smaller = f"; small: {describe(names['shape'])}" if "shape" in names else ""
    caption = (f"Domains and methods. Large: unmasked{smaller}. Line: CLIP without noise; dotted: chance; hollow and grey: uses the label, a "
               f"bound and no result. {INTERVALS} {results.facts(shown, 'home test' + (' and ward' if len(parts) > 1 else ''))}")
    return Drawn(figure, data, caption)


FIGURES = {f.__name__: f for f in (fig01, fig02, fig03, fig04, fig05, fig06, fig07, fig08, fig09)}


def save(drawn: Drawn, stem: Path) -> list[Path]:
    """stem.png, stem.pdf and stem.csv (the data drawn)."""
    paths = style.save(drawn.figure, stem)
    write_csv(drawn.data, stem.with_suffix(".csv"))
    return [*paths, stem.with_suffix(".csv")]
