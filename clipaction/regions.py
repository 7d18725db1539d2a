"""Where things are: region sources that return soft masks, float32 [T, H, W] in [0, 1], 1 = belongs to the part.

A source is a function (part, evidence) -> mask, registered by name in SOURCES; a part it cannot give is a UserError that says
which it can. `truth` reads the demo's part coverage, `motion` needs nothing but the frames, `relevance` takes the most
class-relevant pixels of maps made by `clipaction.relevance`, `detector` what `clipaction.detector` found, `boxes` annotated actors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial, reduce

import numpy as np
import torch
import torch.nn.functional as F
from scipy import ndimage

from .errors import UserError

PARTS = ("actor", "head", "limbs", "prop", "actor+prop", "background", "text", "relevant")
TRUTH = {"head": slice(0, 1), "limbs": slice(2, 3), "prop": slice(3, 4), "actor": slice(3), "actor+prop": slice(4), "text": slice(4, 5)}  # of the coverage
GIVES = {"truth": (*TRUTH, "background"), "motion": ("actor+prop", "background"), "relevance": ("relevant",),
         "detector": ("actor", "prop", "actor+prop", "background"), "boxes": ("actor", "background")}  # fmt: skip
STILL = 10.0  # grey levels: a change below this is noise of camera and compression, not motion


_found: dict[bytes, torch.Tensor] = {}  # motion masks by the frames' digest, uint8


@dataclass
class Evidence:
    """What a source may look at, for one clip: frames uint8 [T, H, W, 3] (unmasked); the store's part coverage uint8 [T, 5, H, W]
    (head, torso, limbs, prop, text) where truth exists; and what is made only when asked for, by the source that asks: `relevance`
    maps [T, H, W], `detector` and `boxes` coverage uint8 [T, 2, H, W] of actor and prop."""

    frames: np.ndarray | torch.Tensor
    parts: np.ndarray | torch.Tensor | None = None
    given: Mapping[str, Callable[[], np.ndarray | torch.Tensor]] = field(default_factory=dict)


def tensor(values: np.ndarray | torch.Tensor) -> torch.Tensor:
    """A tensor of the same numbers, shared where it may be (a read-only memory map is copied)."""
    return torch.from_numpy(np.require(values, requirements=["C", "W", "E"])) if isinstance(values, np.ndarray) else values


def truth(part: str, evidence: Evidence) -> torch.Tensor:
    """The demo's exact masks, from the coverage drawn with every frame; things in front of the actor count as background."""
    if evidence.parts is None:
        raise UserError("these clips carry no ground truth of parts; choose another region source, such as motion")
    wanted = TRUTH["actor+prop" if part == "background" else part]
    mask = tensor(evidence.parts)[:, wanted].sum(1, dtype=torch.int16).clamp_(max=255).float().div_(255)
    return 1 - mask if part == "background" else mask


def shifted(image: np.ndarray, shift) -> np.ndarray:
    """The image [H, W, ...] moved by (dv, du) pixels around its edges, bilinear between whole pixels."""
    for axis, distance in enumerate(shift):
        whole, part = divmod(distance, 1)
        image = np.roll(image, int(whole), axis)
        image = (1 - part) * image + part * np.roll(image, 1, axis) if part else image
    return image


