"""Equal-area controls: the same mask somewhere else, and as many pixels in random cells."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from .cells import random_cells

GRID = 24  # the shift is searched on a grid this fine


def elsewhere(mask: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """The masks [T, H, W] of a clip, all moved by one whole-pixel shift away from where they were: same shape, same
    area.

    The shift is drawn among those whose overlap with the region is within 5 % of the least possible: inside the frame
    if an overlap of 15 % or less is possible there, else around the frame's edges (what leaves enters on the other
    side)."""
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


def in_cells(mask: torch.Tensor, generator: np.random.Generator) -> torch.Tensor:
    """Float32 [T, H, W], 0 or 1: random cells with as many pixels in each frame as its mask has."""
    areas, (h, w) = mask.sum((1, 2)).round().int().tolist(), mask.shape[1:]
    return torch.from_numpy(random_cells(areas, (h, w), generator)).float()


CONTROLS = {"control": elsewhere, "cells": in_cells}
CONTROL_WORDS = {"": "", "control": "same mask elsewhere: ", "cells": "equal area in cells: "}
