"""A profile's `extensions`: Python files of the user's that add shapes, sources, methods, figures or tables."""

import pytest

from clipaction.base.errors import UserError
from clipaction.evaluate import sweep
from clipaction.masking.plan import plan
from clipaction.masking.shapes import SHAPES
from clipaction.profiles import load_profile
from clipaction.run import records

SHAPE = """
import numpy as np
from clipaction.masking.shapes import shape

POWER = 4

@shape("cushion")
def cushion(grid):
    v, u = grid.box(fill=0.9)
    return np.abs(v) ** POWER + np.abs(u) ** POWER
"""


@pytest.fixture
def profile(tmp_path, registries):
    """The path of a profile beside the file that it names."""
    (tmp_path / "mine.py").write_text(SHAPE)
    path = tmp_path / "mine.yaml"
    path.write_text("extends: quick\nextensions: [mine.py]\nmasking.shapes: [square, cushion]\n")
    return path


def test_a_profile_imports_them_and_then_knows_their_names(profile):
    assert "cushion" not in SHAPES
    loaded = load_profile(profile)
    assert "cushion" in SHAPES and "shape:cushion:10:centre:still" in plan(loaded)
    assert loaded.extensions == (str(profile.with_name("mine.py")),)
    assert load_profile(profile) == loaded


def test_overrides_name_them_too(profile, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    loaded = load_profile("quick", {"extensions": ["mine.py"], "masking.shapes": ["cushion"]})
    assert loaded.masking.shapes == ("cushion",)
    assert loaded.extensions == (str(tmp_path / "mine.py"),), "notebooks run in another folder"


def test_a_changed_file_repeats_its_own_conditions_alone(profile, toy_study, toy_meta, monkeypatch):
    swept, original = [], sweep.masked_batches

    def counted(*args, **options):
        swept.append(args[3].shape)
        return original(*args, **options)

    monkeypatch.setattr(sweep, "masked_batches", counted)
    names = [f"shape:{shape}:50:centre:still" for shape in ("square", "cushion")]
    load_profile(profile)
    for _ in range(2):
        toy_study.evaluate(toy_meta, names, "masking")
    assert swept == ["square", "cushion"]
    profile.with_name("mine.py").write_text("# a comment\n" + SHAPE)
    load_profile(profile)
    toy_study.evaluate(toy_meta, names, "masking")
    assert swept == ["square", "cushion"]
    profile.with_name("mine.py").write_text(SHAPE.replace("POWER = 4", "POWER = 2"))
    load_profile(profile)
    toy_study.evaluate(toy_meta, names, "masking")
    assert swept[2:] == ["cushion"]


def test_a_changed_file_runs_the_notebooks_again(profile, tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_RESULTS", str(tmp_path / "results"))
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path / "data"))
    loaded = load_profile(profile)
    before = records.own_files(loaded)
    profile.with_name("mine.py").write_text(SHAPE.replace("POWER = 4", "POWER = 2"))
    assert records.own_files(loaded) != before


@pytest.mark.parametrize(
    "name, text, message",
    [
        ("none.py", None, r"extensions: no Python file .*none.py; check the path"),
        ("mine.txt", "x = 1", r"extensions: no Python file .*mine.txt; check the path"),
        ("mine.py", "1 / 0", r"extensions: .*mine.py failed with ZeroDivisionError: division by zero; mend the file"),
        ("mine.py", "def broken(:", r"extensions: .*mine.py failed with SyntaxError: .*; mend the file"),
    ],
)
def test_a_missing_or_failing_file_is_one_line(tmp_path, name, text, message):
    if text is not None:
        (tmp_path / name).write_text(text)
    for _ in range(2):  # a file that failed is tried again
        with pytest.raises(UserError, match=message) as error:
            load_profile("quick", {"extensions": [str(tmp_path / name)]})
        assert "\n" not in str(error.value)


def test_a_value_that_is_no_list_of_files_is_said():
    with pytest.raises(UserError, match="extensions"):
        load_profile("quick", {"extensions": 3})
