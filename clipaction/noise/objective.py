"""The loss on one batch of training frames."""

from __future__ import annotations

import numpy as np
import torch

from ..vision.clip import CLIP
from .gates import gate_weights
from .losses import agreement_term, confidence_term, cross_entropy, hinge_term, pair_term, total_variation
from .parameters import add, mix, of_class
from .views import TrainingFrames


def objective(
    clip: CLIP,
    head: torch.Tensor,
    delta: torch.Tensor,
    data: TrainingFrames,
    index: np.ndarray,
    config,
    use: str,
    rng: np.random.Generator,
    gate: torch.Tensor | None = None,
) -> dict[str, torch.Tensor]:
    """The terms of the loss on the frames at `index`; a term whose weight is 0 is not computed.

    config: a profile's noise section. use: how noise is added during training: 'gated' (through `gate`), 'shared'
    (one for all) or 'oracle' (the naive reading: the true class's)."""
    y = torch.from_numpy(data.labels[index]).to(clip.device)
    weight, classes, tau = config.loss, len(head), clip.tau
    empty = data.region is not None and weight.confidence > 0
    views = [data.view(index, rng, config.swap, config.mask), data.view(index, rng, config.swap, config.mask)]
    if empty:
        views.append(data.without_actor(index[: len(index) // 2]))
    x = torch.cat(views).to(clip.device)
    with torch.no_grad():
        clean = clip.encode_image(x) if use == "gated" or (use != "shared" and weight.hinge) else None
    if use == "shared":
        noise = delta
    elif use == "oracle":
        noise = of_class(delta, torch.cat([y, y, y[: len(x) - 2 * len(y)]]))
    else:
        assert clean is not None
        noise = mix(gate_weights(clean, head, gate, tau), delta)
    scores = (clip.encode_image(add(x, noise)) @ head.T).split([len(y), len(y), len(x) - 2 * len(y)])
    terms = {"ce": (cross_entropy(scores[0], y, tau) + cross_entropy(scores[1], y, tau)) / 2}
    if weight.agreement:
        terms["agreement"] = agreement_term(scores[0], scores[1], tau)
    if empty:
        terms["confidence"] = confidence_term(scores[2], tau)
    if weight.tv:
        terms["tv"] = total_variation(delta)
    if use != "shared" and (weight.pair or weight.hinge):
        half = len(y) // 2
        y, x = y[:half], x[:half]
        c = (y + torch.from_numpy(rng.integers(1, classes, half)).to(clip.device)) % classes
        wrong = clip.encode_image(add(x, of_class(delta, c))) @ head.T
        if weight.pair:
            own = clip.encode_image(add(x, of_class(delta, y))) @ head.T
            terms["pair"] = pair_term(own, wrong, y, c, tau, classes)
        if weight.hinge:
            assert clean is not None
            terms["hinge"] = hinge_term(clean[:half] @ head.T, wrong, y, c, tau, config.margin)
    return terms
