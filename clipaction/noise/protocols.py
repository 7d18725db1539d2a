"""Protocols: ways to use noise on clips whose class is unknown. Each takes images [N, T, 3, S, S] and gives clip and
frame scores; `apply` has what they do.

    @protocol("gated", "gated noise", colour="blue", marker="D", labels="training", needs=("gated",))
    def gated_protocol(setup):
        return partial(gated, setup.clip, setup.head, delta=setup.noises["gated"], gate=setup.gates["gated"])

A protocol is added by such a function, here or in a notebook cell. It takes a `Setup` and gives a function of images
alone, so no label can reach it. Only protocols registered with uses_label=True (for orientation, never results) are
also called with labels."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import torch

from ..base.errors import UserError
from ..evaluate.methods import METHODS, Method, method
from ..masking.regions import Source
from ..vision.clip import CLIP
from ..vision.zero_shot import zero_shot
from .apply import Scores, anchored, gated, hypothesis, oracle, random_gated, shared
from .parameters import extended, random_like

HEADLINE = "anchored-class"  # the method that stands for the paper's noise
REAL = "trained as on real videos"  # section of the methods that learned from found regions, without exact masks


@dataclass(frozen=True)
class Setup:
    """What protocols are built from. head: prototypes [C, D] of all classes that compete. noises: by name, [K, 3, S,
    S] (see `learning.RECIPES`); where a noise is of single classes, they are the first of the C. gates: [K, D + 1],
    by the name of the noise. shortlist: k of shortlist-k. source: the region source of anchored noise."""

    clip: CLIP
    head: torch.Tensor
    noises: Mapping[str, torch.Tensor] = field(default_factory=dict)
    gates: Mapping[str, torch.Tensor | None] = field(default_factory=dict)
    shortlist: int = 3
    seed: int = 0
    source: Source | str = "motion"

    def wide(self, name: str) -> torch.Tensor:
        """A noise for every class that competes; those without noise get zeros."""
        return extended(self.noises[name], len(self.head))


def protocol(
    name: str, label: str, **facts: Any
) -> Callable[[Callable[[Setup], Callable]], Callable[[Setup], Callable]]:
    """Registers the decorated builder as a protocol; the facts are the fields of `evaluate.methods.Method`."""
    return method(name, label, kind="protocol", **{"section": "noise"} | facts)


def build_protocols(setup: Setup, names: list[str] | None = None) -> dict[str, Callable]:
    """The protocols of these names, ready to be given images; when None, all registered ones whose noises the set-up
    has.

    'shortlist' is built as shortlist-k, with the set-up's k. UserError for a name that is no protocol, or whose noise
    is missing.
    """
    known = {name: entry for name, entry in METHODS.items() if entry.kind == "protocol" and entry.build}
    if names is None:
        names = [name for name, entry in known.items() if set(entry.needs) <= set(setup.noises)]
    built: dict[str, Callable] = {}
    for name in names:
        if name not in known:
            raise UserError(f'unknown protocol "{name}"; choose one of {", ".join(known)}')
        if missing := set(known[name].needs) - set(setup.noises):
            raise UserError(f'protocol "{name}" needs the noise {", ".join(sorted(missing))}; learn it first')
        build = known[name].build
        assert build is not None
        built[f"shortlist-{setup.shortlist}" if name == "shortlist" else name] = build(setup)
    return built


METHODS["clip"] = Method("clip", "CLIP", colour="black", marker="o")  # zero shot, where noise is not the question


@protocol("none", "CLIP, no noise", colour="black", marker="o")
def without_noise(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return partial(zero_shot, setup.clip, setup.head)


def with_anchor(setup: Setup, name: str) -> Callable[[torch.Tensor], Scores]:
    """Anchored noise by its name; its gate decides where d_in is a class's own."""
    noise, gate = setup.noises[name], setup.gates.get(name)
    return partial(anchored, setup.clip, setup.head, delta=noise, source=setup.source, gate=gate)


def with_gate(setup: Setup, name: str) -> Callable[[torch.Tensor], Scores]:
    """Gated noise by its name."""
    return partial(gated, setup.clip, setup.head, delta=setup.noises[name], gate=setup.gates.get(name))


