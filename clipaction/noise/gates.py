"""Gates: how much of each class's noise a frame gets, decided from its own clean features. No label is used.

A gate is a linear layer [C, D + 1] on unit features: weights and, last, a bias; its softmax is pi.
"""

from __future__ import annotations

import torch

from ..vision.clip import CLIP
from .parameters import mix


def posterior_gate(head: torch.Tensor, tau: float, temperature: float = 1.0) -> torch.Tensor:
    """The gate [C, D + 1] that is the model's own clean posterior, softmax(s / (tau T))."""
    return torch.cat([head / (tau * temperature), head.new_zeros(len(head), 1)], 1)


def gate_weights(features: torch.Tensor, head: torch.Tensor, gate: torch.Tensor | None, tau: float) -> torch.Tensor:
    """pi [B, K] of clean unit features [B, D] under a gate [K, D + 1]; the model's own posterior when the gate is None.

    Where more classes compete than have noise (head [C, D], C > K), pi is multiplied by the model's own posterior
    probability that the class is one of the K."""
    gate = posterior_gate(head, tau) if gate is None else gate.to(head)
    pi = (features @ gate[:, :-1].T + gate[:, -1]).softmax(1)
    if len(head) == len(gate):
        return pi
    return pi * (features @ head.T / tau).softmax(1)[:, : len(gate)].sum(1, keepdim=True)


def gated_noise(
    clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor, gate: torch.Tensor | None = None
) -> torch.Tensor:
    """The noise [B, 3, S, S] that each frame [B, 3, S, S] gets: sum_c pi_c(x) delta_c. No gradient flows into the
    gate."""
    with torch.no_grad():
        pi = gate_weights(clip.encode_image(x), head, gate, clip.tau)
    return mix(pi, delta)
