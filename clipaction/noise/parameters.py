"""Noise as a learnable tensor: delta_c [C, 3, S, S] with |delta| <= eps, added to images in [0, 1]. C = 1: shared by
all classes."""

from __future__ import annotations

import torch
import torch.nn as nn
import torch.nn.functional as F


class ClassNoise(nn.Module):
    """delta_c learned at `resolution` and enlarged to the frame: smooth by construction and never above eps, which
    bounds every pixel (norm 'linf': delta_c = eps tanh theta_c) or each class's root mean square ('l2': theta_c,
    scaled down where it is above)."""

    def __init__(self, classes: int, size: int, eps: float, resolution: int, seed: int = 0, norm: str = "linf"):
        super().__init__()
        start = torch.randn(classes, 3, resolution, resolution, generator=torch.Generator().manual_seed(seed)) * 0.01
        self.theta, self.size, self.eps, self.norm = nn.Parameter(start), size, eps, norm

    def forward(self) -> torch.Tensor:
        """The noise [C, 3, S, S], in units of pixel values."""
        theta = torch.tanh(self.theta) if self.norm == "linf" else self.theta
        delta = F.interpolate(theta, (self.size, self.size), mode="bilinear", align_corners=False)
        if self.norm == "linf":
            return self.eps * delta
        return self.eps * (delta / delta.pow(2).mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1))


def add(x: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    """x + delta, kept a valid image in [0, 1], on the device of delta."""
    return (x.to(delta.device) + delta).clamp(0, 1)


def mix(weights: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    """sum_c w_c delta_c: weights [B, C] and delta [C, 3, S, S] -> [B, 3, S, S]. Weights that add up to 1 keep the
    bound eps."""
    return torch.einsum("bc,cihw->bihw", weights, delta)


def anchored_noise(m: torch.Tensor, weights: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    """m sum_k w_k d_in,k + (1 - m) d_out: where m [B, S, S] says 1 the noise of the action, elsewhere that of its
    surroundings.

    weights [B, K]; delta [K + 1, 3, S, S], its last row d_out -> [B, 3, S, S]."""
    m = m[:, None]
    return m * mix(weights, delta[:-1]) + (1 - m) * delta[-1]


def of_class(delta: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """delta_c of each frame's class c [B]: [B, 3, S, S]. Not by indexing: its gradient is summed in the order in
    which threads arrive, and training would not be reproducible bit by bit."""
    return mix(F.one_hot(c, len(delta)).to(delta), delta)


def extended(delta: torch.Tensor, classes: int) -> torch.Tensor:
    """Noise [C, 3, S, S] for a longer list of classes: the new ones have none (zeros)."""
    if len(delta) >= classes:
        return delta
    return torch.cat([delta, delta.new_zeros(classes - len(delta), *delta.shape[1:])])


def random_like(delta: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """Noise with the amplitude spectrum of the learned one, class by class and channel by channel, and random phases:
    as smooth and as strong, but with nothing learned. Would any noise do?

    The phases are those of white noise, the same for all classes, so that a mixture of classes is as strong as a
    mixture of the learned ones whose phases agree; `match` corrects what is left."""
    white = torch.randn(delta.shape[1:], generator=torch.Generator().manual_seed(seed)).to(delta)
    phase = torch.fft.rfft2(white)
    phase = phase / phase.abs().clamp_min(1e-12)
    return torch.fft.irfft2(torch.fft.rfft2(delta).abs() * phase, s=delta.shape[-2:])


def match(noise: torch.Tensor, norm_of: torch.Tensor) -> torch.Tensor:
    """Each frame's noise [B, 3, S, S], scaled to the root mean square of the other's."""

    def size(z: torch.Tensor) -> torch.Tensor:
        return z.pow(2).mean((1, 2, 3), keepdim=True).sqrt()

    return noise * (size(norm_of) / size(noise).clamp_min(1e-8))
