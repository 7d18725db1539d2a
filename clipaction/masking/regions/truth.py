"""The demo's exact masks, from the coverage that was drawn with every frame."""

from __future__ import annotations

import torch

from ...base.errors import UserError
from .source import Array, Evidence, as_tensor, source

# Channels of the coverage [T, 5, H, W]: head, torso, limbs, prop, text.
CHANNELS = {
    "head": slice(0, 1),
    "limbs": slice(2, 3),
    "prop": slice(3, 4),
    "actor": slice(3),
    "actor+prop": slice(4),
    "text": slice(4, 5),
}


def coverage_of(part: str, parts: Array) -> torch.Tensor:
    """Float32 [..., H, W] in [0, 1]: how much of each pixel a part covers, from coverage uint8 [..., 5, H, W]."""
    channels = as_tensor(parts)[..., CHANNELS[part], :, :]
    return channels.sum(-3, dtype=torch.int16).clamp_(max=255).float().div_(255)


@source("truth", parts=(*CHANNELS, "background"))
def truth(part: str, evidence: Evidence) -> torch.Tensor:
    """The exact mask of a part; things in front of the actor count as background. UserError where there is no truth."""
    if evidence.parts is None:
        raise UserError("these clips have no ground truth of parts; choose another region source, such as motion")
    mask = coverage_of("actor+prop" if part == "background" else part, evidence.parts)
    return 1 - mask if part == "background" else mask