def camera_shifts(grey: np.ndarray) -> np.ndarray:
    """The (dv, du) [T, 2], in pixels and parts of them, that bring each frame of grey float [T, H, W] onto a common scene.

    Phase correlation with the middle frame gives whole pixels, up to a quarter of the frame and none where frames would not get
    more alike (an actor who fills the frame is no moving camera); then least squares on the temporal median's gradient (Lucas
    and Kanade 1981), without the fifth of pixels that fit worst, gives the rest.
    """
    t, h, w = grey.shape
    window = np.hanning(h)[:, None] * np.hanning(w)[None]
    spectra = np.fft.rfft2((grey - grey.mean((1, 2), keepdims=True)) * window)
    cross = spectra[t // 2] * spectra.conj()
    peaks = np.fft.irfft2(cross / (np.abs(cross) + 1e-6), s=(h, w))
    dv, du = np.arange(-(h // 4), h // 4 + 1), np.arange(-(w // 4), w // 4 + 1)
    best = peaks[:, dv[:, None], du[None]].reshape(t, -1).argmax(1)
    shifts = np.stack([dv[best // len(du)], du[best % len(du)]], 1).astype(float)
    inner = np.s_[h // 4 : h - h // 4, w // 4 : w - w // 4]
    for frame, shift in zip(grey, shifts):
        if np.abs(shifted(frame, shift) - grey[t // 2])[inner].mean() > 0.95 * np.abs(frame - grey[t // 2])[inner].mean():
            shift[:] = 0
    smooth, edge = ndimage.gaussian_filter(grey, (0, 0.7, 0.7)), max(1, min(h, w) // 12)
    for _ in range(2):
        steady = np.stack([shifted(frame, shift) for frame, shift in zip(smooth, shifts)])
        median = np.median(steady, 0)
        slope = np.stack(np.gradient(median), -1)
        for frame, shift in zip(steady, shifts):
            rest = (frame - median)[edge:-edge, edge:-edge]
            good = np.abs(rest) <= np.quantile(np.abs(rest), 0.8)
            a = slope[edge:-edge, edge:-edge][good]
            shift += np.clip(np.linalg.solve(a.T @ a + 1e-3 * np.eye(2), a.T @ rest[good]), -1, 1)
    return shifts


def otsu(values: np.ndarray) -> float:
    """The threshold that parts the values best in two (Otsu 1979), in the values' own units."""
    counts, edges = np.histogram(values, 128)
    centres = (edges[:-1] + edges[1:]) / 2
    below = counts.cumsum()
    total, sums = below[-1], (counts * centres).cumsum()
    with np.errstate(divide="ignore", invalid="ignore"):
        between = (sums[-1] * below - sums * total) ** 2 / (below * (total - below).astype(float))
    return float(centres[np.nanargmax(np.where(np.isfinite(between), between, -1))])


def moving(frames: np.ndarray) -> np.ndarray:
    """What moves, float32 [T, h, w] in [0, 1]: difference to the temporal median once the camera's shift is taken out.

    frames: float [T, h, w, 3], about 96 pixels high (sizes below are for that). Smoothed, thresholded at 0.4 of Otsu's value (which
    alone finds only the fastest parts; a third of all pixels at most), closed and filled; components under a fifth of the largest go.
    """
    t, h, w, _ = frames.shape
    shifts = camera_shifts(frames.mean(-1))
    steady = np.stack([shifted(frame, shift) for frame, shift in zip(frames, shifts)])
    change = np.abs(steady - np.median(steady, 0)).max(-1)
    for frame, shift in zip(change, shifts):  # what came around the border is no evidence
        dv, du = (int(np.sign(d) * np.ceil(abs(d))) for d in shift)
        frame[: max(dv, 0)] = frame[h + min(dv, 0) :] = 0
        frame[:, : max(du, 0)] = frame[:, w + min(du, 0) :] = 0
    change = ndimage.gaussian_filter(change, (0, 0.8, 0.8))
    hit = np.pad(change > max(0.4 * otsu(change), np.quantile(change, 0.65), STILL), ((0, 0), (6, 6), (6, 6)))
    masks = np.zeros((t, h, w), np.float32)
    for frame, mask, shift in zip(hit, masks, shifts):
        grown = ndimage.distance_transform_edt(~frame) <= 5
        labels, count = ndimage.label(ndimage.binary_fill_holes(ndimage.distance_transform_edt(grown) > 5)[6:-6, 6:-6])
        if frame.any() and count:
            sizes = np.bincount(labels.ravel())[1:]
            mask[:] = shifted(np.isin(labels, np.flatnonzero(sizes >= 0.2 * sizes.max()) + 1).astype(np.float32), -shift)
    return masks


def motion(part: str, evidence: Evidence) -> torch.Tensor:
    """What moves, from the frames alone: 'actor+prop' (whatever moves) and 'background'; edges are soft over about a pixel of 96.

    Limits: a part that keeps still in most frames belongs to the median and is missed unless moving parts enclose it; zoom and
    turns of the camera are not undone; if nothing moves, the mask is empty. Found once a clip and remembered (up to 256 MB).
    """
    frames, size = tensor(evidence.frames), tuple(evidence.frames.shape[1:3])
    key = hashlib.blake2b(frames.numpy().tobytes(), digest_size=16, salt=repr(size).encode()[:16]).digest()
    if key in _found:
        mask = _found[key]
    else:
        small = frames.permute(0, 3, 1, 2).float()
        if min(size) > 112:  # more pixels would only slow it down
            small = F.interpolate(small, scale_factor=96 / min(size), mode="bilinear", antialias=True)
        mask = torch.from_numpy(moving(small.permute(0, 2, 3, 1).numpy()))[:, None]
        mask = F.interpolate(mask, size, mode="bilinear", align_corners=False)[:, 0].clamp(0, 1).mul(255).round().byte()
        if sum(m.numel() for m in _found.values()) + mask.numel() <= 2**28:
            _found[key] = mask
    mask = mask.float() / 255
    return 1 - mask if part == "background" else mask


def asked(source: str, evidence: Evidence) -> torch.Tensor:
    """What the evidence gives to a source that is made only when asked for."""
    if source not in evidence.given:
        raise UserError(f"nobody gives {source} regions here; open the clips with clipaction.study, or choose another region source, such as motion")
    return tensor(evidence.given[source]())


def relevant(part: str, evidence: Evidence) -> torch.Tensor:
    """The most class-relevant pixels of every frame: 'relevant' is 20 % of them, 'relevant30' 30 %; exact to the pixel, 0 or 1."""
    share = int(part.removeprefix("relevant") or 20)
    flat = asked("relevance", evidence).float().flatten(1)
    top = flat.topk(round(share / 100 * flat.shape[1]), dim=1).indices
    return torch.zeros_like(flat).scatter_(1, top, 1.0).view(evidence.frames.shape[:3])


def covered(source: str, part: str, evidence: Evidence) -> torch.Tensor:
    """A part of what a source gives as coverage uint8 [T, 2, H, W] of actor and prop: `detector`, persons and the things they touch as a network
    trained on COCO outlines them (`clipaction.detector`), or `boxes`, annotated actors (`clipaction.boxes`; frames without the action have none).
    """
    cover = asked(source, evidence).float() / 255
    mask = {"actor": cover[:, 0], "prop": cover[:, 1]}.get(part, cover.amax(1))
    return 1 - mask if part == "background" else mask


SOURCES: dict[str, Callable[[str, Evidence], torch.Tensor]] = {
    "truth": truth, "motion": motion, "relevance": relevant, "detector": partial(covered, "detector"), "boxes": partial(covered, "boxes")}  # fmt: skip


def gives(source: str, part: str) -> bool:
    """Whether a source can tell a part; `relevant<percent>` is what relevance gives."""
    percent = part.removeprefix("relevant")
    return part in GIVES.get(source, ()) or (source == "relevance" and part != percent and percent.isdecimal() and 0 < int(percent) <= 100)


def check(source: str, part: str) -> None:
    """UserError for an unknown source or a part it cannot give."""
    if source not in SOURCES:
        raise UserError(f"unknown region source '{source}'; choose one of {', '.join(SOURCES)}")
    if not gives(source, part):
        percents = " (20 % of the pixels) or relevant<percent>" * (source == "relevance")
        raise UserError(f"{source} cannot tell '{part}'; it gives {', '.join(GIVES[source])}{percents}")


def region(part: str, source: str, evidence: Evidence) -> torch.Tensor:
    """The soft mask float32 [T, H, W] of a part by a named source; UserError for an unknown source or a part it cannot give."""
    check(source, part)
    mask, frames = SOURCES[source](part, evidence), tuple(evidence.frames.shape[:3])
    if tuple(mask.shape) != frames:
        raise UserError(f"region source '{source}' gave masks of {tuple(mask.shape)} for frames of {frames}; prepare the frames again")
    return mask


def box(mask: torch.Tensor, margin: float = 0.02) -> torch.Tensor:
    """Float32 [T, H, W]: the bounding box of each frame's mask (where it exceeds 0.1), wider by `margin` of the frame's size."""
    out, (h, w) = torch.zeros_like(mask), mask.shape[1:]
    above, dv, du = (mask > 0.1).numpy(), round(margin * h), round(margin * w)
    for frame, inside in zip(out, above):
        rows, columns = np.flatnonzero(inside.any(1)), np.flatnonzero(inside.any(0))
        if len(rows):
            frame[max(rows[0] - dv, 0) : rows[-1] + dv + 1, max(columns[0] - du, 0) : columns[-1] + du + 1] = 1
    return out


def dilate(mask: torch.Tensor, by: int = 2) -> torch.Tensor:
    """The soft mask [T, H, W] grown by `by` pixels (a square neighbourhood)."""
    for axis in (1, 2):
        n, padded = mask.shape[axis], F.pad(mask, (by, by, 0, 0) if axis == 2 else (0, 0, by, by))
        mask = reduce(torch.maximum, (padded.narrow(axis, i, n) for i in range(2 * by + 1)))
    return mask
