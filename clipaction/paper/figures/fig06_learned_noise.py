"""fig06: the learned noises, their training, their frequencies and where in the frame they lie."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure
from safetensors.numpy import load_file

from ..drawing import percent_axis, show
from ..items import Drawn, figure
from ..looks import NOISE_VARIANTS, class_label
from ..results import Results
from ..scores import attack_rates
from ..style import WIDTH
from ..typeset import pct

COLUMNS, TILES = 7, 23  # noises in a row; classes whose noise is shown

Noises = dict[str, np.ndarray]  # variant -> float [C, 3, S, S], in units of a frame from 0 to 1


@figure("fig06", "The learned noises: what they look like, their training, their frequencies and their place")
def fig06(results: Results) -> Drawn:
    noises = {name: load_file(results.path(f"noise/{name}.safetensors"))["delta"] for name in NOISE_VARIANTS}
    curves, settings = results.table("noise/curves.parquet"), results.run["profile"]["noise"]
    curves = curves[curves["variant"].isin(NOISE_VARIANTS)]
    tiles = [(class_label(name), noise) for name, noise in zip(results.classes[:TILES], noises["gated"])]
    tiles += [("shared by all classes", noises["shared"][0])]
    height = 1.2 * -(-len(tiles) // COLUMNS)
    drawing = Figure((WIDTH, height + 2.3))
    top, bottom = drawing.subfigures(2, 1, height_ratios=[height, 2.3], squeeze=False).ravel()
    left, right = bottom.subfigures(1, 2, width_ratios=[6, 1], squeeze=False).ravel()
    records = draw_tiles(top, tiles, settings["eps"] / 255)
    records += draw_training(left, curves, noises, settings["resolution"])
    places = draw_places(right, noises)
    attack = attack_rates(results)
    variants = (("none", "no noise"), ("gated", "gated"), ("naive-oracle", "naive"))
    rates = ", ".join(f"{label} {pct(attack[name])} %" for name, label in variants)
    middle = ", ".join(f"{pct(record['share'])} % ({record['tile']})" for record in places)
    caption = (
        f"Learned noises (grey is 0, full scale ±{settings['eps']:g}/255), their training, the frequencies that hold "
        "their energy, and where in the frame it lies (root mean square over classes, brightest where most); in the "
        f"middle half of the frame: {middle}. Attack rate, the share of other classes' clips that a noise turns into "
        f"its class: {rates}. {results.facts(results.home('noise'))}"
    )
    shown = curves[["variant", "step", "loss", "val"]].assign(panel="training")
    return Drawn(drawing, pd.concat([pd.DataFrame(records + places), shown]), caption)


def spectrum(noise: np.ndarray) -> np.ndarray:
    """Share of the energy of [C, 3, S, S] at 0, 1, 2, ... cycles a frame.

    Rings of the Fourier transform, summed over classes and channels.
    """
    power = (np.abs(np.fft.fft2(noise)) ** 2).sum((0, 1))
    cycles = np.fft.fftfreq(noise.shape[-1], 1 / noise.shape[-1])
    rings = np.hypot(cycles[:, None], cycles).round().astype(int)
    return np.bincount(rings.ravel(), power.ravel()) / power.sum()


def draw_tiles(panel: SubFigure, tiles: list[tuple[str, np.ndarray]], bound: float) -> list[dict]:
    """A picture of each noise [3, S, S]; returns its largest value and root mean square, of 255."""
    rows, records = -(-len(tiles) // COLUMNS), []
    grid = panel.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, (name, noise) in zip(grid, tiles):
        show(axes, np.clip(0.5 + noise.transpose(1, 2, 0) / (2 * bound), 0, 1), textwrap.fill(name, 16))
        rms = 255 * np.sqrt((noise**2).mean())
        records.append({"panel": "noise", "tile": name, "largest": 255 * np.abs(noise).max(), "rms": rms})
    for axes in grid[len(tiles) :]:
        axes.set_axis_off()
    return records


def draw_training(panel: SubFigure, curves: pd.DataFrame, noises: Noises, resolution: int) -> list[dict]:
    """Training loss, validation and spectrum of each variant; returns the spectra."""
    loss, val, waves = panel.subplots(1, 3)
    records = []
    for variant, curve in curves.groupby("variant", sort=False):
        colour, line = NOISE_VARIANTS[variant]
        loss.plot(curve["step"], curve["loss"], color=colour, lw=0.5, alpha=0.25)
        smooth = curve["loss"].rolling(max(1, len(curve) // 12), center=True, min_periods=1).mean()
        loss.plot(curve["step"], smooth, color=colour, ls=line, lw=1.3, label=variant)
        seen = curve.dropna(subset="val")
        val.plot(seen["step"], seen["val"], color=colour, ls=line, marker="o", ms=3)
        share = spectrum(noises[variant])
        waves.plot(share, color=colour, ls=line)
        records += [
            {"panel": "spectrum", "tile": variant, "cycles": k, "share": value} for k, value in enumerate(share)
        ]
    loss.set(title="Training loss", xlabel="step", ylabel="loss")
    val.set(title="Validation chooses the step", xlabel="step", ylabel="minus cross-entropy", xlim=loss.get_xlim())
    label = "share of the energy, %"
    waves.set(title="Spectrum", xlabel="cycles a frame", ylabel=label, xlim=(0, resolution / 2), ylim=(0, None))
    percent_axis(waves.yaxis)
    panel.legend(*loss.get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return records


def draw_places(panel: SubFigure, noises: Noises) -> list[dict]:
    """Maps of the energy over the frame; returns the share in the middle half of the area."""
    records = []
    for axes, name in zip(panel.subplots(2, 1), ("gated", "shared")):
        energy = (noises[name] ** 2).mean((0, 1))
        edge = round(energy.shape[0] * (1 - np.sqrt(0.5)) / 2)
        records.append({"panel": "place", "tile": name, "share": energy[edge:-edge, edge:-edge].sum() / energy.sum()})
        show(axes, mpl.colormaps["magma"](np.sqrt(energy / energy.max())), f"where: {name}")
    return records
