"""Other ways to show CLIP the clip, without any training: what knowing where the action is brings by itself."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F

from ..masking.regions import Source
from ..noise.apply import action_boxes, isolate
from ..vision.clip import CLIP
from ..vision.zero_shot import clip_scores
from .setup import RivalSetup, rival

SECTION = "views and prompts"
RED = (1.0, 0.0, 0.0)
Show = Callable[[torch.Tensor, torch.Tensor], torch.Tensor]  # frames [B, 3, S, S], boxes [B, S, S] -> frames


def red_circle(x: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    """A red ellipse around each frame's box, two pixels wide in 96 (Shtedritski et al. 2023, arXiv:2304.06712)."""
    size = x.shape[-1]
    at = torch.arange(size, device=x.device) + 0.5
    rows, columns = m.any(2), m.any(1)

    def axis(inside: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        low = torch.where(inside, at, size).amin(1)
        high = torch.where(inside, at, 0.0).amax(1)
        return (low + high) / 2, (high - low) / 2 * 2**0.5  # the ellipse passes through the corners of the box

    (v, a), (u, b) = axis(rows), axis(columns)
    a, b = a.clamp_min(1)[:, None, None], b.clamp_min(1)[:, None, None]
    dv, du = at[None, :, None] - v[:, None, None], at[None, None, :] - u[:, None, None]
    radius = ((dv / a) ** 2 + (du / b) ** 2).sqrt()
    line = ((radius - 1).abs() * torch.minimum(a, b) <= size / 96) & rows.any(1)[:, None, None]
    return torch.where(line[:, None], x.new_tensor(RED)[:, None, None], x)


def blurred_background(x: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    """Everything outside the box blurred, with a Gaussian of a tenth of the frame (Yang et al. 2023,
    arXiv:2306.04356)."""
    sigma = x.shape[-1] / 10
    reach = round(2 * sigma)
    kernel = torch.exp(-((torch.arange(-reach, reach + 1, device=x.device) / sigma) ** 2) / 2)
    kernel = (kernel / kernel.sum()).expand(3, 1, 1, -1)
    blurred = F.conv2d(F.pad(x, (reach, reach, 0, 0), mode="reflect"), kernel, groups=3)
    blurred = F.conv2d(F.pad(blurred, (0, 0, reach, reach), mode="reflect"), kernel.transpose(2, 3), groups=3)
    return torch.where(box_or_all(m), x, blurred)


def grey_background(x: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    """Everything outside the box without colour."""
    return torch.where(box_or_all(m), x, x.mean(1, keepdim=True).expand_as(x))


def box_or_all(m: torch.Tensor) -> torch.Tensor:
    """The boxes as bool [B, 1, S, S]; the whole frame where nothing was found."""
    return ((m > 0.5) | ~m.flatten(1).any(1)[:, None, None])[:, None]


@torch.inference_mode()
def shown_scores(
    clip: CLIP, head: torch.Tensor, show: Show, source: Source | str, x: torch.Tensor, whole: bool = False
) -> tuple[torch.Tensor, torch.Tensor]:
    """Zero-shot scores of clips [N, T, 3, S, S] as `show` shows their frames; whole: their embeddings averaged with
    those of the whole frames."""
    frames = x.flatten(0, 1)
    features = clip.encode_image(show(frames, action_boxes(x, source).flatten(0, 1)))
    if whole:
        features = F.normalize(features + clip.encode_image(frames), dim=-1)
    return clip_scores(features.unflatten(0, x.shape[:2]), head)


def shown(setup: RivalSetup, show: Show, whole: bool = False) -> Callable:
    return partial(shown_scores, setup.clip, setup.head, show, setup.source, whole=whole)


@rival("isolated", "isolated view", colour="yellow", marker="s", section=SECTION)
def only_the_action(setup: RivalSetup) -> Callable:
    """Only the box of what moves."""
    return shown(setup, isolate)


@rival("whole+isolated", "whole and isolated view", colour="yellow", marker="D", section=SECTION)
def both_views(setup: RivalSetup) -> Callable:
    return shown(setup, isolate, whole=True)


@rival("red-circle", "red circle", colour="yellow", marker="o", section=SECTION)
def circled(setup: RivalSetup) -> Callable:
    return shown(setup, red_circle)


@rival("blurred-background", "blurred background", colour="yellow", marker="^", section=SECTION)
def blurred(setup: RivalSetup) -> Callable:
    return shown(setup, blurred_background)


@rival("grey-background", "grey background", colour="yellow", marker="v", section=SECTION)
def without_colour(setup: RivalSetup) -> Callable:
    return shown(setup, grey_background)
