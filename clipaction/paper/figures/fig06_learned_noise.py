"""fig06: the learned noises, their training, their frequencies and where in the frame they lie."""

from __future__ import annotations

import textwrap

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.figure import Figure, SubFigure

from ...base.tensors import read_tensors
from ...noise.protocols import HEADLINE
from ..drawing import percent_axis, show
from ..items import Drawn, figure
from ..looks import NOISES, class_label, noise_look
from ..results import Results
from ..scores import noise_attack_rates
from ..selections import order
from ..style import WIDTH
from ..typeset import pct

COLUMNS, TILES = 7, 26  # noises in a row; classes whose noise is shown
INSIDE, OUTSIDE, SHARED = "d_in, mean over classes", "d_out", "shared"
ATTACKED = ("none", HEADLINE, "gated", "naive")

Noises = dict[str, np.ndarray]  # variant -> float [K, 3, S, S], in units of a frame from 0 to 1
Tile = tuple[str, np.ndarray, float]  # name, noise [3, S, S], eps


@figure("fig06", "The learned noises: what they look like, their training, their frequencies and their place")
def fig06(results: Results) -> Drawn:
    curves, resolution = results.table("noise/curves.parquet"), results.run["profile"]["noise"]["resolution"]
    curves = order(curves, variant=NOISES)
    paths = {name: results.path(f"noise/{name}.safetensors") for name in curves["variant"].unique()}
    kept = {name: read_tensors(path) for name, path in paths.items()}
    noises = {name: tensors["delta"].numpy() for name, (tensors, _) in kept.items()}
    eps = {name: float(facts["eps"]) for name, (_, facts) in kept.items()}
    headline, shared = noises[HEADLINE], noises["shared"]
    own = list(zip(map(class_label, results.classes[:TILES]), headline[:-1]))
    tiles: list[Tile] = [(name, noise, eps[HEADLINE]) for name, noise in [*own, (OUTSIDE, headline[-1])]]
    tiles.append((SHARED, shared[0], eps["shared"]))
    height = 1.2 * -(-len(tiles) // COLUMNS)
    drawing = Figure((WIDTH, height + 3.2))
    top, bottom = drawing.subfigures(2, 1, height_ratios=[height, 2.9], squeeze=False).ravel()
    left, right = bottom.subfigures(1, 2, width_ratios=[6, 1], squeeze=False).ravel()
    records = draw_tiles(top, tiles)
    records += draw_training(left, curves, noises, resolution)
    drawing.legend(*left.axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=4, columnspacing=1.2)
    places = draw_places(right, {INSIDE: headline[:-1], OUTSIDE: headline[-1:], SHARED: shared})
    attack = noise_attack_rates(results)
    rates = "; ".join(f"{noise_look(name)[2]} {pct(attack[name])} %" for name in ATTACKED if name in attack)
    middle = ", ".join(f"{pct(record['share'])} % ({record['tile']})" for record in places)
    caption = (
        f"The headline's noise: d_in of each class, which is added where the action is, and d_out, which is added "
        f"elsewhere (grey is 0, full scale ±{eps[HEADLINE]:g}/255); and one shared noise (±{eps['shared']:g}/255). "
        "Training and validation of all noises (hypothesis and naive noise are trained with the true class, and not "
        "validated). The frequencies that hold their energy, and where in the frame it lies (root mean square, "
        "brightest where most); "
        f"in the middle half of the frame: {middle}. Attack rate, the share of other classes' clips that get a "
        f"class's answer when its noise is added: {rates}. {results.facts(results.home('noise'))}"
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


def draw_tiles(panel: SubFigure, tiles: list[Tile]) -> list[dict]:
    """A picture of each noise, at full contrast where it reaches its eps (in 1/255); returns its eps, its largest value
    and its root mean square, of 255."""
    rows, records = -(-len(tiles) // COLUMNS), []
    grid = panel.subplots(rows, COLUMNS, squeeze=False).ravel()
    for axes, (name, noise, eps) in zip(grid, tiles):
        show(axes, np.clip(0.5 + noise.transpose(1, 2, 0) * 255 / (2 * eps), 0, 1), textwrap.fill(name, 16))
        largest, rms = 255 * np.abs(noise).max(), 255 * np.sqrt((noise**2).mean())
        records.append({"panel": "noise", "tile": name, "eps": eps, "largest": largest, "rms": rms})
    for axes in grid[len(tiles) :]:
        axes.set_axis_off()
    return records


def draw_training(panel: SubFigure, curves: pd.DataFrame, noises: Noises, resolution: int) -> list[dict]:
    """Training loss, validation and spectrum of each variant; returns the spectra."""
    loss, val, waves = panel.subplots(1, 3)
    records = []
    for variant, curve in curves.groupby("variant", sort=False):
        colour, line, label = noise_look(str(variant))
        smooth = curve["loss"].rolling(max(1, len(curve) // 12), center=True, min_periods=1).mean()
        loss.plot(curve["step"], smooth, color=colour, ls=line, lw=1.2, label=label)
        seen = curve.dropna(subset="val")
        val.plot(seen["step"], -seen["val"], color=colour, ls=line, lw=1.2, marker="o", ms=2.5)
        share = spectrum(noises[str(variant)])
        waves.plot(share, color=colour, ls=line, lw=1.2)
        records += [
            {"panel": "spectrum", "tile": variant, "cycles": k, "share": value} for k, value in enumerate(share)
        ]
    loss.set(title="Training loss", xlabel="step", ylabel="weighted sum of its terms")
    val.set(title="Validation clips", xlabel="step", ylabel="cross-entropy", xlim=loss.get_xlim())
    label = "share of the energy, %"
    waves.set(title="Spectrum", xlabel="cycles a frame", ylabel=label, xlim=(0, resolution / 2), ylim=(0, None))
    percent_axis(waves.yaxis)
    return records


def draw_places(panel: SubFigure, parts: Noises) -> list[dict]:
    """Maps of the energy over the frame; returns the share in the middle half of the area."""
    records = []
    for axes, (name, noise) in zip(panel.subplots(len(parts), 1), parts.items()):
        energy = (noise**2).mean((0, 1))
        edge = round(energy.shape[0] * (1 - np.sqrt(0.5)) / 2)
        records.append({"panel": "place", "tile": name, "share": energy[edge:-edge, edge:-edge].sum() / energy.sum()})
        show(axes, mpl.colormaps["magma"](np.sqrt(energy / energy.max())), f"where: {name.partition(',')[0]}")
    return records
