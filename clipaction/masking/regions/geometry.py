"""Bounding boxes of masks, and masks grown by some pixels."""

from __future__ import annotations

from functools import reduce

import numpy as np
import torch
import torch.nn.functional as F


def box(mask: torch.Tensor, margin: float = 0.02) -> torch.Tensor:
    """Float32 [T, H, W]: the bounding box of each frame's mask (where it exceeds 0.1), wider by `margin` of the
    frame's size."""
    out, (h, w) = torch.zeros_like(mask), mask.shape[1:]
    above, dv, du = (mask > 0.1).cpu().numpy(), round(margin * h), round(margin * w)
    for frame, inside in zip(out, above):
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        if len(rows):
            frame[max(rows[0] - dv, 0) : rows[-1] + dv + 1, max(columns[0] - du, 0) : columns[-1] + du + 1] = 1
    return out


def grow(mask: torch.Tensor, by: int = 2) -> torch.Tensor:
    """The soft mask [T, H, W] grown by `by` pixels in every direction (a square neighbourhood)."""
    for axis in (1, 2):
        n, padded = mask.shape[axis], F.pad(mask, (by, by, 0, 0) if axis == 2 else (0, 0, by, by))
        mask = reduce(torch.maximum, (padded.narrow(axis, i, n) for i in range(2 * by + 1)))
    return mask
