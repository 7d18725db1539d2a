"""Conditions: what is done to a clip's frames, by name. The name and the clip decide every pixel.

    none
    shape:<shape>:<percent>:<centre|random>:<still|moving>    a black shape of that share of the frame
    hide:<part>:<silhouette|box|plate>[@source]               the part is hidden: black, a black box, the clean plate
    keep:<part>:<silhouette|box>[@source]                     isolation: everything but the part is hidden
    control:<hide or keep>                                    the same mask moved elsewhere: same shape, same area
    cells:<hide or keep>                                      as many pixels in random cells
    <any of these>/<mean|blur|soft>                           not black: the frame's mean colour, or its blur; or black
                                                              with a feathered edge

The source is `truth` unless one is named, and `relevance` for the part `relevant`. The background's box is what lies
outside the box of actor and prop (of the actor where a source has no prop). A plate condition has no control of its
own: compare it with `control:hide:<part>:silhouette`. Black is 0 before normalisation.

A name is parsed once, where it enters (`parse`), into an object that makes its own mask and its own masked frames.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
import torch

from ..base.errors import UserError
from ..base.seeds import rng
from ..vision.clip import on_device
from . import masks, regions
from .controls import CONTROL_WORDS, CONTROLS
from .fills import FILL_WORDS, FILLS, hide
from .regions import Evidence, as_tensor
from .regions.source import Array
from .shapes import SHAPES


@dataclass
class Context:
    """What a condition may need to know about a clip: its id and the run's seed; where truth exists the parts'
    coverage uint8 [T, 5, H, W] and clean plates uint8 [T, H, W, 3]; and what the finders of region sources compute
    (`regions.Evidence.found`)."""

    clip: str
    seed: int = 0
    parts: Array | None = None
    plates: Array | None = None
    found: Mapping[str, Callable[[], Array]] = field(default_factory=dict)


@dataclass(frozen=True)
class Condition:
    """A parsed name. kind: none, shape, hide or keep; the other fields as in the name, '' or 0 where it has none."""

    name: str
    kind: str = "none"
    fill: str = ""
    control: str = ""
    shape: str = ""
    percent: float = 0
    placement: str = ""
    motion: str = ""
    part: str = ""
    grain: str = ""
    source: str = ""

    @property
    def black(self) -> str:
        """The name of the same condition in plain black: it decides where the mask lies."""
        return self.name.partition("/")[0]

    @property
    def functions(self) -> list[Callable]:
        """The functions that were chosen by name, for cache keys."""
        return []

    @property
    def facts(self) -> list[object]:
        """What else was registered with those functions, for cache keys."""
        return []

    def generator(self, context: Context) -> np.random.Generator:
        """Random numbers of one clip under this condition, alike for every fill."""
        return rng(context.seed, context.clip, self.black)

    def apply(self, frames: torch.Tensor, contexts: Sequence[Context], seen: torch.Tensor) -> torch.Tensor:
        """Masked copies of clips uint8 [B, T, H, W, 3], on their device; one context a clip. seen: the same clips on
        the CPU, where regions are found."""
        return frames.clone()

    def describe(self) -> str:
        """The condition in words, for labels: 'unmasked', '30 % square', 'actor hidden (box)', 'only actor
        (silhouette)'."""
        return self.words() + (f", {FILL_WORDS[self.fill]}" if self.fill else "")

    def words(self) -> str:
        return "unmasked"


class ShapeCondition(Condition):
    """A black shape of a given share of the frame."""

    @property
    def functions(self) -> list[Callable]:
        return [SHAPES[self.shape].field]

    @property
    def facts(self) -> list[object]:
        shape = SHAPES[self.shape]
        return [shape.variants, shape.wraps, shape.outside, shape.anew]

    def apply(self, frames: torch.Tensor, contexts: Sequence[Context], seen: torch.Tensor) -> torch.Tensor:
        hidden = masks.shape_masks(
            self.shape,
            self.percent,
            (frames.shape[2], frames.shape[3]),
            frames.shape[1],
            [self.generator(context) for context in contexts],
            self.placement,
            self.motion,
            device=frames.device,
        )
        return hide(frames, hidden, self.fill)

    def words(self) -> str:
        unusual = [word for word, usual in ((self.placement, "centre"), (self.motion, "still")) if word != usual]
        return ", ".join([f"{self.percent:g} % {self.shape}", *unusual])


