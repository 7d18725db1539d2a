"""Resize and crop as the model's own preprocessing does, and the same geometry for label maps."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torchvision.transforms.functional import center_crop

PART_CODES = (1, 2, 3, 4, 6)  # head, torso, limbs, prop, text in ground-truth label maps (demo/draw.py)

WIDEST = 8  # times as wide as high (or high as wide): of a longer frame only the middle can come into the square


def resized_size(height: int, width: int, size: int, resize_mode: str = "shortest") -> tuple[int, int]:
    """Height and width before the crop; the longer side is floored, as torchvision's Resize (and so open_clip) does."""
    short = min(height, width)
    return (size, size) if resize_mode == "squash" else (int(size * height / short), int(size * width / short))


def resize(images: np.ndarray, size: int, interpolation: str = "bicubic", resize_mode: str = "shortest") -> np.ndarray:
    """uint8 [T, H, W, C] -> uint8 [T, size, size, C], as open_clip's inference transform does on PIL images.

    The two differ by at most 2 levels of 255 (squash: 4). Staying uint8 in channels-last memory is four times faster
    than floats and eight times faster than PIL.
    """
    x = torch.from_numpy(images).permute(0, 3, 1, 2)
    if resize_mode == "shortest" and max(x.shape[-2:]) > WIDEST * min(x.shape[-2:]):  # else a frame of gigabytes
        x = center_crop(x, [min(side, WIDEST * min(x.shape[-2:])) for side in x.shape[-2:]])
    height, width = x.shape[-2:]
    target = resized_size(height, width, size, resize_mode)
    if resize_mode == "squash" and height > max(width, size):
        # PIL shrinks the longer side first and clips to 0..255 between the two.
        x = F.interpolate(x, (target[0], width), mode=interpolation, antialias=True)
    x = F.interpolate(x, target, mode=interpolation, antialias=True)
    return center_crop(x, [size, size]).permute(0, 2, 3, 1).contiguous().numpy()


def coverage(labels: np.ndarray, size: int, resize_mode: str = "shortest") -> np.ndarray:
    """Label maps uint8 [T, H, W] -> uint8 [T, 5, size, size]: how much of each pixel every part covers, 0 to 255.

    The parts are head, torso, limbs, prop and text; the geometry is that of `resize`. The average is antialiased and
    bilinear: it keeps areas and does not overshoot. Its soft edges are about as wide as those of the resized frames,
    so that a mask leaves no rim of what it hides.
    """
    one_hot = np.zeros((256, 8), np.uint8)
    one_hot[list(PART_CODES), range(len(PART_CODES))] = 255
    parts = one_hot.view(np.uint64)[labels, 0].view(np.uint8).reshape(*labels.shape, 8)  # eight bytes at a time
    parts = parts[..., : len(PART_CODES)]
    return np.ascontiguousarray(resize(parts, size, "bilinear", resize_mode).transpose(0, 3, 1, 2))
