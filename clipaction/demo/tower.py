"""The compact CLIP: open_clip's model class with a hybrid image tower (convolutional stem, transformer body) of our size.

open_clip takes any timm tower by name; this module registers ours under that name and adds the model's configuration,
so that ``open_clip.create_model(NAME)`` works like any other. Patches are 12 x 12 pixels of a 96 x 96 image: 64 tokens.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path

import open_clip
import torch.nn as nn
from timm.layers import HybridEmbed
from timm.models import register_model
from timm.models.vision_transformer import VisionTransformer
from timm.models.vision_transformer_hybrid import ConvStem

NAME = "clipaction-compact"
FOLDER = Path(__file__).parent
WEIGHTS = FOLDER / f"{NAME}.safetensors"


@register_model
def clipaction_hybrid_p12_96(pretrained: bool = False, **kwargs) -> VisionTransformer:
    """Convolutions down to an 8 x 8 grid, then three transformer blocks of width 192; the image embedding averages the tokens."""
    stem = ConvStem(depth=4, channels=(32, 64, 96, 192), kernel_size=(5, 3, 3, 3), stride=(3, 2, 1, 2), padding=1, act_layer=nn.GELU)
    kwargs = {k: v for k, v in kwargs.items() if k in ("num_classes", "global_pool", "drop_path_rate")}
    tower = VisionTransformer(
        img_size=96,
        patch_size=1,
        embed_layer=partial(HybridEmbed, backbone=stem, proj=False),
        embed_dim=192,
        depth=3,
        num_heads=4,
        mlp_ratio=3.0,
        **({"num_classes": 0, "global_pool": "avg", "class_token": False} | kwargs),
    )
    tower.default_cfg = {}  # open_clip asks it for a pooling size
    return tower


open_clip.add_model_config(FOLDER / f"{NAME}.json")
