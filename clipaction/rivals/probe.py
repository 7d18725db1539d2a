"""A linear probe on CLIP's frozen features, as a method of its own. It is fitted in `noise.probe`: noise uses it as a
gate, too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F

from ..vision.clip import CLIP
from ..vision.zero_shot import encode_clips
from .setup import RivalSetup, rival


@torch.inference_mode()
def probe_scores(clip: CLIP, probe: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A probe's [C, D + 1] answer to clips [N, T, 3, S, S] as scores: tau log p, so that softmax(s / tau) = p."""
    features = encode_clips(clip, x)

    def scores(f: torch.Tensor) -> torch.Tensor:
        return (f @ probe[:, :-1].T + probe[:, -1]).log_softmax(-1).clamp_min(-50) * clip.tau

    return scores(F.normalize(features.mean(1), dim=-1)), scores(features)


@rival("probe", "linear probe", colour="green", marker="*", labels="training")
def linear_probe(setup: RivalSetup) -> Callable:
    return partial(probe_scores, setup.clip, setup.views.probe)
