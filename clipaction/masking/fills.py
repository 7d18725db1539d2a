"""What hidden pixels become when they do not become black: sensitivity checks of the masks."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from . import masks

FILLS = ("mean", "blur", "soft")
FILL_WORDS = {"mean": "mean colour", "blur": "blurred", "soft": "feathered"}


def feathered(mask: torch.Tensor) -> torch.Tensor:
    """The masks [..., H, W], bool or float, as float32 with edges that fade over about a tenth of the frame; the area
    stays within a few per cent."""
    radius = max(1, round(min(mask.shape[-2:]) / 40))
    soft = mask.float().reshape(-1, 1, *mask.shape[-2:])
    for _ in range(2):
        soft = F.avg_pool2d(F.pad(soft, (radius,) * 4, mode="replicate"), 2 * radius + 1, 1)
    return soft.view(mask.shape)


def filling(frames: torch.Tensor, fill: str) -> torch.Tensor | int:
    """What hidden pixels of uint8 frames [..., H, W, 3] become: 0, each frame's mean colour, or its blur (a 6 x 6
    image enlarged)."""
    if fill not in ("mean", "blur"):
        return 0
    images = frames.reshape(-1, *frames.shape[-3:]).permute(0, 3, 1, 2).float()
    small = F.adaptive_avg_pool2d(images, 1 if fill == "mean" else 6)
    large = F.interpolate(small, images.shape[2:], mode="bilinear", align_corners=False)
    return large.permute(0, 2, 3, 1).round().to(torch.uint8).view(frames.shape)


def hide(frames: torch.Tensor, mask: torch.Tensor, fill: str) -> torch.Tensor:
    """Frames [..., T, H, W, 3] with the pixels of the mask [..., T, H, W] filled ('' is black, 'soft' black with a
    feathered edge): a new tensor."""
    return masks.apply(frames, feathered(mask) if fill == "soft" else mask, filling(frames, fill))
