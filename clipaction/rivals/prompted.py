"""Zero shot with tuned prompts."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from ..vision.zero_shot import zero_shot
from .prompts import tune_prompts
from .setup import RivalSetup, rival


@rival("prompts", "tuned prompts", colour="green", marker=">", labels="training", needs=("whole",))
def tuned_prompts(setup: RivalSetup) -> Callable:
    views = setup.views["whole"]
    learned = (views.train, views.train_labels, views.val, views.val_labels)
    return partial(zero_shot, setup.clip, tune_prompts(setup.clip, setup.phrases, *learned, setup.seed))
