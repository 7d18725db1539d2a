"""Percentage and shape masks: exactly round(percent/100 * H * W) pixels of every frame, at every size and aspect.

Each shape is a level-set field over the frame; its k lowest pixels are the mask, so the area is exact by construction and
not by rounding a radius. Such a template is made once per (shape, k, size) and then only translated by whole pixels, inside
the frame (or around it, for shapes that have no outline: stripes and patches), which keeps the area.

Masks are bool tensors, True = selected (to be hidden); frames are [..., H, W, 3]. A still mask is one frame expanded over
time without a copy. All randomness comes from the generator given, so a mask depends on its clip's name and not on order.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch

from .errors import UserError

SHAPES = ("square", "circle", "ellipse", "triangle", "stripes", "border", "patches", "blob")
PLACEMENTS = ("centre", "random")
MOTIONS = ("still", "moving")
OUTLINE = {"square": (1.0, 1.0), "circle": (np.pi / 4, 1.0), "ellipse": (np.pi / 4, 1.5), "triangle": (0.5, 1.0)}  # fill of its box, w/h
STRIPES = 5  # bars across the frame
CELLS, BLOBS = 12, 16  # random cells along the frame's short side; different blobs, each also turned upside down
KEPT = np.unpackbits(~np.arange(256, dtype=np.uint8)[:, None], axis=1).repeat(3, axis=1).view(np.uint64)  # a byte's inverted bits, thrice


def pixels(percent: float, size: tuple[int, int]) -> int:
    """The number of pixels that `percent` (0 to 100) of a frame of size (H, W) is; UserError outside that range."""
    if not 0 <= percent <= 100:
        raise UserError(f"a mask of {percent:g} % of the frame is impossible; choose a percentage from 0 to 100")
    return int(percent / 100 * size[0] * size[1] + 0.5)


def _field(shape: str, k: int, size: tuple[int, int], variant: int) -> np.ndarray:
    """A float64 [H, W] field whose k lowest pixels are the shape, whole and centred.

    Coordinates run from -1 to 1 over the box the shape needs; the box keeps the shape's own proportions while it fits in the
    frame and is stretched when it does not. The centre lies a hair off the grid's symmetry: then no two sides tie, and pixels
    are added a row or a column at a time.
    """
    h, w = size
    v, u = np.arange(h)[:, None] + 0.5 - h / 2 - 0.03, np.arange(w)[None] + 0.5 - w / 2 - 0.07
    if shape == "stripes":
        across = (v / h if variant else u / w) * STRIPES
        return np.abs((across + STRIPES / 2) % 1 - 0.5) + 1e-6 * across + 0 * (u + v)
    if shape == "border":  # the hole, as wide on every side
        return np.maximum(np.abs(v) - h / 2, np.abs(u) - w / 2)
    if shape == "blob":
        rng = np.random.default_rng(variant)
        waves = [(n, rng.normal(0, 0.35 / n), rng.uniform(0, 2 * np.pi)) for n in range(2, 8)]
        radius = lambda a: np.exp(sum(c * np.cos(n * a + p) for n, c, p in waves))  # noqa: E731
        angle = np.arange(720) * np.pi / 360
        y, x = radius(angle) * np.sin(angle), radius(angle) * np.cos(angle)
        fill, ratio = np.pi * np.mean(radius(angle) ** 2) / (np.ptp(y) * np.ptp(x)), np.ptp(x) / np.ptp(y)
    else:
        fill, ratio = OUTLINE[shape]
    area = max(k, 1) / fill
    wide = min(w, np.sqrt(area * ratio))
    high = min(h, area / wide)
    wide = min(w, area / high)
    v, u = v / (high / 2), u / (wide / 2)
    if shape == "square":
        return np.maximum(np.abs(v), np.abs(u))
    if shape == "triangle":
        return np.maximum(v, 2 * np.abs(u) - v)
    if shape == "blob":
        y, x = (y.min() + y.max() + v * np.ptp(y)) / 2, (x.min() + x.max() + u * np.ptp(x)) / 2
        return np.hypot(y, x) / radius(np.arctan2(y, x))
    return np.hypot(v, u)


@lru_cache(maxsize=256)
def template(shape: str, k: int, size: tuple[int, int], variant: int = 0, turned: bool = False):
    """The shape's bool mask tiled 2 x 2 (so that any translation is a slice), and how far it may move: (up, down), (left, right).

    Shapes without an outline (stripes) move around the frame: their room is None.
    """
    h, w = size
    inner = h * w - k if shape == "border" else k
    mask = np.zeros(h * w, bool)
    mask[np.argsort(_field(shape, inner, size, variant), axis=None, kind="stable")[:inner]] = True
    mask = mask.reshape(h, w)[::-1, ::-1] if turned else mask.reshape(h, w)
    room = None
    if shape != "stripes":
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        room = ((-rows[0], h - 1 - rows[-1]), (-columns[0], w - 1 - columns[-1])) if inner else ((0, 0), (0, 0))
    return np.tile(~mask if shape == "border" else mask, (2, 2)), room


def _path(rng: np.random.Generator, room, size: tuple[int, int], frames: int, placement: str, motion: str) -> np.ndarray:
    """Whole-pixel offsets [T, 2] from the centred template; a moving mask crosses half to all of its room and turns at the edge."""
    draw = rng.random((3, 2))
    low, high = np.array(room if room else [(0, s - 1) for s in size]).T
    span = high - low
    start = low + np.floor(draw[0] * (span + 1)) if placement == "random" else np.zeros(2)
    if motion == "still" or frames == 1:
        return np.broadcast_to(start.astype(int), (frames, 2))
    travel = np.where(draw[1] < 0.5, -1, 1) * (0.5 + 0.5 * draw[2]) * span
    along = start + np.linspace(0, 1, frames)[:, None] * travel
    if room:  # a triangle wave between the limits
        along = low + span - np.abs((along - low) % np.maximum(2 * span, 1) - span)
    return np.rint(along).astype(int)


def _translate(tile: np.ndarray, path: np.ndarray) -> np.ndarray:
    """Bool [T, H, W]: the tiled template moved by each offset of the path (around the frame)."""
    h, w = tile.shape[0] // 2, tile.shape[1] // 2
    return np.stack([tile[top : top + h, left : left + w] for top, left in -path % (h, w)])


def cells(areas: Sequence[int], size: tuple[int, int], rng: np.random.Generator, central: float = 0.0) -> np.ndarray:
    """Bool [T, H, W]: exactly areas[t] pixels of frame t in random square cells, the last cell partly filled.

    The order of the cells is drawn once, so masks of different areas are nested; `central` > 0 prefers cells near the centre.
    """
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
            frame[top : top + heights[row], left : left + widths[column]] = part.reshape(heights[row], widths[column])
    return out


def shape_masks(shape: str, percent: float, size: tuple[int, int], frames: int, rngs: Sequence[np.random.Generator],
                placement: str = "centre", motion: str = "still", device: str | torch.device = "cpu") -> torch.Tensor:  # fmt: skip
    """Bool [B, T, H, W], one clip a generator; every frame holds exactly `pixels(percent, size)` True pixels.

    shape: of SHAPES; placement: 'centre' or 'random'; motion: 'still' or 'moving'. An outlined shape stays whole inside the
    frame and moves in the room it leaves: a triangle of 50 % reaches from edge to edge and can only stand on its head.
    """
    for value, known in ((shape, SHAPES), (placement, PLACEMENTS), (motion, MOTIONS)):
        if value not in known:
            raise UserError(f"a mask cannot be '{value}'; choose one of {', '.join(known)}")
    k, size, random = pixels(percent, size), (int(size[0]), int(size[1])), placement == "random"
    count = 1 if motion == "still" else frames
    out = np.empty((len(rngs), count, *size), bool)
    for clip, rng in zip(out, rngs):
        if shape == "patches":
            tile, room = np.tile(cells([k], size, rng, central=0.0 if random else 1.0)[0], (2, 2)), None
        else:
            turn = int(rng.integers(2)) if random else 0
            variant = int(rng.integers(BLOBS)) if shape == "blob" else turn if shape == "stripes" else 0
            tile, room = template(shape, k, size, variant, bool(turn))
        clip[:] = _translate(tile, _path(rng, room, size, count, placement, motion))
    return torch.from_numpy(out).to(device).expand(-1, frames, -1, -1)


def shape_mask(shape: str, percent: float, size: tuple[int, int], frames: int, rng, placement="centre", motion="still") -> torch.Tensor:
    """Bool [T, H, W]: `shape_masks` of a single clip."""
    return shape_masks(shape, percent, size, frames, [rng], placement, motion)[0]


def _kept(mask: torch.Tensor) -> torch.Tensor:
    """Bool [..., H, W] to uint8 [..., H, W, 3], 1 where not selected. On a CPU eight pixels at a time by table: three times faster."""
    if mask.device.type != "cpu":
        return (~mask)[..., None].expand(*mask.shape, 3).to(torch.uint8)
    table = np.take(KEPT, np.packbits(mask.numpy()), axis=0).view(np.uint8)
    return torch.from_numpy(table.reshape(-1)[: 3 * mask.numel()]).view(*mask.shape, 3)


def apply(frames: torch.Tensor, mask: torch.Tensor, fill=0) -> torch.Tensor:
    """Frames [..., T, H, W, 3] (uint8 or float) with the selected pixels replaced by `fill`: x * (1 - m) + fill * m.

    mask: [..., T, H, W], bool, or float in [0, 1] for soft edges. fill: 0 (black before normalisation), a number, a colour [3] or
    frames such as clean plates. The input is left alone; dtype and device are kept; integers are rounded to the nearest.
    """
    size, hard, black = frames.shape[-3:-1], mask.dtype == torch.bool, np.isscalar(fill) and fill == 0
    still = hard and mask.shape[-3] > 1 and mask.stride(-3) == 0  # one frame expanded over time: widened once
    mask = _kept(mask[..., :1, :, :]) if still else mask[..., None]
    fills = torch.as_tensor(fill, dtype=frames.dtype, device=frames.device).expand(frames.shape)
    out = torch.empty(frames.shape, dtype=frames.dtype, device=frames.device)
    flat = [t.expand(*frames.shape[:-1], t.shape[-1]).reshape(-1, *size, t.shape[-1]) for t in (frames, mask, fills)]
    step = max(1, 2**18 // (size[0] * size[1]))  # a few frames at a time stay in the processor's cache
    for x, m, f, o in zip(*(t.split(step) for t in (*flat, out.view(-1, *size, 3)))):
        if hard:
            kept = m if still else _kept(m[..., 0])
            torch.mul(x, kept, out=o)
            if not black:
                o += f * (1 - kept)
        else:
            mixed = x * (1 - m) if black else torch.lerp(x.to(m.dtype), f.to(m.dtype), m.expand_as(x))
            o.copy_(mixed if x.is_floating_point() else mixed.round_())
    return out
