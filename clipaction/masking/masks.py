"""Percentage masks: exactly round(percent / 100 * H * W) pixels of every frame, at every size and aspect.

The k lowest pixels of a shape's field (masking.shapes) are its template. A template is made once per (shape, k, size)
and then only moved by whole pixels, which keeps the area: inside the frame, or around its edges for shapes without an
outline.

Masks are bool tensors, True = selected (to be hidden); frames are [..., H, W, 3]. A still mask is one frame expanded
over time without a copy. All random draws come from the generator given, so a mask does not depend on the order of
the clips."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
import torch

from ..base.errors import UserError
from .shapes import SHAPES, Grid, Shape

PLACEMENTS = ("centre", "random")
MOTIONS = ("still", "moving")
Room = tuple[tuple[int, int], tuple[int, int]]  # how far a mask may move: (up, down), (left, right), in pixels
# For every byte: its eight bits inverted, each repeated for three colour channels.
KEPT = np.unpackbits(~np.arange(256, dtype=np.uint8)[:, None], axis=1).repeat(3, axis=1).view(np.uint64)


def pixels(percent: float, size: tuple[int, int]) -> int:
    """The number of pixels that `percent` (0 to 100) of a frame of size (H, W) is; UserError outside that range."""
    if not 0 <= percent <= 100:
        raise UserError(f"a mask cannot cover {percent:g} % of the frame; choose a percentage from 0 to 100")
    return int(percent / 100 * size[0] * size[1] + 0.5)


@lru_cache(maxsize=256)
def template(
    field: Callable[[Grid], np.ndarray],
    outside: bool,
    wraps: bool,
    k: int,
    size: tuple[int, int],
    variant: int,
    turn: int,
) -> tuple[np.ndarray, Room | None]:
    """A shape's bool mask tiled 2 x 2, so that every translation is a slice, and its room; None where it wraps
    around."""
    h, w = size
    inner = h * w - k if outside else k
    mask = lowest(field(Grid(size, inner, variant, turn)), inner, size)
    mask = mask[::-1, ::-1] if turn else mask
    room = None
    if not wraps:
        rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
        room = ((-rows[0], h - 1 - rows[-1]), (-columns[0], w - 1 - columns[-1])) if inner else ((0, 0), (0, 0))
    return np.tile(~mask if outside else mask, (2, 2)), room


def lowest(field: np.ndarray, k: int, size: tuple[int, int]) -> np.ndarray:
    """Bool [H, W]: the k lowest pixels of a field [H, W]; a field that is a mask already is taken as it is.

    UserError where such a mask does not have k pixels.
    """
    if field.dtype == bool:
        if field.shape != size or field.sum() != k:
            raise UserError(
                f"a mask shape gave {field.sum()} pixels of {field.shape} for {k} of {size}; mend its function"
            )
        return field
    mask = np.zeros(size[0] * size[1], bool)
    mask[np.argsort(np.broadcast_to(field, size), axis=None, kind="stable")[:k]] = True
    return mask.reshape(size)


def path(
    rng: np.random.Generator, room: Room | None, size: tuple[int, int], frames: int, placement: str, motion: str
) -> np.ndarray:
    """Whole-pixel offsets [T, 2] from the centre; a moving mask crosses half to all of its room and turns at the
    edge."""
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


def translate(tile: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """Bool [T, H, W]: the tiled template moved by each offset [T, 2], around the frame."""
    h, w = tile.shape[0] // 2, tile.shape[1] // 2
    return np.stack([tile[top : top + h, left : left + w] for top, left in -offsets % (h, w)])


def shape_masks(
    shape: str,
    percent: float,
    size: tuple[int, int],
    frames: int,
    rngs: Sequence[np.random.Generator],
    placement: str = "centre",
    motion: str = "still",
    device: str | torch.device = "cpu",
) -> torch.Tensor:
    """Bool [B, T, H, W], one clip a generator; every frame holds exactly `pixels(percent, size)` True pixels.

    shape: of SHAPES; placement: 'centre' or 'random'; motion: 'still' or 'moving'. A shape with an outline stays
    whole inside the frame and moves in the room that is left; a triangle of 50 % reaches from edge to edge and has
    none."""
    for value, known in ((placement, PLACEMENTS), (motion, MOTIONS)):
        if value not in known:
            raise UserError(f"a mask cannot be '{value}'; choose one of {', '.join(known)}")
    entry, k, size, random = SHAPES[shape], pixels(percent, size), (int(size[0]), int(size[1])), placement == "random"
    out = np.empty((len(rngs), 1 if motion == "still" else frames, *size), bool)
    for clip, rng in zip(out, rngs):
        tile, room = drawn_template(entry, k, size, rng, random)
        clip[:] = translate(tile, path(rng, room, size, len(clip), placement, motion))
    return torch.from_numpy(out).to(device).expand(-1, frames, -1, -1)


def drawn_template(
    entry: Shape, k: int, size: tuple[int, int], rng: np.random.Generator, random: bool
) -> tuple[np.ndarray, Room | None]:
    """`template` with what is drawn at random for one clip."""
    if entry.anew:
        field = entry.field(Grid(size, k, rng=rng, central=0.0 if random else 1.0))
        return np.tile(lowest(field, k, size), (2, 2)), None
    turn = int(rng.integers(2)) if random else 0
    variant = int(rng.integers(entry.variants)) if entry.variants > 1 else 0
    return template(entry.field, entry.outside, entry.wraps, k, size, variant, turn)


def shape_mask(
    shape: str,
    percent: float,
    size: tuple[int, int],
    frames: int,
    rng: np.random.Generator,
    placement: str = "centre",
    motion: str = "still",
) -> torch.Tensor:
    """Bool [T, H, W]: `shape_masks` of a single clip."""
    return shape_masks(shape, percent, size, frames, [rng], placement, motion)[0]


def unselected(mask: torch.Tensor) -> torch.Tensor:
    """Bool [..., H, W] to uint8 [..., H, W, 3], 1 where not selected. On a CPU eight pixels at a time by table: three
    times faster."""
    if mask.device.type != "cpu":
        return (~mask)[..., None].expand(*mask.shape, 3).to(torch.uint8)
    table = np.take(KEPT, np.packbits(mask.numpy()), axis=0).view(np.uint8)
    return torch.from_numpy(table.reshape(-1)[: 3 * mask.numel()]).view(*mask.shape, 3)


def apply(frames: torch.Tensor, mask: torch.Tensor, fill: Any = 0) -> torch.Tensor:
    """Frames [..., T, H, W, 3] (uint8 or float) with the selected pixels replaced by `fill`: x * (1 - m) + fill * m.

    mask: [..., T, H, W], bool, or float in [0, 1] for soft edges. fill: 0 (black before normalisation), a number, a
    colour [3] or frames such as clean plates. The input is left alone; dtype and device are kept; integers are
    rounded to the nearest."""
    size, hard, black = frames.shape[-3:-1], mask.dtype == torch.bool, np.isscalar(fill) and fill == 0
    still = hard and mask.shape[-3] > 1 and mask.stride(-3) == 0  # one frame expanded over time: widened once
    mask = unselected(mask[..., :1, :, :]) if still else mask[..., None]
    if still and black:
        return frames * mask
    fills = torch.as_tensor(fill, dtype=frames.dtype, device=frames.device).expand(frames.shape)
    out = torch.empty(frames.shape, dtype=frames.dtype, device=frames.device)
    flat = [t.expand(*frames.shape[:-1], t.shape[-1]).reshape(-1, *size, t.shape[-1]) for t in (frames, mask, fills)]
    few = max(1, 2**18 // (size[0] * size[1]))  # so many frames at a time stay in the processor's cache
    step = few if frames.device.type == "cpu" else max(1, len(flat[0]))
    for x, m, f, o in zip(*(t.split(step) for t in (*flat, out.view(-1, *size, 3)))):
        if hard:
            kept = m if still else unselected(m[..., 0])
            torch.mul(x, kept, out=o)
            if not black:
                o += f * (1 - kept)
        else:
            mixed = x * (1 - m) if black else torch.lerp(x.to(m.dtype), f.to(m.dtype), m.expand_as(x))
            o.copy_(mixed if x.is_floating_point() else mixed.round_())
    return out
