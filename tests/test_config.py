"""Profiles: the shipped ones load, layers add up, and every mistake is one line that names the field."""

from __future__ import annotations

import pytest

from clipaction.base.errors import UserError
from clipaction.base.paths import profile_names
from clipaction.profiles import Profile, load_profile
from clipaction.profiles.schema import Section


def test_shipped_profiles_load_and_are_named_after_their_files():
    assert {"demo", "quick", "ucf101-mini", "ucf101", "folder"} <= set(profile_names())
    for name in profile_names():
        assert load_profile(name).name == name


def test_demo_has_the_promised_clips():
    demo = load_profile("demo").dataset
    assert 12 * demo.test_groups * demo.test_clips >= 300 and 16 * demo.ward_groups * demo.ward_clips >= 150
    assert demo.test_groups + demo.val_groups + demo.train_groups == 25


def test_quick_is_the_demo_with_less():
    demo, quick = load_profile("demo"), load_profile("quick")
    assert (
        quick.model == demo.model
        and quick.dataset.kind == "demo"
        and set(quick.regions.parts) < set(demo.regions.parts)
    )
    assert quick.regions.model_copy(update={"parts": demo.regions.parts}) == demo.regions
    assert quick.noise.steps < demo.noise.steps and quick.dataset.test_groups < demo.dataset.test_groups


def test_overrides_are_dotted_or_nested_and_leave_the_rest(tmp_path):
    assert load_profile("demo", {"noise.eps": 8, "noise": {"loss.ce": 2}}).noise.loss.ce == 2
    changed = load_profile("demo", {"noise.eps": 8})
    assert changed.noise.eps == 8 and changed.noise.steps == load_profile("demo").noise.steps
    (tmp_path / "videos").mkdir()
    (tmp_path / "mine.yaml").write_text("extends: folder\nframes: 2\ndataset.root: videos\n")
    mine = load_profile(tmp_path / "mine.yaml")
    assert (mine.name, mine.frames, mine.dataset.kind) == ("mine", 2, "folder")
    assert mine.dataset.root == str(tmp_path / "videos"), "a path in a file starts from that file's folder"


def test_key_follows_values_of_the_named_sections_only():
    demo, changed = load_profile("demo"), load_profile("demo", {"noise.eps": 8})
    assert demo.key() == load_profile("demo").key() != changed.key()
    assert demo.key("dataset", "frames") == changed.key("dataset", "frames")
    assert demo.dump("noise")["noise"]["eps"] == 16


def test_seed_zero_is_a_seed():
    assert load_profile("demo", {"seed": 0}).seed == 0 and load_profile("demo", {"seed": 3}).seed == 3


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"noise.epz": 8}, 'noise.epz: unknown field; did you mean "eps"?'),
        ({"noise.eps": -3}, "noise.eps: input should be greater than 0 (got -3)"),
        ({"noise.eps_of": {"gatde": 8}}, 'noise.eps_of.gatde: unknown noise "gatde"; did you mean "gated"?'),
        ({"noise.eps_of.anchored-class-real": 8}, 'has the eps of "anchored-class"; name that one'),
        ({"noise.eps_of.gated": 0}, "noise.eps_of.gated: input should be greater than 0 (got 0)"),
        ({"noise.loss.cee": 1}, 'noise.loss.cee: unknown field; did you mean "ce"?'),
        ({"masking.shapes": ["sqare"]}, 'masking.shapes.0: unknown mask shape "sqare"; did you mean "square"?'),
        ({"frames": "many"}, "frames: input should be a valid integer"),
        ({"dataset.kind": "zip"}, 'dataset.kind: unknown kind of data set "zip"; choose one of '),
        ({"noise": 3}, "noise: input should be a valid dictionary"),
    ],
)
def test_a_bad_value_is_one_line_that_names_it(overrides, expected):
    with pytest.raises(UserError) as error:
        load_profile("demo", overrides)
    assert (
        expected in str(error.value)
        and str(error.value).startswith('profile "demo": ')
        and "\n" not in str(error.value)
    )


def test_unknown_profile_and_unreadable_files(tmp_path):
    with pytest.raises(
        UserError, match='unknown profile "x"; choose one of demo, folder, quick, ucf101-mini, ucf101, or a path to'
    ):
        load_profile("x")
    with pytest.raises(UserError, match="no such file"):
        load_profile(tmp_path / "none.yaml")
    broken = tmp_path / "broken.yaml"
    broken.write_text("noise: [1")
    with pytest.raises(UserError, match="not readable as YAML"):
        load_profile(broken)
    broken.write_text(f"extends: {broken}")
    with pytest.raises(UserError, match="extends itself"):
        load_profile(broken)
    broken.write_text("extends: folder\ndataset.kind: demo")
    with pytest.raises(
        UserError, match="kind demo needs test_clips, val_clips and train_clips; extend the demo profile"
    ):
        load_profile(broken)


def test_every_field_says_what_it_is():
    assert Profile in Section.__subclasses__()
    for model in Section.__subclasses__():
        for name, field in model.model_fields.items():
            nested = hasattr(field.annotation, "model_fields")
            assert nested or field.description, f"{model.__name__}.{name} has no description"
