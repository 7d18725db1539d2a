"""Conditions: what is done to a clip's frames, by name. A name and a clip decide every pixel; order and parallelism nothing.

none
shape:<shape>:<percent>:<centre|random>:<still|moving>     black shape of that share of the frame
hide:<part>:<silhouette|box|plate>[@source]                the part is gone: black, black box, or the clean plate in its place
keep:<part>:<silhouette|box>[@source]                      only the part is left (isolation)
control:<hide or keep>                                     the same mask moved elsewhere: same shape, same area
cells:<hide or keep>                                       as many pixels in random cells
<any of these>/<mean|blur|soft>                            not black but each frame's mean colour or its blur; black with a feathered edge

The source is `truth` unless said, and `relevance` for the part relevant. The background's box is what lies outside the box of actor
and prop (of the actor, by boxes). A plate condition has no control of its own: compare it with `control:hide:<part>:silhouette`. Black is 0 before normalisation.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial

import numpy as np
import torch
import torch.nn.functional as F

from . import masks, regions
from .errors import UserError
from .seeds import rng

CONTROLS = ("control", "cells")
FILLS = ("mean", "blur", "soft")
GRID = 24  # the control's shift is searched on a grid this fine


@dataclass(frozen=True)
class Condition:
    """A parsed name. kind: none, shape, hide or keep; control: '', control or cells. The rest as in the name."""

    name: str
    kind: str
    control: str = ""
    shape: str = ""
    percent: float = 0
    placement: str = ""
    motion: str = ""
    part: str = ""
    grain: str = ""
    source: str = ""
    fill: str = ""

    @property
    def black(self) -> str:
        """The name of the same condition in plain black: what decides where its mask lies."""
        return self.name.partition("/")[0]


@dataclass
class Context:
    """What a condition may need to know about a clip: its id and the run's seed; the store's part coverage uint8 [T, 5, H, W] and clean
    plates uint8 [T, H, W, 3] where truth exists; what other region sources ask for (`regions.Evidence.given`)."""

    clip: str
    seed: int = 0
    parts: np.ndarray | torch.Tensor | None = None
    plates: np.ndarray | torch.Tensor | None = None
    given: Mapping[str, Callable[[], np.ndarray | torch.Tensor]] = field(default_factory=dict)


@lru_cache(maxsize=4096)
def parse(name: str) -> Condition:
    """The condition of that name; UserError that says what a name may be."""
    black, slash, fill = name.partition("/")
    if slash and fill in FILLS and black != "none" and ":plate" not in black:
        return replace(parse(black), name=name, fill=fill)
    control, _, rest = name.partition(":") if name.startswith(tuple(c + ":" for c in CONTROLS)) else ("", "", name)
    kind, *words = rest.split(":")
    if rest == "none" and not control:
        return Condition(name, "none")
    if kind == "shape" and not control and len(words) == 4 and words[1].replace(".", "", 1).isdecimal():
        shape, percent, placement, motion = words
        if shape in masks.SHAPES and placement in masks.PLACEMENTS and motion in masks.MOTIONS and float(percent) <= 100:
            return Condition(name, kind, shape=shape, percent=float(percent), placement=placement, motion=motion)
    if kind in ("hide", "keep") and len(words) == 2:
        part, (grain, _, source) = words[0], words[1].partition("@")
        source = source or ("relevance" if part.startswith("relevant") else "truth")
        known = part in regions.PARTS or part.removeprefix("relevant").isdecimal()
        if known and source in regions.SOURCES and (grain in ("silhouette", "box") or (grain == "plate" and kind == "hide" and not control)):
            regions.check(source, part)
            return Condition(name, kind, control, part=part, grain=grain, source=source)
    raise UserError(
        f"unknown condition '{name}'; say none, shape:<{'|'.join(masks.SHAPES)}>:<percent>:<centre|random>:<still|moving>, "
        f"hide:<{'|'.join(regions.PARTS)}>:<silhouette|box|plate>[@{'|'.join(regions.SOURCES)}], keep:<part>:<silhouette|box>, "
        "or control: or cells: before hide or keep (not of a plate); /mean, /blur or /soft behind any but a plate"
    )


def elsewhere(mask: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """The masks [T, H, W] of a clip, all moved by one whole-pixel shift away from where they were: same shape, same area.

    Drawn among the shifts whose overlap with the region is within 5 % of the least possible: inside the frame if 15 % or less
    is possible there, else around the frame's edges (what leaves enters on the other side).
    """
    h, w = mask.shape[1:]
    subject = mask if mask.mean() <= 0.5 else 1 - mask  # of a background it is the hole that moves
    small = F.adaptive_avg_pool2d(subject[:, None], GRID)[:, 0]
    overlap = torch.fft.irfft2(torch.fft.rfft2(small).abs().square().sum(0), s=(GRID, GRID)).numpy()
    share = overlap / max(overlap[0, 0], 1e-6)
    steps = (np.arange(GRID) + GRID // 2) % GRID - GRID // 2
    dv, du = np.rint(steps * h / GRID).astype(int), np.rint(steps * w / GRID).astype(int)
    touched = (subject > 0).any(0).numpy()
    rows, columns = np.flatnonzero(touched.any(1)), np.flatnonzero(touched.any(0))
    if len(rows) == 0:
        return mask
    inside = ((dv >= -rows[0]) & (dv < h - rows[-1]))[:, None] & ((du >= -columns[0]) & (du < w - columns[-1]))[None]
    allowed = inside if share[inside].min() <= 0.15 else np.ones_like(inside)
    choice = np.flatnonzero(allowed & (share <= share[allowed].min() + 0.05))
    row, column = divmod(int(generator.choice(choice)), GRID)
    return torch.roll(mask, (int(dv[row]), int(du[column])), (1, 2))


def region_mask(condition: Condition, frames: torch.Tensor, context: Context) -> torch.Tensor:
    """Float32 [T, H, W]: the region of a hide or keep condition in its grain, or the control's replacement for it."""
    evidence = regions.Evidence(frames, context.parts, context.given)
    if condition.part == "background" and condition.grain == "box":
        subject = "actor+prop" if regions.gives(condition.source, "actor+prop") else "actor"
        mask = 1 - regions.box(regions.region(subject, condition.source, evidence))
    else:
        mask = regions.region(condition.part, condition.source, evidence)
        mask = regions.box(mask) if condition.grain == "box" else regions.dilate(mask) if condition.grain == "plate" else mask
    generator = rng(context.seed, context.clip, condition.black)
    if condition.control == "control":
        return elsewhere(mask, generator)
    if condition.control == "cells":
        areas = mask.sum((1, 2)).round().int().tolist()
        return torch.from_numpy(masks.cells(areas, tuple(mask.shape[1:]), generator)).float()
    return mask


