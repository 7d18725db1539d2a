"""Regions that cannot be right: next to nothing, nearly everything, or the frame's border rather than its middle."""

from __future__ import annotations

from dataclasses import dataclass

import torch

SMALLEST, LARGEST = 0.01, 0.6  # share of the frame
RIM = 1 / 16  # of the frame's side: how wide its border is


@dataclass(frozen=True)
class Extent:
    """How much a region covers of the frame, of its border and of the rest, in [0, 1], mean over a clip's frames."""

    area: float
    border: float
    middle: float

    @property
    def doubt(self) -> str:
        """Why this is no actor and no prop; '' where it may be one."""
        if self.area < SMALLEST:
            return f"under {SMALLEST:.0%} of the frame"
        if self.area > LARGEST:
            return f"over {LARGEST:.0%} of the frame"
        return "the border more than the middle" if self.border > self.middle else ""


def extent(mask: torch.Tensor) -> Extent:
    """The extent of a soft mask [T, H, W] in [0, 1]."""
    rows, columns = (max(1, round(RIM * side)) for side in mask.shape[1:])
    inner = mask[:, rows:-rows, columns:-columns]
    border = (mask.sum() - inner.sum()) / max(1, mask.numel() - inner.numel())
    return Extent(float(mask.mean()), float(border), float(inner.mean()))
