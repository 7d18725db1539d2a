"""The terms of the noise's loss. Scores are cosines [B, C] with the class texts; y are true classes [B]."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F


def cross_entropy(scores: torch.Tensor, y: torch.Tensor, tau: float) -> torch.Tensor:
    """-log softmax_y(s / tau), over texts."""
    return F.cross_entropy(scores / tau, y)


def pair_term(
    own: torch.Tensor, wrong: torch.Tensor, y: torch.Tensor, c: torch.Tensor, tau: float, classes: int
) -> torch.Tensor:
    """-log( exp(s_y(x+delta_y)/tau) / sum_c exp(s_c(x+delta_c)/tau) ), the sum estimated from one sampled negative c
    != y a frame.

    own, wrong: scores [B, C] of x + delta_y and x + delta_c.
    """
    positive, negative = own.gather(1, y[:, None]) / tau, wrong.gather(1, c[:, None]) / tau + np.log(classes - 1)
    return F.cross_entropy(torch.cat([positive, negative], 1), torch.zeros_like(y))


def hinge_term(
    clean: torch.Tensor, wrong: torch.Tensor, y: torch.Tensor, c: torch.Tensor, tau: float, margin: float
) -> torch.Tensor:
    """[margin + gain]_+, where gain is what delta_c adds, on a frame of class y, to the lead of c over y in logits.

    clean, wrong: scores [B, C] of x and x + delta_c. 0 when delta_c drags no frame to its class.
    """

    def lead(scores: torch.Tensor) -> torch.Tensor:
        return (scores.gather(1, c[:, None]) - scores.gather(1, y[:, None])) / tau

    return F.relu(margin + lead(wrong) - lead(clean)).mean()


def confidence_term(scores: torch.Tensor, tau: float) -> torch.Tensor:
    """log C - entropy of p(x'), on frames whose actor is removed: where there is no action, no answer should be
    confident. 0 when the answer is uniform."""
    logp = F.log_softmax(scores / tau, 1)
    return (logp.exp() * logp).sum(1).mean() + np.log(scores.shape[1])


def agreement_term(a: torch.Tensor, b: torch.Tensor, tau: float) -> torch.Tensor:
    """Symmetric KL divergence between the answers to two differently masked versions of the same frames."""
    p, q = F.log_softmax(a / tau, 1), F.log_softmax(b / tau, 1)
    return ((p.exp() - q.exp()) * (p - q)).sum(1).mean() / 2


def total_variation(delta: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of neighbouring pixels, in units of 2 max|delta|, the largest difference there can
    be."""
    scale = delta.detach().abs().max().clamp_min(1e-8)
    return ((delta.diff(dim=-1).abs().mean() + delta.diff(dim=-2).abs().mean()) / (2 * scale)).clamp_max(2)
