"""Predictions that are checked: what a reader expected, beside what was measured."""

from __future__ import annotations

import pandas as pd


def check(guess: str, measured: pd.Series, lowest: bool = True) -> str:
    """What became of a prediction, in one sentence.

    guess: the index of `measured` that was expected to be the lowest (or the highest); '' where nothing was predicted.
    measured: numbers in [0, 1] by name.
    """
    found = measured.idxmin() if lowest else measured.idxmax()
    side = "lowest" if lowest else "highest"
    answer = f"{found} is the {side}, with {measured[found]:.1%}"
    if not guess:
        return f"You made no prediction. {answer}."
    if guess not in measured.index:
        return f"'{guess}' is none of {', '.join(map(str, measured.index))}. {answer}."
    if guess == found:
        return f"Right: {answer}."
    return f"Not so: {answer}; {guess} has {measured[guess]:.1%}."
