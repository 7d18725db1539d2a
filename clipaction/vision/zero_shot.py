"""Zero-shot judgement: cosines of image embeddings with class prototypes, for a clip and for each of its frames."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from .clip import CLIP


def encode_clips(clip: CLIP, x: torch.Tensor) -> torch.Tensor:
    """Unit frame embeddings [N, T, D] of clips [N, T, 3, S, S] in [0, 1]."""
    return clip.encode_image(x.flatten(0, 1)).unflatten(0, x.shape[:2])


def clip_scores(features: torch.Tensor, head: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Cosines of frame embeddings [N, T, D] with prototypes [C, D]: clip scores [N, C] and frame scores [N, T, C].

    A clip's embedding is the mean of its frames' embeddings, renormalised.
    """
    return F.normalize(features.mean(1), dim=-1) @ head.T, features @ head.T


@torch.inference_mode()
def zero_shot(clip: CLIP, head: torch.Tensor, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The protocol without noise: clip scores [N, C] and frame scores [N, T, C] of clips [N, T, 3, S, S] in [0, 1]."""
    return clip_scores(encode_clips(clip, x), head)
