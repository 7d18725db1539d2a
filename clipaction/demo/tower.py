"""The compact CLIP: open_clip's model class with a small hybrid image tower (convolutional stem, transformer body).

open_clip takes any timm tower by name. This module registers ours under its name and adds the model's configuration,
so that ``open_clip.create_model(NAME)`` finds it. Patches are 12 x 12 pixels of a 96 x 96 image: 64 tokens.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

import open_clip
import torch.nn as nn
from timm.layers import HybridEmbed
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer

NAME = "clipaction-compact"
FOLDER = Path(__file__).parent
WEIGHTS = FOLDER / f"{NAME}.safetensors"


def conv(inputs: int, outputs: int, kernel: int, stride: int) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(outputs))


class Residual(nn.Module):
    """Halve the grid, then add a 3 x 3 convolution of the result to it (He et al. 2016)."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.halve, self.refine = conv(inputs, outputs, 3, 2), conv(outputs, outputs, 3, 1)

    def forward(self, x):
        x = self.halve(x).relu()
        return (x + self.refine(x)).relu()


@register_model
def clipaction_hybrid_p12_96(pretrained: bool = False, **kwargs) -> VisionTransformer:
    """Convolutions down to an 8 x 8 grid, then two transformer blocks of width 128; the tokens are averaged."""
    stem = nn.Sequential(conv(3, 32, 5, 3), nn.ReLU(), conv(32, 64, 3, 2), nn.ReLU(), Residual(64, 128))
    options: dict[str, Any] = {"num_classes": 0, "global_pool": "avg", "class_token": False}
    options |= {k: v for k, v in kwargs.items() if k in ("num_classes", "global_pool", "drop_path_rate")}
    tower = VisionTransformer(
        img_size=96,
        patch_size=1,
        embed_layer=partial(HybridEmbed, backbone=stem, proj=False),
        embed_dim=128,
        depth=2,
        num_heads=4,
        mlp_ratio=2.0,
        **options,
    )
    tower.default_cfg = {}  # type: ignore[assignment]  # open_clip asks it for a pooling size
    return tower


open_clip.add_model_config(FOLDER / f"{NAME}.json")
