"""What classes lean on, and which is mistaken for which: from a small table of answers, checked by hand."""

import pandas as pd
import pytest

from clipaction.analysis.bias import bias, falls

CLASSES = ("run", "jump", "swim")
PLATE, BOX, CONTROL = "hide:actor+prop:plate", "hide:actor+prop:box", "control:hide:actor+prop:box"
ANSWERS = {  # of the clips run-1, run-2, jump-1, jump-2
    "none": "run run jump swim",
    PLATE: "swim swim jump swim",  # the place alone still says jump-1
    BOX: "swim jump swim swim",
    CONTROL: "run run jump jump",
    f"{BOX}/mean": "swim swim swim swim",
}


@pytest.fixture
def masking():
    rows = []
    for condition, answers in ANSWERS.items():
        for k, answer in enumerate(answers.split()):
            cls = CLASSES[k // 2]
            facts = {"clip": f"{cls}-{k % 2}", "cls": cls, "group": f"{cls}{k % 2}", "condition": condition}
            answered = {"level": "clip", "label": k // 2, "pred": CLASSES.index(answer), "p_pred": 0.5 + k / 10}
            rows.append(facts | answered)
    return pd.DataFrame(rows).sample(frac=1, random_state=0)


def test_bias_by_class(masking):
    table = bias(masking, CLASSES).set_index("cls")
    assert list(table.index) == ["jump", "run", "all"] or list(table.index) == ["run", "jump", "all"]
    run, jump, every = (table.loc[name] for name in ("run", "jump", "all"))
    assert (run["background"], run["actor"], run["flips"]) == (0, 1, 1)
    assert (jump["acc"], jump["background"], jump["actor"], jump["flips"]) == (0.5, 0.5, 1, 0)
    assert (every["n_clips"], every["background"]) == (4, 0.25)
    assert jump["sure_wrong"] == pytest.approx(0.8) and run["sure_blind"] == pytest.approx(0.55)
    assert pd.isna(run["sure_wrong"])  # it is never wrong
    assert (run["into"], run["into_share"]) == ("swim", 1)


def test_without_plates_the_box_takes_the_actor_away(masking):
    table = bias(masking[masking["condition"] != PLATE], CLASSES).set_index("cls")
    assert table.loc["run", "into_share"] == 0.5 and table.loc["all", "background"] == 0


def test_no_hidden_actor_is_an_empty_table(masking):
    assert bias(masking[masking["condition"] == "none"], CLASSES).empty


def test_falls_count_clips_that_were_right(masking):
    table = falls(masking, CLASSES)
    assert set(table["condition"]) == {PLATE, BOX}  # no control, no other fill
    first = table.iloc[0]
    assert first[["condition", "cls", "into", "clips", "of", "share"]].tolist() == [PLATE, "run", "swim", 2, 2, 1]
    jump = table[table["cls"] == "jump"][["condition", "into", "of"]]
    assert jump.to_numpy().tolist() == [[BOX, "swim", 1]]  # jump-1 only: jump-2 was wrong before


def test_where_no_answer_is_right_the_table_is_empty(masking):
    table = falls(masking.assign(pred=2, label=0), CLASSES)
    assert table.empty and list(table) == ["condition", "cls", "into", "clips", "of", "share"]
