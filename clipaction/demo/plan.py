"""Which clips the demo data set has: actions, groups, splits and scenes, drawn by seed.

A group shares person, scene and camera, as in UCF-101. Groups 1-7 are for testing, 8-10 for validation, 11-25 for
training. In training groups the scene is the action's own with the same probability as when the compact CLIP was
trained. Test groups have known shares of clips in the action's usual scene, in a random one, and in another action's.
The ward (a hospital at night) is a domain of its own, for testing only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from ..base.errors import UserError
from ..base.seeds import rng as named_rng
from .actions import ACTIONS
from .scenes import LAYOUTS

TEST_GROUPS, VAL_GROUPS, TRAIN_GROUPS = range(1, 8), range(8, 11), range(11, 26)
TEST_SCENES = ("usual", "random", "other", "random", "usual", "other", "random")  # of test groups 1 to 7
USUAL_SHARE = 0.45  # probability that a training scene is chosen to be the action's own
TEXT_SHARE, WARD_TEXT_SHARE = 0.25, 0.6  # share of groups with burnt-in text
HELD_OUT_LAYOUT = LAYOUTS - 1  # test clips at home only: neither training clips nor the compact CLIP's images have it

HOME = tuple(name for name, action in ACTIONS.items() if not action.clinical)
CLINICAL = tuple(name for name, action in ACTIONS.items() if action.clinical)
HOME_SCENES = tuple(ACTIONS[name].scene for name in HOME)


@dataclass(frozen=True)
class Group:
    """What the clips of one group share."""

    domain: str
    action: str
    number: int
    split: str
    relation: str  # how the scene was chosen: usual, random, other
    scene: str
    layout: int
    seed: int

    @property
    def name(self) -> str:
        return f"{self.domain}/{self.action}/g{self.number:02d}"

    def rng(self, *names: object) -> np.random.Generator:
        """Random numbers of this group, for (seed, group, names)."""
        return named_rng(self.seed, self.name, *names)


def choose_scene(relation: str, action: str, rng: np.random.Generator) -> str:
    """A home scene: the action's own (usual), any of them (random), or one of another action (other)."""
    usual = ACTIONS[action].scene
    if relation == "usual":
        return usual
    return str(rng.choice([s for s in HOME_SCENES if relation == "random" or s != usual]))


def plan_groups(domain: str, actions: Iterable[str], numbers: Iterable[int], seed: int) -> list[Group]:
    """The groups of a domain; everything random is drawn from (seed, domain, action, number)."""
    groups = []
    for action in actions:
        for number in numbers:
            rng = named_rng(seed, "plan", domain, action, number)
            if domain == "ward":
                relation = "usual" if ACTIONS[action].clinical else "other"
                layout = int(rng.integers(LAYOUTS))
                groups.append(Group(domain, action, number, "test", relation, "ward", layout, seed))
                continue
            test = number in TEST_GROUPS
            split = "test" if test else "val" if number in VAL_GROUPS else "train"
            relation = TEST_SCENES[number - 1] if test else "usual" if rng.random() < USUAL_SHARE else "random"
            layout = HELD_OUT_LAYOUT if test else int(rng.integers(HELD_OUT_LAYOUT))
            scene = choose_scene(relation, action, rng)
            groups.append(Group(domain, action, number, split, relation, scene, layout, seed))
    return groups


def plan_clips(config, seed: int) -> list[tuple[Group, int]]:
    """Every group and its number of clips, for a profile's dataset section. Raises UserError for an unknown class."""
    home = HOME if config.classes is None else tuple(config.classes)
    unknown = [name for name in home if name not in ACTIONS]
    if unknown:
        raise UserError(f"the demo data set has no class {unknown[0]}; choose from {', '.join(HOME)}")
    counts = ((TEST_GROUPS, config.test_groups), (VAL_GROUPS, config.val_groups), (TRAIN_GROUPS, config.train_groups))
    numbers = [number for groups, count in counts for number in groups[:count]]
    clips = {"train": config.train_clips, "val": config.val_clips, "test": config.test_clips}
    planned = [(group, clips[group.split]) for group in plan_groups("home", home, numbers, seed)]
    ward = plan_groups("ward", (*home, *CLINICAL), range(1, config.ward_groups + 1), seed)
    return planned + [(group, config.ward_clips) for group in ward]