@protocol("anchored", "anchored noise", colour="blue", marker="o", labels="training", needs=("anchored",))
def anchored_pair(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    """One d_in and one d_out for all classes."""
    return with_anchor(setup, "anchored")


@protocol(
    "anchored-class",
    "anchored, class-specific",
    colour="blue",
    marker="D",
    labels="training",
    needs=("anchored-class",),
)
def anchored_class(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    """A d_in for each class, behind the gate."""
    return with_anchor(setup, "anchored-class")


@protocol("gated", "gated noise", colour="sky", marker="D", labels="training", needs=("gated",))
def behind_the_probe(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return with_gate(setup, "gated")


@protocol("posterior", "gated by CLIP's posterior", colour="sky", marker="d", labels="training", needs=("posterior",))
def behind_the_posterior(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return with_gate(setup, "posterior")


@protocol("hypothesis", "hypothesis", colour="sky", marker="^", labels="training", slow=True, needs=("hypothesis",))
def every_class_in_turn(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    """With noises that were trained for it."""
    return partial(hypothesis, setup.clip, setup.head, delta=setup.wide("hypothesis"))


@protocol("shortlist", "shortlist", colour="sky", marker="v", labels="training", slow=True, needs=("hypothesis",))
def likeliest_classes_in_turn(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return partial(hypothesis, setup.clip, setup.head, delta=setup.wide("hypothesis"), shortlist=setup.shortlist)


@protocol("shared", "one shared noise", colour="orange", marker="s", labels="training", needs=("shared",))
def one_for_all(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return partial(shared, setup.clip, setup.head, delta=setup.noises["shared"])


@protocol("random", "random noise, gated", colour="grey", marker="X", section="controls", needs=("gated",))
def random_noise(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    """Noise of the gated one's spectrum, and of its size in each frame after mixing."""
    learned, gate = setup.noises["gated"], setup.gates.get("gated")
    noise = random_like(learned, setup.seed)
    return partial(random_gated, setup.clip, setup.head, noise=noise, learned=learned, gate=gate)


@protocol(
    "shuffled", "shuffled classes", colour="grey", marker="P", labels="training", section="controls", needs=("gated",)
)
def shuffled_classes(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    """Every class gets another class's noise."""
    delta = setup.noises["gated"]
    order = np.random.default_rng(setup.seed).permutation(len(delta))
    another = np.empty_like(order)
    another[order] = np.roll(order, 1)
    delta = delta[torch.from_numpy(another).to(delta.device)]
    return partial(gated, setup.clip, setup.head, delta=delta, gate=setup.gates.get("gated"))


@protocol(
    "swapped",
    "anchored, inside and outside exchanged",
    colour="grey",
    marker="d",
    labels="training",
    section="controls",
    needs=("anchored",),
)
def exchanged(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    """d_in where d_out belongs, and the reverse: does it matter where it is?"""
    noise = setup.noises["anchored"].flip(0)
    return partial(anchored, setup.clip, setup.head, delta=noise, source=setup.source)


@protocol(
    "naive-hypothesis",
    "naive noise, hypothesis",
    colour="red",
    marker="<",
    labels="training",
    section="controls",
    slow=True,
    needs=("naive",),
)
def naive_every_class_in_turn(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return partial(hypothesis, setup.clip, setup.head, delta=setup.wide("naive"))


@protocol(
    "anchored-class-real",
    "anchored, class-specific",
    colour="pink",
    marker="D",
    labels="training",
    section=REAL,
    needs=("anchored-class-real",),
)
def anchored_class_without_truth(setup: Setup) -> Callable[[torch.Tensor], Scores]:
    return with_anchor(setup, "anchored-class-real")


TOLD: dict[str, Any] = {"labels": "the clip's own", "uses_label": True, "section": "told the label"}


@protocol("oracle", "oracle (uses the label)", marker="o", needs=("gated",), **TOLD)
def true_class(setup: Setup) -> Callable[..., Scores]:
    return partial(oracle, setup.clip, setup.head, delta=setup.wide("gated"))


@protocol("naive-oracle", "naive oracle (uses the label)", marker="s", needs=("naive",), **TOLD)
def naive_true_class(setup: Setup) -> Callable[..., Scores]:
    return partial(oracle, setup.clip, setup.head, delta=setup.wide("naive"))
