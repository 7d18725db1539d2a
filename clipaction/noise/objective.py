"""The loss on one batch of training frames."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from ..vision.clip import CLIP
from .apply import isolate
from .frames import TrainingFrames
from .gates import gate_weights
from .losses import agreement_term, confidence_term, cross_entropy, hinge_term, pair_term, total_variation
from .parameters import add, anchored_noise, mix

USES = ("shared", "gated", "oracle", "anchored")  # how noise is added while it is trained


def rows_of_noise(use: str, classes: int, gate: torch.Tensor | None) -> int:
    """How many noises are learned: one (shared), one a class, or, anchored, d_in (a class's own behind a gate) and
    d_out."""
    if use == "anchored":
        return 2 if gate is None else classes + 1
    return 1 if use == "shared" else classes


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
    (one for all), 'oracle' (the true class's) or 'anchored' (d_in where the action is, through the gate if there is
    one, and d_out elsewhere). delta: as many noises as `rows_of_noise` says."""
    y = torch.from_numpy(data.labels[index]).to(clip.device)
    weight, classes, tau = config.loss, len(head), clip.tau
    own_noises = len(delta) > 2 if use == "anchored" else use != "shared"
    empty = data.region is not None and weight.confidence > 0
    views, anchors = zip(*(data.anchored_view(index, rng, config.swap, config.mask) for _ in range(2)))
    if empty:
        views += (data.without_actor(index[: len(index) // 2]),)
        anchors += (torch.zeros_like(anchors[0][: len(index) // 2]),)
    x, m = torch.cat(views).to(clip.device), torch.cat(anchors).to(clip.device)

    def noise(weights: torch.Tensor) -> torch.Tensor:
        """The noise of the first frames, each mixed by its weights."""
        return anchored_noise(m[: len(weights)], weights, delta) if use == "anchored" else mix(weights, delta)

    def one_hot(c: torch.Tensor) -> torch.Tensor:
        return F.one_hot(c, classes).to(delta)

    def mixture_weights() -> torch.Tensor:
        """How much of each noise every frame gets, as it is added in training."""
        if not own_noises:
            return delta.new_ones(len(x), 1)
        if use == "oracle":
            return one_hot(torch.cat([y, y, y[: len(x) - 2 * len(y)]]))
        with torch.no_grad():
            seen = clip.encode_image(isolate(x, m) if use == "anchored" else x)
        return gate_weights(seen, head, gate, tau)

    terms = {}
    if weight.ce or weight.agreement or empty:
        noisy = clip.encode_image(add(x, noise(mixture_weights())))
        scores = (noisy @ head.T).split([len(y), len(y), len(x) - 2 * len(y)])
    if weight.ce:
        terms["ce"] = (cross_entropy(scores[0], y, tau) + cross_entropy(scores[1], y, tau)) / 2
    if weight.agreement:
        terms["agreement"] = agreement_term(scores[0], scores[1], tau)
    if empty:
        terms["confidence"] = confidence_term(scores[2], tau)
    if weight.tv:
        terms["tv"] = total_variation(delta)
    if own_noises and (weight.pair or weight.hinge):
        half = len(y) // 2
        y, x = y[:half], x[:half]
        c = (y + torch.from_numpy(rng.integers(1, classes, half)).to(clip.device)) % classes
        wrong = clip.encode_image(add(x, noise(one_hot(c)))) @ head.T
        if weight.pair:
            own = clip.encode_image(add(x, noise(one_hot(y)))) @ head.T
            terms["pair"] = pair_term(own, wrong, y, c, tau, classes)
        if weight.hinge:
            with torch.no_grad():
                clean = clip.encode_image(x) @ head.T
            terms["hinge"] = hinge_term(clean, wrong, y, c, tau, config.margin)
    return terms
