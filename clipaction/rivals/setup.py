"""What rivals are built from, and how they are registered.

@rival("probe", "linear probe", colour="green", marker="*", labels="training", needs=("whole",))
def linear_probe_rival(setup):
    return partial(probe_scores, setup.clip, setup.views["whole"].probe)
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from ..base import parallel
from ..evaluate.methods import METHODS, method
from ..masking.regions import SOURCES, Source
from ..noise.learning import Material
from ..noise.views import Views
from ..vision.clip import CLIP


@dataclass(frozen=True)
class RivalSetup:
    """The model, its prototypes [C, D], the embedded views that noise is trained on, by how they are seen ('whole',
    'isolated', 'unswapped', 'real'), the classes in words, and the region source that tells where the action is."""

    clip: CLIP
    head: torch.Tensor
    views: Mapping[str, Views]
    phrases: list[str]
    seed: int = 0
    source: Source | str = "motion"


def rival(name: str, label: str, **facts: Any) -> Callable[[Callable[[RivalSetup], Callable]], Callable]:
    """Registers the decorated builder; the facts are the fields of `evaluate.methods.Method`. `needs`: the views that
    it learns from."""
    return method(name, label, kind="rival", **{"section": "rivals"} | facts)


def build_rivals(study, given: Mapping[str, Material]) -> dict[str, Callable]:
    """All registered rivals whose views there are, learned from them: functions of images [N, T, 3, S, S] alone.

    given: see `noise.learning.materials`."""
    phrases = [study.dataset.phrases[name] for name in study.classes[: study.n_source]]
    views = dict(given["given"].views) | ({"real": given["real"].views["whole"]} if "real" in given else {})
    anchor = SOURCES[study.profile.noise.anchor]
    setup = RivalSetup(study.clip, study.head(), views, phrases, study.profile.seed, anchor)
    builders = {
        name: entry.build
        for name, entry in METHODS.items()
        if entry.kind == "rival" and entry.build and set(entry.needs) <= set(views)
    }
    return dict(zip(builders, parallel.each(lambda build: build(setup), builders.values(), study.clip.device)))
