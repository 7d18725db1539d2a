"""A mask shape is added by one decorated function, from outside the package: the cell below is all a user writes."""

import inspect

import pytest
import torch
from synthetic import write_results

from clipaction.base.errors import UserError
from clipaction.base.seeds import rng
from clipaction.evaluate import sweep
from clipaction.masking import masks
from clipaction.masking.conditions import describe
from clipaction.masking.plan import plan
from clipaction.masking.shapes import SHAPES
from clipaction.notebook.explorer import MaskExplorer
from clipaction.notebook.explorer.masks import frames_of
from clipaction.paper.figures import FIGURES
from clipaction.paper.looks import shape_looks
from clipaction.profiles import load_profile

CROSS, SQUARE = "shape:cross:30:random:moving", "shape:square:30:centre:still"


def add():
    import numpy as np

    from clipaction.masking.shapes import shape

    @shape("cross", colour="sky", marker="P")
    def cross(grid):
        return np.minimum(np.abs(grid.v) / grid.size[0], np.abs(grid.u) / grid.size[1])


def add_another():
    import numpy as np

    from clipaction.masking.shapes import shape

    @shape("cross")
    def cross(grid):
        return np.abs(np.abs(grid.v) / grid.size[0] - np.abs(grid.u) / grid.size[1])


@pytest.fixture(autouse=True)
def cross(registries):
    with pytest.raises(UserError, match='unknown mask shape "cross"'):
        load_profile("quick", {"masking.shapes": ["cross"]})
    add()


def test_it_takes_few_lines():
    assert len(inspect.getsource(add).splitlines()) <= 20


def test_profiles_and_plans_know_it():
    profile = load_profile("quick", {"masking.shapes": ["square", "cross"]})
    assert {f"shape:cross:{percent}:{place}:still" for percent in (10, 50) for place in ("centre", "random")} <= set(
        plan(profile)
    )
    assert describe(CROSS) == "30 % cross, random, moving"


@pytest.mark.parametrize("size", [(96, 96), (31, 47), (224, 224)])
def test_its_area_is_exact(size):
    for percent in (0, 1, 12.5, 30, 50, 100):
        for placement in masks.PLACEMENTS:
            for motion in masks.MOTIONS:
                mask = masks.shape_mask("cross", percent, size, 3, rng(0, percent), placement, motion)
                assert mask.sum((1, 2)).tolist() == [masks.pixels(percent, size)] * 3


def test_it_is_swept_once_and_again_when_its_code_changes(toy_study, toy_meta, monkeypatch):
    swept, original = [], sweep.masked_batches

    def counted(*args, **options):
        swept.append(args[3].name)
        return original(*args, **options)

    monkeypatch.setattr(sweep, "masked_batches", counted)
    first = toy_study.evaluate(toy_meta, ["none", SQUARE, CROSS], "masking")
    toy_study.evaluate(toy_meta, ["none", SQUARE, CROSS], "masking")
    add()  # the cell is run again
    toy_study.evaluate(toy_meta, ["none", SQUARE, CROSS], "masking")
    assert swept == ["none", SQUARE, CROSS] and set(first["condition"]) == set(swept)
    add_another()
    toy_study.evaluate(toy_meta, ["none", SQUARE, CROSS], "masking")
    assert swept[3:] == [CROSS]


def test_figures_draw_it(tmp_path):
    assert shape_looks(["cross"])["cross"][1] == "P"
    folder = write_results(tmp_path / "quick", "quick", overrides={"masking.shapes": ["square", "cross"]})
    made = FIGURES["fig02"](folder)
    assert set(made.data["shape"]) == {"square", "cross"}
    texts = {
        text.get_text()
        for legend in made.figure.findobj(lambda a: hasattr(a, "get_texts"))
        for text in legend.get_texts()
    }
    assert "cross" in texts
    SHAPES.pop("cross")  # drawn where the notebook's shape is not registered
    assert set(FIGURES["fig02"](folder).data["shape"]) == {"square", "cross"}


def test_the_explorer_offers_it(toy_study):
    explorer = MaskExplorer(toy_study)
    (shapes,) = (control for control in explorer.controls if control["name"] == "shape")
    assert {"value": "cross", "label": "cross", "reason": ""} in shapes["options"]
    chosen = {**explorer.knobs, "shape": "cross"}
    frames, title = frames_of(toy_study, explorer.known.open(chosen["clip"]), chosen, explorer.bits)
    assert title == "30 % cross"
    wanted = masks.shape_mask("cross", 30, (16, 16), 3, rng(0))
    assert torch.equal((torch.from_numpy(frames) == 0).all(-1), wanted)
