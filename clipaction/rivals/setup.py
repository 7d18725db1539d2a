"""What rivals are built from, and how they are registered.

@rival("probe", "linear probe", colour="green", marker="*", labels="training")
def linear_probe_rival(setup):
    return partial(probe_scores, setup.clip, setup.views.probe)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from ..evaluate.methods import METHODS, method
from ..noise.views import Views
from ..vision.clip import CLIP


@dataclass(frozen=True)
class RivalSetup:
    """The model, its prototypes [C, D], the embedded views that noise is trained on, and the classes in words."""

    clip: CLIP
    head: torch.Tensor
    views: Views
    phrases: list[str]
    seed: int = 0


def rival(name: str, label: str, **facts: Any) -> Callable[[Callable[[RivalSetup], Callable]], Callable]:
    """Registers the decorated builder; the facts are the fields of `evaluate.methods.Method`."""
    return method(name, label, kind="rival", **facts)


def build_rivals(study, views: Views) -> dict[str, Callable]:
    """All registered rivals, learned from `views`: functions of images [N, T, 3, S, S] alone."""
    phrases = [study.dataset.phrases[name] for name in study.classes[: study.n_source]]
    setup = RivalSetup(study.clip, study.head(), views, phrases, study.profile.seed)
    return {name: entry.build(setup) for name, entry in METHODS.items() if entry.kind == "rival" and entry.build}
