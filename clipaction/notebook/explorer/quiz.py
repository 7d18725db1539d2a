"""Predict, then measure: questions made from the run's own results, asked before they are shown."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...evaluate.predictions import correct
from ...masking.conditions import describe, parse

ASKED = 12
CHOICES = 3
GAP = 0.05  # between the right choice and the next one: closer ones are a matter of luck


@dataclass(frozen=True)
class Question:
    """text, what can be chosen, which choice is right, and the measured number of each in words."""

    text: str
    options: list[str]
    right: int
    numbers: list[str]


def questions(masking: pd.DataFrame, seed: int = 0) -> list[Question]:
    """At most ASKED questions from the clip rows of notebook 03's sweep, in mixed order; fewer where few answers lie
    far enough apart."""
    clips = masking[masking["level"] == "clip"].assign(right=correct)
    rng = np.random.default_rng([seed, 5])
    kinds = [costliest_mask(clips, rng), surest_mask(clips, rng), hardest_class(clips, rng)]
    found: list[Question] = []
    while kinds and len(found) < ASKED:
        for kind in list(kinds):
            question = next(kind, None)
            if question is None:
                kinds.remove(kind)
            else:
                found.append(question)
    return found[:ASKED]


def costliest_mask(clips: pd.DataFrame, rng: np.random.Generator) -> Iterator[Question]:
    accuracy = clips.groupby("condition", observed=True)["right"].mean()
    yield from ask(accuracy.drop("none"), "Which of these masks costs most accuracy?", rng, lowest=True)


def surest_mask(clips: pd.DataFrame, rng: np.random.Generator) -> Iterator[Question]:
    sure = clips.groupby("condition", observed=True)["p_pred"].mean()
    yield from ask(sure.drop("none"), "Behind which of these masks is CLIP surest of its answer?", rng, lowest=False)


def hardest_class(clips: pd.DataFrame, rng: np.random.Generator) -> Iterator[Question]:
    """Which class loses most under one mask."""
    tables = clips.groupby(["condition", "cls"], observed=True)["right"].mean().unstack()
    names = [name for name in tables.index if plain(name)]
    for name in rng.permutation(names):
        lost = tables.loc["none"] - tables.loc[name]
        text = f"Which class loses most accuracy under this mask: {describe(name)}?"
        yield from ask(lost, text, rng, lowest=False, at_most=1, words=str)


def plain(name: str) -> bool:
    """Whether a condition can be asked about in a few words: black, and no control."""
    condition = parse(name)
    return condition.kind != "none" and not condition.fill and not condition.control


def ask(
    values: pd.Series, text: str, rng: np.random.Generator, lowest: bool, at_most: int = ASKED, words=describe
) -> Iterator[Question]:
    """Questions with CHOICES of the index of `values`, the right one GAP away from the others; no choice twice."""
    names = [name for name in values.index if words is str or plain(name)]
    order, asked = list(rng.permutation(names)), 0
    while len(order) >= CHOICES and asked < at_most:
        chosen, order = order[:CHOICES], order[CHOICES:]
        numbers = values[chosen].to_numpy()
        ranked = np.sort(numbers if lowest else -numbers)
        if ranked[1] - ranked[0] < GAP:
            continue
        asked += 1
        right = int(numbers.argmin() if lowest else numbers.argmax())
        yield Question(text, [words(name) for name in chosen], right, [f"{100 * value:.0f} %" for value in numbers])
