"""Protocols: how a clip whose class is unknown gets its noise. Each takes images [N, T, 3, S, S] and gives clip and
frame scores.

    @protocol("gated", "gated noise", colour="blue", marker="D", labels="training")
    def gated_protocol(setup):
        return partial(gated, setup.clip, setup.head, delta=setup.noises["gated"], gate=setup.gate)

A protocol is added by such a function, here or in a notebook cell. It takes a `Setup` and gives a function of images
alone, so no label can reach it. Only protocols registered with uses_label=True (bounds, never results) are also
called with labels."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from ..base.errors import UserError
from ..evaluate.methods import METHODS, Method, method
from ..vision.clip import CLIP
from ..vision.zero_shot import clip_scores, encode_clips, zero_shot
from .gates import gated_noise
from .parameters import add, extended, random_like

Scores = tuple[torch.Tensor, torch.Tensor]  # of clips [N, C] and of frames [N, T, C]


@dataclass(frozen=True)
class Setup:
    """What protocols are built from. head: prototypes [C, D] of all classes that compete. noises: by name, [K or 1,
    3, S, S]; K is the number of classes that have noise, the first of the C. gate: [K, D + 1]. shortlist: k of
    shortlist-k."""

    clip: CLIP
    head: torch.Tensor
    noises: dict[str, torch.Tensor] = field(default_factory=dict)
    gate: torch.Tensor | None = None
    shortlist: int = 3
    seed: int = 0

    def wide(self, name: str) -> torch.Tensor:
        """A noise for every class that competes; those without noise get zeros."""
        return extended(self.noises[name], len(self.head))


def protocol(
    name: str, label: str, **facts: Any
) -> Callable[[Callable[[Setup], Callable]], Callable[[Setup], Callable]]:
    """Registers the decorated builder as a protocol; the facts are the fields of `evaluate.methods.Method`."""
    return method(name, label, kind="protocol", **facts)


def build_protocols(setup: Setup, names: list[str] | None = None) -> dict[str, Callable]:
    """The protocols of these names (all registered ones when None), ready to be given images.

    'shortlist' is built as shortlist-k, with the set-up's k. UserError for a name that is no protocol.
    """
    known = {name: entry for name, entry in METHODS.items() if entry.kind == "protocol" and entry.build}
    built: dict[str, Callable] = {}
    for name in known if names is None else names:
        if name not in known:
            raise UserError(f'unknown protocol "{name}"; choose one of {", ".join(known)}')
        build = known[name].build
        assert build is not None
        built[f"shortlist-{setup.shortlist}" if name == "shortlist" else name] = build(setup)
    return built


# what the protocols do


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
    """x + delta_y with the true class y [N]. It USES THE LABEL: an upper bound, never a result."""
    return clip_scores(encode_clips(clip, add(x, delta[labels.to(delta.device)][:, None])), head)


# the protocols by name, in the order in which tables list them


METHODS["clip"] = Method("clip", "CLIP", colour="black", marker="o")  # zero shot, where noise is not the question


@protocol("none", "CLIP, no noise", colour="black", marker="o")
def without_noise(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return partial(zero_shot, setup.clip, setup.head)


@protocol("gated", "gated noise", colour="blue", marker="D", labels="training")
def with_gate(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    """The headline."""
    return partial(gated, setup.clip, setup.head, delta=setup.noises["gated"], gate=setup.gate)


@protocol("hypothesis", "hypothesis", colour="sky", marker="^", labels="training", slow=True)
def every_class_in_turn(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return partial(hypothesis, setup.clip, setup.head, delta=setup.wide("gated"))


@protocol("shortlist", "shortlist", colour="sky", marker="v", labels="training", slow=True)
def likeliest_classes_in_turn(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return partial(hypothesis, setup.clip, setup.head, delta=setup.wide("gated"), shortlist=setup.shortlist)


@protocol("shared", "one shared noise", colour="orange", marker="s", labels="training")
def one_for_all(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return partial(shared, setup.clip, setup.head, delta=setup.noises["shared"])


@protocol("random", "random noise", colour="grey", marker="X")
def random_noise(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    """Control: random noise of the same norm, through the same gate."""
    delta = random_like(setup.noises["gated"], setup.seed)
    return partial(gated, setup.clip, setup.head, delta=delta, gate=setup.gate)


@protocol("shuffled", "shuffled classes", colour="grey", marker="P", labels="training")
def shuffled_classes(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    """Control: every class gets another class's noise."""
    delta = setup.noises["gated"]
    order = np.random.default_rng(setup.seed).permutation(len(delta))
    another = np.empty_like(order)
    another[order] = np.roll(order, 1)
    delta = delta[torch.from_numpy(another).to(delta.device)]
    return partial(gated, setup.clip, setup.head, delta=delta, gate=setup.gate)


@protocol("naive-hypothesis", "naive noise, hypothesis", colour="red", marker="<", labels="training", slow=True)
def naive_every_class_in_turn(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return partial(hypothesis, setup.clip, setup.head, delta=setup.wide("naive"))


@protocol("oracle", "oracle (uses the label)", marker="o", labels="the clip's own", uses_label=True)
def true_class(setup: Setup) -> Callable[..., Scores]:
    return partial(oracle, setup.clip, setup.head, delta=setup.wide("gated"))


@protocol("naive-oracle", "naive oracle (uses the label)", marker="s", labels="the clip's own", uses_label=True)
def naive_true_class(setup: Setup) -> Callable[..., Scores]:
    return partial(oracle, setup.clip, setup.head, delta=setup.wide("naive"))
