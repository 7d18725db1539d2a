"""What notebooks will ask for, as tasks that any machine can do.

A task calls what its notebook calls, so it leaves the same piece under the same key in the results folder, and the
notebook finds it there. A task that is done twice changes nothing. What no task has made, the notebook makes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ..evaluate.methods import find_method
from ..evaluate.sweep import blocks, chunk_size
from ..masking.conditions import check
from ..masking.plan import HELDOUT, SQUARE, hidden_condition, plan
from ..noise import learning
from ..noise.protocols import build_protocols
from ..study import Study


@dataclass(frozen=True)
class Task:
    """title: what is said of it. function: called with a study and the arguments."""

    title: str
    function: Callable[..., Any]
    arguments: tuple = ()

    def run(self, study: Study) -> None:
        """Does it. Tasks may run side by side in threads. They share what finders find; what a model remembers
        (`CLIP.remembering`) is one task's alone, so each gets a model object of its own, with the same weights."""
        own = copy(study)
        own.clip, own._finders = replace(study.clip), study._finders
        self.function(own, *self.arguments)


Stage = Callable[[Study], list[Task]]  # the tasks may run in any order


def pick(study: Study, which: str) -> pd.DataFrame:
    """The clips of a split of the source domain, or those 'away' from it, as the notebooks select them."""
    if which == "away":
        return study.meta[study.meta["domain"] != study.source].reset_index(drop=True)
    return study.clips(which)


def in_blocks(study: Study, which: str) -> list[pd.DataFrame]:
    return blocks(pick(study, which), chunk_size(study.profile.frames, study.profile.batch))


def sweep(
    study: Study, name: str, function: Callable, which: str, groups: Mapping[str, Sequence[str]], *more: Any
) -> list[Task]:
    """A task for each group of conditions and block of clips: function(study, which, number of the block, conditions,
    *more)."""
    count = len(in_blocks(study, which))
    return [
        Task(f"{name}, {group}, block {number + 1} of {count}", function, (which, number, conditions, *more))
        for group, conditions in groups.items()
        for number in range(count)
    ]


def apart(conditions: Iterable[str]) -> dict[str, list[str]]:
    """Every condition as a group of its own."""
    return {condition: [condition] for condition in conditions}


def zero_shot(study: Study) -> list[Task]:
    """Of notebook 02."""
    every = apart(["none"])
    splits = ("val", "test", "away")
    return [task for which in splits for task in sweep(study, f"zero shot, {which}", whole_frames, which, every)]


def whole_frames(study: Study, which: str, number: int, conditions: Sequence[str]) -> None:
    head = study.head(source_only=which != "away")
    study.evaluate(in_blocks(study, which)[number], conditions, "zero_shot_pieces", head=head)


def masking(study: Study) -> list[Task]:
    """Of notebook 03. Conditions that ask the same finder stay together, and come first: what it finds in a clip, it
    finds once."""
    names, finders = plan(study.profile), study.finders
    asking = {name: check(name).source for name in names if check(name).source in finders}
    found = {source: [name for name in asking if asking[name] == source] for source in asking.values()}
    groups = found | apart(name for name in names if name not in asking)
    return sweep(study, "masking", masked_frames, "test", groups)


def masked_frames(study: Study, which: str, number: int, conditions: Sequence[str]) -> None:
    study.evaluate(in_blocks(study, which)[number], conditions, "masking", frames=False)


def views(study: Study) -> list[Task]:
    """Of notebook 04: what noises learn from."""
    return [Task(f"views, {name}", material, (name,)) for name in learning.material_names(study)]


def material(study: Study, name: str) -> learning.Material:
    return learning.material(study, study.clips("train"), study.clips("val"), name)


def trainings(study: Study) -> list[Task]:
    """Of notebook 04, after `views`: the noises."""
    return [Task(f"noise, {name}", train, (name,)) for name in learning.allowed(learning.material_names(study))]


def train(study: Study, name: str) -> None:
    given = material(study, "real" if learning.RECIPES[name].real else "given")
    learning.learn(study, name, given, study.clips("val"))


def protocols(study: Study) -> list[Task]:
    """Of notebook 04, after `trainings`: the noises' answers. Those of the rivals, which no file holds, are left to the
    notebook."""
    hidden = hidden_condition(study.profile, study.store.plates is not None)
    blind = [name for name in built_protocols(study) if not find_method(name).uses_label]
    slow = [name for name in blind if find_method(name).slow]
    fast = [name for name in blind if name not in slow]
    clean, tested = apart(["none"]), apart(["none", SQUARE, HELDOUT, hidden])
    found = [each for name in slow for each in sweep(study, f"answers of {name}", answers, "test", clean, [name])]
    found += sweep(study, "answers", answers, "test", tested, fast)
    return found + sweep(study, "validation", answers, "val", apart(["none", SQUARE, hidden]), fast)


def built_protocols(study: Study) -> dict[str, Callable]:
    return build_protocols(learning.setup_of(study, learning.load_learned(study)))


def answers(study: Study, which: str, number: int, conditions: Sequence[str], names: Sequence[str]) -> None:
    built, block = built_protocols(study), in_blocks(study, which)[number]
    step, methods = "validation" if which == "val" else "noise", {name: built[name] for name in names}
    with study.clip.remembering():
        study.evaluate(block, conditions, step, methods, frames=False, scores=True)


AHEAD: dict[str, list[Stage]] = {"02": [zero_shot], "03": [masking], "04": [views, trainings, protocols]}
