"""A constant a class, added to the logits: the control for noise that only shifts classes by constants."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.special import log_softmax

from ..base.errors import UserError
from ..vision.clip import CLIP
from ..vision.zero_shot import zero_shot
from .setup import RivalSetup, rival


def class_offset(logits: np.ndarray, labels: np.ndarray, l2: float = 1e-3) -> np.ndarray:
    """The bias b [C] (mean 0) that, added to logits s/tau [n, C], has the least cross-entropy. A small ridge keeps
    classes finite that have no example."""
    scores, labels = np.asarray(logits, dtype=np.float64), np.asarray(labels)
    if not len(labels) or not np.isfinite(scores).all():
        raise UserError("class offset: needs clips with finite scores; run the zero-shot step on them first")
    share = np.bincount(labels, minlength=scores.shape[1]) / len(labels)

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        log_p = log_softmax(scores + b, axis=1)
        value = -log_p[np.arange(len(labels)), labels].mean() + l2 / 2 * b @ b
        return value, np.exp(log_p).mean(0) - share + l2 * b

    b = minimize(loss, np.zeros(scores.shape[1]), jac=True, method="L-BFGS-B").x
    return b - b.mean()


@torch.inference_mode()
def offset_scores(
    clip: CLIP, head: torch.Tensor, offset: torch.Tensor, x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Zero-shot scores of clips [N, T, 3, S, S] with a constant a class [C] added, in logits."""
    clips, frames = zero_shot(clip, head, x)
    return clips + offset.to(clips) * clip.tau, frames + offset.to(frames) * clip.tau


@rival("offset", "per-class offset", colour="green", marker="h", labels="training", needs=("whole",))
def fitted_offset(setup: RivalSetup) -> Callable:
    """Fitted on the training views. It has one number a class, so nothing is chosen on validation clips."""
    views = setup.views["whole"]
    offset = class_offset((views.train @ setup.head.T / setup.clip.tau).cpu().numpy(), views.train_labels.cpu().numpy())
    return partial(offset_scores, setup.clip, setup.head, torch.from_numpy(offset).float())