def feathered(mask: torch.Tensor) -> torch.Tensor:
    """The masks [T, H, W], bool or float, as float32 with edges that fade over about a tenth of the frame; the area stays within a few %."""
    radius = max(1, round(min(mask.shape[-2:]) / 40))
    soft = mask.float()[:, None]
    for _ in range(2):
        soft = F.avg_pool2d(F.pad(soft, (radius,) * 4, mode="replicate"), 2 * radius + 1, 1)
    return soft[:, 0]


def filling(frames: torch.Tensor, fill: str):
    """What hidden pixels of uint8 frames [T, H, W, 3] become: 0, each frame's mean colour, or its blur (a 6 x 6 image drawn large)."""
    if fill not in ("mean", "blur"):
        return 0
    small = F.adaptive_avg_pool2d(frames.permute(0, 3, 1, 2).float(), 1 if fill == "mean" else 6)
    large = F.interpolate(small, frames.shape[1:3], mode="bilinear", align_corners=False)
    return large.permute(0, 2, 3, 1).round().to(torch.uint8)


def hide(clip: torch.Tensor, mask: torch.Tensor, condition: Condition) -> torch.Tensor:
    """The clip [T, H, W, 3] with the mask's pixels in the condition's fill: a new tensor."""
    return masks.apply(clip, feathered(mask) if condition.fill == "soft" else mask, filling(clip, condition.fill))


