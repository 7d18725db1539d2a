"""What protocols do: each adds noise to clips of images [N, T, 3, S, S] in [0, 1] and gives clip scores [N, C] and
frame scores [N, T, C]. No labels here, except in `oracle`, which says so."""

from __future__ import annotations

import torch

from ..masking.regions import Source, box, regions_of_images
from ..vision.clip import CLIP
from ..vision.zero_shot import clip_scores, encode_clips, zero_shot
from .gates import gate_weights, gated_noise, posterior_gate
from .parameters import add, anchored_noise, match, mix

Scores = tuple[torch.Tensor, torch.Tensor]  # of clips [N, C] and of frames [N, T, C]


@torch.inference_mode()
def shared(clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor) -> Scores:
    """The same noise [1, 3, S, S] on every frame: one forward pass a frame."""
    return clip_scores(encode_clips(clip, add(x, delta)), head)


@torch.inference_mode()
def gated(
    clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor, gate: torch.Tensor | None = None
) -> Scores:
    """x' = x + sum_c pi_c(x) delta_c, where each frame's own clean features give pi through a gate: two forward
    passes a frame."""
    frames = x.flatten(0, 1)
    noisy = add(frames, gated_noise(clip, head, frames, delta, gate))
    return clip_scores(clip.encode_image(noisy).unflatten(0, x.shape[:2]), head)


@torch.inference_mode()
def random_gated(
    clip: CLIP,
    head: torch.Tensor,
    x: torch.Tensor,
    noise: torch.Tensor,
    learned: torch.Tensor,
    gate: torch.Tensor | None = None,
) -> Scores:
    """The control of `gated`: another noise [C, 3, S, S] through the same gate, each frame's mixture scaled to the
    size that the learned noise would have there."""
    frames = x.flatten(0, 1)
    pi = gate_weights(clip.encode_image(frames), head, gate, clip.tau)
    noisy = add(frames, match(mix(pi, noise), mix(pi, learned)))
    return clip_scores(clip.encode_image(noisy).unflatten(0, x.shape[:2]), head)


def action_boxes(x: torch.Tensor, source: Source | str) -> torch.Tensor:
    """m [N, T, S, S], 0 or 1: the box of actor and prop in each frame, found by a region source on these very images.
    Empty where it finds nothing."""
    found = regions_of_images(x, source)
    return box(found.flatten(0, 1)).unflatten(0, found.shape[:2])


def isolate(x: torch.Tensor, m: torch.Tensor) -> torch.Tensor:
    """Frames [B, 3, S, S] with everything outside m [B, S, S] in black; a frame in which nothing was found stays
    whole."""
    found = m.flatten(1).any(1)[:, None, None]
    return x * torch.where(found, m, torch.ones_like(m))[:, None]


def with_anchored_noise(
    clip: CLIP,
    head: torch.Tensor,
    x: torch.Tensor,
    delta: torch.Tensor,
    source: Source | str,
    gate: torch.Tensor | None = None,
) -> torch.Tensor:
    """clip(x + m d_in + (1 - m) d_out) [N, T, 3, S, S] with m the box where the action is. delta [K + 1, 3, S, S]:
    its last row is d_out, the others d_in: one for all classes, or one a class, mixed by a gate [K, D + 1] on the
    features of what is inside the box (when None, the model's own posterior of the first K classes). Where more
    classes compete (head [C, D], C > K), d_in is the weaker the less likely it is one of the K (`gate_weights`)."""
    m, frames = action_boxes(x, source).flatten(0, 1), x.flatten(0, 1)
    if len(delta) == 2:
        weights = delta.new_ones(len(frames), 1)
    else:
        gate = posterior_gate(head[: len(delta) - 1], clip.tau) if gate is None else gate
        with torch.no_grad():
            weights = gate_weights(clip.encode_image(isolate(frames, m)), head, gate, clip.tau)
    return add(frames, anchored_noise(m.to(delta.device), weights, delta)).unflatten(0, x.shape[:2])


@torch.inference_mode()
def anchored(
    clip: CLIP,
    head: torch.Tensor,
    x: torch.Tensor,
    delta: torch.Tensor,
    source: Source | str,
    gate: torch.Tensor | None = None,
) -> Scores:
    """Anchored noise: one forward pass a frame where d_in is the same for all classes, two where each class has its
    own."""
    return clip_scores(encode_clips(clip, with_anchored_noise(clip, head, x, delta, source, gate)), head)


@torch.inference_mode()
def hypothesis(
    clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor, shortlist: int | None = None
) -> Scores:
    """s_c(x + delta_c) for every class c, or only for the `shortlist` best of the clean clip: C (or 1 + k) forward
    passes a frame.

    Classes that are not on the shortlist get the lowest score there is, -1.
    """
    n, c = len(x), len(head)
    listed = torch.ones(n, c, dtype=torch.bool)
    if shortlist is not None and shortlist < c:
        best = zero_shot(clip, head, x)[0].topk(shortlist, 1).indices.cpu()
        listed = torch.zeros(n, c, dtype=torch.bool).scatter(1, best, True)
    clips, frames = torch.full((n, c), -1.0), torch.full((n, x.shape[1], c), -1.0)
    for k in range(c):
        rows = listed[:, k].nonzero()[:, 0]
        if len(rows):
            clip_score, frame_score = clip_scores(encode_clips(clip, add(x[rows], delta[k])), head[k : k + 1])
            clips[rows, k], frames[rows, :, k] = clip_score[:, 0].cpu(), frame_score[..., 0].cpu()
    return clips, frames


@torch.inference_mode()
def oracle(clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor, labels: torch.Tensor) -> Scores:
    """x + delta_y with the true class y [N]. It USES THE LABEL: for orientation, never a result."""
    return clip_scores(encode_clips(clip, add(x, delta[labels.to(delta.device)][:, None])), head)
