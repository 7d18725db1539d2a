"""The mask explorer shows the knobs that have an effect, and no other."""

import pytest

from clipaction.masking.conditions import parse
from clipaction.notebook.explorers import condition_name, idle_knobs

KNOBS = {
    "shape": "square",
    "percent": 30,
    "placement": "centre",
    "motion": "still",
    "part": "actor",
    "grain": "box",
    "source": "truth",
    "control": False,
}
OTHERS = {
    "shape": "circle",
    "percent": 20,
    "placement": "random",
    "motion": "moving",
    "part": "prop",
    "grain": "silhouette",
    "source": "motion",
    "control": True,
}


@pytest.mark.parametrize(
    ("what", "part"),
    [("whole frame", "actor"), ("shape", "actor"), ("hide", "actor"), ("isolate", "prop"), ("hide", "most relevant")],
)
def test_a_knob_is_hidden_exactly_when_turning_it_changes_nothing(what, part):
    knobs = {**KNOBS, "what": what, "part": part}
    name = condition_name(**knobs)
    parse(name)
    other = {**OTHERS, "part": "actor" if part == "prop" else "prop"}
    assert {knob for knob, value in other.items() if condition_name(**{**knobs, knob: value}) == name} == idle_knobs(
        **knobs
    )
