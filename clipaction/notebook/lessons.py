"""What a notebook tells its reader: how long it will take, and what became of a prediction."""

from __future__ import annotations

import pandas as pd

from ..base.files import read_json
from ..base.paths import results_dir
from ..base.words import duration
from ..profiles import load_profile


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


def forecast_line(profile: str, overrides: dict, number: str) -> str:
    """The forecast of the notebook with this number ('03') in one sentence: the whole, and the steps of a second or
    more, longest first."""
    forecast = read_json(results_dir(load_profile(profile, overrides)) / "forecast.json")
    if forecast is None:
        return "no forecast yet; run_all.sh makes one, with --plan it only prints it"
    steps = forecast[number]
    longest = sorted((item for item in steps.items() if item[1] >= 1), key=lambda item: -item[1])
    named = ", ".join(f"{step} {duration(seconds)}" for step, seconds in longest)
    return f"forecast for this machine, from nothing: {duration(sum(steps.values()))} ({named})"


def steps_by_hand(steps: int) -> int:
    """How many steps a training by hand takes where the profile's noises take so many: 5 to 20, so that it is short
    with a large model, too."""
    return min(20, max(5, steps // 4))
