"""A toy CLIP and toy frames: small enough that every property can be checked in milliseconds."""

import numpy as np
import pytest
import torch
import torch.nn as nn

from clipaction.clip import CLIP

torch.set_num_threads(1)  # the models here are tiny: threads would only wait for each other


class ToyModel(nn.Module):
    """Images to 8 numbers by a fixed random projection of 4 x 4 means; nothing learned."""

    def __init__(self, size: int = 16, dim: int = 8):
        super().__init__()
        torch.manual_seed(0)
        self.proj = nn.Linear(3 * 16, dim)
        self.pool = nn.AdaptiveAvgPool2d(4)

    def encode_image(self, x):
        return self.proj(self.pool(x).flatten(1)).tanh()


@pytest.fixture
def toy_clip() -> CLIP:
    model = ToyModel().eval().requires_grad_(False)
    stat = torch.full((1, 3, 1, 1), 0.5)
    return CLIP(model, None, "toy", 16, stat, stat, 0.05, "toy", torch.device("cpu"), torch.float32)


@pytest.fixture
def toy_head() -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(5, 8, generator=torch.Generator().manual_seed(1)), dim=-1)


@pytest.fixture
def toy_frames() -> np.ndarray:
    """uint8 [12 clips, 3 frames, 16, 16, 3]."""
    return np.random.default_rng(0).integers(0, 256, (12, 3, 16, 16, 3), dtype=np.uint8)