def apply_batch(condition: Condition | str, frames, contexts: Sequence[Context]):
    """Masked copies of clips [B, T, H, W, 3] uint8 (numpy or torch; the same comes back), one context a clip."""
    condition = parse(condition) if isinstance(condition, str) else condition
    x = regions.tensor(frames)
    if condition.kind == "none":
        out = x.clone()
    elif condition.kind == "shape":
        generators = [rng(context.seed, context.clip, condition.black) for context in contexts]
        shape = (condition.shape, condition.percent, tuple(x.shape[2:4]), x.shape[1], generators, condition.placement, condition.motion)
        hidden = masks.shape_masks(*shape, device=x.device)
        out = torch.stack([hide(clip, mask, condition) for clip, mask in zip(x, hidden)]) if condition.fill else masks.apply(x, hidden)
    else:
        out = torch.empty_like(x)
        for i, (clip, context) in enumerate(zip(x, contexts)):
            mask = region_mask(condition, clip.cpu(), context).to(x.device)
            mask = 1 - mask if condition.kind == "keep" else mask
            hard = condition.grain == "box" or condition.control == "cells" or condition.source == "relevance"
            if condition.grain == "plate" and context.plates is None:
                raise UserError(f"'{condition.name}' needs clean plates, which only demo clips have; choose the grain silhouette or box")
            mask = mask > 0.5 if hard else mask
            out[i] = masks.apply(clip, mask, regions.tensor(context.plates)) if condition.grain == "plate" else hide(clip, mask, condition)
    return out.numpy() if isinstance(frames, np.ndarray) else out


def apply(condition: Condition | str, frames, context: Context):
    """`apply_batch` for a single clip: frames uint8 [T, H, W, 3] in, a masked copy of the same kind out."""
    return apply_batch(condition, frames[None], [context])[0]


def plan(profile) -> list[str]:
    """The names of all conditions of a profile's `masking` and `regions` sections, each region condition with its controls.

    A source is asked only for parts it can give, a plate only of truth. Isolating the background is left out where actor+prop is
    hidden: it is the same picture. Text alone is no picture. Only actor+prop is isolated by its box, too.
    """
    masking, wanted, names = profile.masking, profile.regions, ["none"]
    for shape in masking.shapes:
        for place in masking.placements:
            for motion in masking.motions:
                names += [f"shape:{shape}:{percent:g}:{place}:{motion}" for percent in masking.percents]
    for source in wanted.sources:
        at = "" if source in ("truth", "relevance") else f"@{source}"
        for part in filter(partial(regions.gives, source), wanted.parts):
            for kind in ("hide", "keep"):
                if kind == "keep" and (part == "text" or (part == "background" and "actor+prop" in wanted.parts)):
                    continue
                for grain in wanted.grains:
                    name = f"{kind}:{part}:{grain}{at}"
                    if kind == "keep" and grain == "box" and "silhouette" in wanted.grains and part != "actor+prop":
                        continue
                    if grain == "silhouette" or (grain == "box" and source != "relevance"):  # scattered pixels have no box
                        names += [name, *(f"{control}:{name}" for control in wanted.controls)]
                    elif grain == "plate" and kind == "hide" and source == "truth" and part != "background":
                        names.append(name)
    boxed = [name for name in names if name.startswith("hide:actor+prop:box")]
    for name in ("shape:square:30:centre:still", *boxed[:1]):  # is it the missing thing, or the black edge?
        names += [f"{each}/{fill}" for each in (name, f"control:{name}") if each in names for fill in wanted.fills]
    return names


def describe(name: str) -> str:
    """A condition in words, for labels: '30 % square', 'actor hidden (box)', 'only actor (silhouette)', ..."""
    c = parse(name)
    if c.fill:
        return f"{describe(c.black)}, {({'mean': 'mean colour', 'blur': 'blurred', 'soft': 'feathered'})[c.fill]}"
    if c.kind == "none":
        return "unmasked"
    if c.kind == "shape":
        more = [word for word, usual in ((c.placement, "centre"), (c.motion, "still")) if word != usual]
        return ", ".join([f"{c.percent:g} % {c.shape}", *more])
    part = c.part.replace("+", " and ")
    if part.startswith("relevant"):
        part = f"most relevant {part.removeprefix('relevant') or 20} %"
    source = "" if c.source in ("truth", "relevance") else f", by {c.source}"
    words = f"{part} hidden ({c.grain}{source})" if c.kind == "hide" else f"only {part} ({c.grain}{source})"
    return {"": "", "control": "same mask elsewhere: ", "cells": "equal area in cells: "}[c.control] + words
