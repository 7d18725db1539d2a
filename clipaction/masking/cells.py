"""Scattered square cells that cover an exact number of pixels."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

CELLS = 12  # cells along the frame's short side


def random_cells(
    areas: Sequence[int], size: tuple[int, int], rng: np.random.Generator, central: float = 0.0
) -> np.ndarray:
    """Bool [T, H, W]: exactly areas[t] pixels of frame t in random square cells, the last cell partly filled.

    The order of the cells is drawn once, so a smaller mask lies inside a larger one; `central` > 0 prefers cells near
    the centre."""
    h, w = size
    side = max(1, round(min(h, w) / CELLS))
    ny, nx = -(-h // side), -(-w // side)
    heights, widths = np.minimum(side, h - side * np.arange(ny)), np.minimum(side, w - side * np.arange(nx))
    y, x = np.linspace(-1, 1, ny)[:, None], np.linspace(-1, 1, nx)[None]
    order = np.argsort((rng.random((ny, nx)) + central * np.hypot(y, x)).ravel())
    filled = np.outer(heights, widths).ravel()[order].cumsum()
    out = np.empty((len(areas), h, w), bool)
    for frame, k in zip(out, areas):
        whole = int(np.searchsorted(filled, k, "right"))
        grid = np.zeros(ny * nx, bool)
        grid[order[:whole]] = True
        frame[:] = grid.reshape(ny, nx).repeat(side, 0)[:h].repeat(side, 1)[:, :w]
        rest = int(k) - int(filled[whole - 1] if whole else 0)
        if rest:
            row, column = order[whole] // nx, order[whole] % nx
            part = np.arange(heights[row] * widths[column]) < rest
            top, left = row * side, column * side
            area = np.s_[top : top + heights[row], left : left + widths[column]]
            frame[area] = part.reshape(heights[row], widths[column])
    return out
