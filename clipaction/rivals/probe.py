"""Linear probes on CLIP's frozen features, as methods of their own. They are fitted in `noise.probe`: noise uses one as
a gate, too."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import torch
import torch.nn.functional as F

from ..masking.regions import Source
from ..noise.apply import action_boxes, isolate
from ..noise.protocols import REAL
from ..vision.clip import CLIP
from ..vision.zero_shot import encode_clips
from .setup import RivalSetup, rival

Scores = tuple[torch.Tensor, torch.Tensor]


def scores_of(probe: torch.Tensor, features: torch.Tensor, tau: float) -> torch.Tensor:
    """A probe's [C, D + 1] answer to features [..., D] as scores: tau log p, so that softmax(s / tau) = p."""
    return (features @ probe[:, :-1].T + probe[:, -1]).log_softmax(-1).clamp_min(-50) * tau


def mean_of(features: torch.Tensor) -> torch.Tensor:
    """A clip's unit embedding [N, D] from those of its frames [N, T, D]."""
    return F.normalize(features.mean(1), dim=-1)


@torch.inference_mode()
def probe_scores(clip: CLIP, probe: torch.Tensor, x: torch.Tensor) -> Scores:
    """A probe's answer to clips [N, T, 3, S, S]."""
    features = encode_clips(clip, x)
    return scores_of(probe, mean_of(features), clip.tau), scores_of(probe, features, clip.tau)


@torch.inference_mode()
def isolated_probe_scores(
    clip: CLIP, probe: torch.Tensor, x: torch.Tensor, source: Source | str, whole: bool
) -> Scores:
    """A probe's answer to clips of which only the box of the action is seen; whole: its features stand beside those of
    the whole frame."""
    frames = isolate(x.flatten(0, 1), action_boxes(x, source).flatten(0, 1))
    seen = [encode_clips(clip, x)] if whole else []
    seen.append(clip.encode_image(frames).unflatten(0, x.shape[:2]))
    of_clip, of_frame = torch.cat([mean_of(f) for f in seen], -1), torch.cat(seen, -1)
    return scores_of(probe, of_clip, clip.tau), scores_of(probe, of_frame, clip.tau)


@rival("probe", "linear probe", colour="green", marker="*", labels="training", needs=("whole",))
def linear_probe(setup: RivalSetup) -> Callable:
    return partial(probe_scores, setup.clip, setup.views["whole"].probe)


@rival(
    "probe-unswapped",
    "linear probe, scenes not swapped",
    colour="green",
    marker="P",
    labels="training",
    needs=("unswapped",),
)
def probe_of_usual_scenes(setup: RivalSetup) -> Callable:
    return partial(probe_scores, setup.clip, setup.views["unswapped"].probe)


@rival("probe-isolated", "linear probe, isolated", colour="green", marker="X", labels="training", needs=("isolated",))
def probe_of_isolated(setup: RivalSetup) -> Callable:
    """Only the box of the action is seen, in training and in test."""
    probe = setup.views["isolated"].probe
    return partial(isolated_probe_scores, setup.clip, probe, source=setup.source, whole=False)


@rival(
    "probe-both",
    "linear probe, whole and isolated",
    colour="green",
    marker="D",
    labels="training",
    needs=("whole", "isolated"),
)
def probe_of_both(setup: RivalSetup) -> Callable:
    """It is told where the action is, as anchored noise is."""
    probe = setup.views["whole"].beside(setup.views["isolated"]).probe
    return partial(isolated_probe_scores, setup.clip, probe, source=setup.source, whole=True)


@rival("probe-real", "linear probe", colour="pink", marker="*", labels="training", needs=("real",), section=REAL)
def probe_without_truth(setup: RivalSetup) -> Callable:
    return partial(probe_scores, setup.clip, setup.views["real"].probe)
