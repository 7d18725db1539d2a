"""A prediction is compared with what was measured."""

import pandas as pd
import pytest

from clipaction.notebook.lessons import check

MEASURED = pd.Series({"square": 0.41, "box": 0.2, "blob": 0.6})


@pytest.mark.parametrize(
    ("guess", "lowest", "said"),
    [
        ("", True, "You made no prediction. box is the lowest, with 20.0%."),
        ("box", True, "Right: box is the lowest, with 20.0%."),
        ("square", True, "Not so: box is the lowest, with 20.0%; square has 41.0%."),
        ("blob", False, "Right: blob is the highest, with 60.0%."),
        ("cirle", True, "'cirle' is none of square, box, blob. box is the lowest, with 20.0%."),
    ],
)
def test_the_sentence(guess, lowest, said):
    assert check(guess, MEASURED, lowest) == said