class RegionCondition(Condition):
    """A part of the picture hidden, or everything but it."""

    @property
    def functions(self) -> list[Callable]:
        source = regions.SOURCES[self.source]
        chosen: list[Callable] = [source.function, *([source.finder] if source.finder else [])]
        return chosen + ([CONTROLS[self.control]] if self.control else [])

    def region(self, frames: torch.Tensor, context: Context) -> torch.Tensor:
        """Float32 [T, H, W]: the part in its grain, or what takes its place as a control; frames uint8 [T, H, W, 3]."""
        evidence = Evidence(frames, context.parts, context.found)
        if self.part == "background" and self.grain == "box":
            subject = "actor+prop" if regions.gives(self.source, "actor+prop") else "actor"
            mask = 1 - regions.box(regions.region(subject, self.source, evidence))
        else:
            mask = regions.region(self.part, self.source, evidence)
            if self.grain == "box":
                mask = regions.box(mask)
            elif self.grain == "plate":
                mask = regions.grow(mask)
        return CONTROLS[self.control](mask, self.generator(context)) if self.control else mask

    def mask(self, frames: torch.Tensor, context: Context) -> torch.Tensor:
        """What is hidden of frames uint8 [T, H, W, 3]: [T, H, W], bool where it has hard edges, else float32 in [0,
        1]."""
        mask = self.region(frames, context)
        mask = 1 - mask if self.kind == "keep" else mask
        hard = self.grain == "box" or self.control == "cells" or self.source == "relevance"
        return mask > 0.5 if hard else mask

    def apply(self, frames: torch.Tensor, contexts: Sequence[Context], seen: torch.Tensor) -> torch.Tensor:
        if self.grain == "plate" and any(context.plates is None for context in contexts):
            raise UserError(
                f"'{self.name}' needs clean plates, which only demo clips have; choose the grain silhouette or box"
            )
        found = torch.stack([self.mask(clip, context) for clip, context in zip(seen, contexts)])
        hidden = on_device(found, frames.device)
        if self.grain != "plate":
            return hide(frames, hidden, self.fill)
        plates = torch.stack([as_tensor(context.plates) for context in contexts if context.plates is not None])
        return masks.apply(frames, hidden, on_device(plates, frames.device))

    def words(self) -> str:
        part = self.part.replace("+", " and ")
        if part.startswith("relevant"):
            part = f"most relevant {part.removeprefix('relevant') or 20} %"
        found = "" if self.source in ("truth", "relevance") else f", by {self.source}"
        said = f"{part} hidden" if self.kind == "hide" else f"only {part}"
        return f"{CONTROL_WORDS[self.control]}{said} ({self.grain}{found})"


@lru_cache(maxsize=4096)
def parse(name: str) -> Condition:
    """The condition of that name, without asking whether its shape or source is known here (see `check`).

    Raises UserError that says what a name may be.
    """
    black, slash, fill = name.partition("/")
    control, _, rest = black.partition(":") if black.startswith(("control:", "cells:")) else ("", "", black)
    kind, *words = rest.split(":")
    found: Condition | None = None
    if black == "none" and not slash:
        return Condition(name)
    if kind == "shape" and not control and len(words) == 4 and words[1].replace(".", "", 1).isdecimal():
        shape, percent, placement, motion = words
        if placement in masks.PLACEMENTS and motion in masks.MOTIONS and 0 < float(percent) <= 100:
            found = ShapeCondition(
                name, kind, fill, shape=shape, percent=float(percent), placement=placement, motion=motion
            )
    if kind in ("hide", "keep") and len(words) == 2:
        part, (grain, _, source) = words[0], words[1].partition("@")
        plate = grain == "plate" and kind == "hide" and not control and not fill
        if is_part(part) and (grain in ("silhouette", "box") or plate):
            source = source or ("relevance" if part.startswith("relevant") else "truth")
            found = RegionCondition(name, kind, fill, control, part=part, grain=grain, source=source)
    if found is None or (slash and fill not in FILLS):
        raise UserError(
            f"unknown condition '{name}'; say none, "
            f"shape:<{'|'.join(SHAPES)}>:<percent>:<centre|random>:<still|moving>, "
            f"hide:<{'|'.join(regions.PARTS)}>:<silhouette|box|plate>[@{'|'.join(regions.SOURCES)}], "
            "keep:<part>:<silhouette|box>; control: or cells: before hide or keep (not of a plate); "
            "/mean, /blur or /soft behind any but a plate"
        )
    return found


def is_part(part: str) -> bool:
    """Whether this is the name of a part; any percentage may stand behind 'relevant'."""
    return part in regions.PARTS or (part.startswith("relevant") and part.removeprefix("relevant").isdecimal())


def check(condition: Condition | str) -> Condition:
    """The condition, parsed; UserError where its shape or source is not registered or the source cannot give the
    part."""
    condition = parse(condition) if isinstance(condition, str) else condition
    if condition.shape:
        SHAPES[condition.shape]
    if condition.source:
        regions.check(condition.source, condition.part)
    return condition


def apply_batch(condition: Condition | str, frames: Array, contexts: Sequence[Context]) -> Array:
    """Masked copies of clips [B, T, H, W, 3] uint8 (numpy or torch; the same comes back), one context a clip."""
    given = as_tensor(frames)
    out = check(condition).apply(given, contexts, given.cpu())
    return out.numpy() if isinstance(frames, np.ndarray) else out


def apply(condition: Condition | str, frames: Array, context: Context) -> Array:
    """`apply_batch` for a single clip: frames uint8 [T, H, W, 3] in, a masked copy of the same kind out."""
    return apply_batch(condition, frames[None], [context])[0]


def describe(name: str) -> str:
    """The condition of that name in words."""
    return parse(name).describe()
