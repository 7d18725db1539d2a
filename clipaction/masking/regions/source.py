"""The contract of a region source: a function (part, evidence) -> soft mask float32 [T, H, W], 1 = belongs to the part.

    @source("left", parts=("actor+prop", "background"))
    def left(part, evidence):
        mask = torch.zeros(evidence.frames.shape[:3])
        mask[..., : mask.shape[-1] // 2] = 1
        return 1 - mask if part == "background" else mask

A source that needs more than a clip's frames names a finder: `finder(study)` gives an object that computes it (a
model's maps, detections, annotations), and the source reads it with `evidence.from_finder("<source>")`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import torch

from ...base.errors import UserError
from ...base.registry import Registry

PARTS = ("actor", "head", "limbs", "prop", "actor+prop", "background", "text", "relevant")

Array = np.ndarray | torch.Tensor


class Finder(Protocol):
    """Computes for stored clips what a region source needs beside their frames.

    key: what decides its answer beside the model, the store and its own code. find: takes the rows of a sweep and all
    frames [N, T, S, S, 3], and computes what takes long, before calls come from many threads. A call takes one row
    and its frames."""

    @property
    def key(self) -> str: ...

    def find(self, rows: list[int], frames: np.ndarray) -> None: ...

    def __call__(self, row: int, frames: np.ndarray) -> Array: ...


@dataclass
class Evidence:
    """What a source may use for one clip: frames uint8 [T, H, W, 3] (unmasked), where truth exists the parts'
    coverage uint8 [T, 5, H, W] (head, torso, limbs, prop, text), and by source name what finders compute when it is
    asked for."""

    frames: Array
    parts: Array | None = None
    found: Mapping[str, Callable[[], Array]] = field(default_factory=dict)

    def from_finder(self, name: str) -> torch.Tensor:
        """What the finder of a source computed for this clip."""
        if name not in self.found:
            raise UserError(
                f"the region source '{name}' has no finder for these clips; open them with "
                "clipaction.study.open_study, or choose another region source, such as motion"
            )
        return as_tensor(self.found[name]())


@dataclass(frozen=True)
class Source:
    """A registered region source. parts: those it can give; 'relevant' stands for 'relevant<percent>', too."""

    name: str
    function: Callable[[str, Evidence], torch.Tensor]
    parts: tuple[str, ...]
    finder: Callable[[Any], Finder] | None = None


SOURCES: Registry[Source] = Registry("region source")


def source(
    name: str, parts: tuple[str, ...], finder: Callable[[Any], Finder] | None = None
) -> Callable[[Callable[[str, Evidence], torch.Tensor]], Callable[[str, Evidence], torch.Tensor]]:
    """Registers the decorated function as a region source for these parts. finder: takes an open study."""

    def add(function: Callable[[str, Evidence], torch.Tensor]) -> Callable[[str, Evidence], torch.Tensor]:
        SOURCES[name] = Source(name, function, tuple(parts), finder)
        return function

    return add


def as_tensor(values: Array) -> torch.Tensor:
    """A tensor of the same numbers; the memory is shared where it may be written to (a read-only memory map is
    copied)."""
    if isinstance(values, np.ndarray):
        return torch.from_numpy(np.require(values, requirements=["C", "W", "E"]))
    return values


def gives(name: str, part: str) -> bool:
    """Whether a source can give a part; 'relevant30' (30 % of the pixels) is given by a source of the part
    'relevant'."""
    entry, percent = SOURCES[name], part.removeprefix("relevant")
    if part in entry.parts:
        return True
    return "relevant" in entry.parts and part != percent and percent.isdecimal() and 0 < int(percent) <= 100


def check(name: str, part: str) -> None:
    """UserError for an unknown source or a part that it cannot give."""
    if not gives(name, part):
        percents = " (20 % of the pixels) or relevant<percent>" if "relevant" in SOURCES[name].parts else ""
        known = ", ".join(SOURCES[name].parts)
        raise UserError(f"the region source {name} cannot find '{part}'; it gives {known}{percents}")


def region(part: str, name: str, evidence: Evidence) -> torch.Tensor:
    """The soft mask float32 [T, H, W] of a part by a named source; UserError for an unknown source or a part it
    cannot give."""
    check(name, part)
    mask, frames = SOURCES[name].function(part, evidence), tuple(evidence.frames.shape[:3])
    if tuple(mask.shape) != frames:
        raise UserError(
            f"the region source '{name}' gave masks of {tuple(mask.shape)} for frames of {frames}; "
            "prepare the frames again"
        )
    return mask


def regions_of_images(x: torch.Tensor, source: Source | str, part: str = "actor+prop") -> torch.Tensor:
    """The soft masks float32 [N, T, H, W] of a part on clips of images [N, T, 3, H, W] in [0, 1], by a source that
    looks at nothing but these images.

    source: its name, or the source itself: what holds the latter holds its code, which then counts in cache keys.
    UserError for a source that needs more than frames."""
    entry = source if isinstance(source, Source) else SOURCES[source]
    if entry.finder or entry.name == "truth":
        raise UserError(f"the region source '{entry.name}' needs more than the frames; choose one like motion")
    frames = x.mul(255).round().byte().permute(0, 1, 3, 4, 2).cpu().contiguous()
    return torch.stack([region(part, entry.name, Evidence(clip)) for clip in frames]).to(x.device)
