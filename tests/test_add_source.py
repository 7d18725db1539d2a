"""A region source is added by one decorated function, from outside the package: the cell below is all that a user
writes."""

import inspect

import numpy as np
import pytest

from clipaction.base.errors import UserError
from clipaction.evaluate import sweep
from clipaction.masking.conditions import Context, apply, describe
from clipaction.masking.plan import hidden_condition, plan
from clipaction.masking.regions import SOURCES
from clipaction.profiles import load_profile


def add():
    import torch

    from clipaction.masking.regions import source

    @source("left", parts=("actor+prop", "background"))
    def left(part, evidence):
        mask = torch.zeros(evidence.frames.shape[:3])
        mask[..., : mask.shape[-1] // 2] = 1
        return 1 - mask if part == "background" else mask


def add_with_finder(calls: list):
    import torch

    from clipaction.masking.regions import source

    class Halves:
        key = "halves"

        def find(self, rows, frames):
            calls.append(list(rows))

        def __call__(self, row, frames):
            return torch.ones(frames.shape[:3]) if row % 2 else torch.zeros(frames.shape[:3])

    @source("odd", parts=("actor",), finder=lambda study: Halves())
    def odd(part, evidence):
        return evidence.from_finder("odd")


@pytest.fixture(autouse=True)
def left(registries):
    with pytest.raises(UserError, match='unknown region source "left"'):
        load_profile("quick", {"regions.sources": ["left"]})
    add()


def test_it_takes_few_lines():
    assert len(inspect.getsource(add).splitlines()) <= 20
    assert len(inspect.getsource(add_with_finder).splitlines()) <= 20


def test_profiles_and_plans_know_it():
    profile = load_profile("ucf101", {"regions.sources": ["left", "motion"]})
    names = [name for name in plan(profile) if "@left" in name]
    assert {"hide:actor+prop:box@left", "keep:actor+prop:silhouette@left", "hide:background:box@left"} <= set(names)
    assert "control:hide:actor+prop:box@left" in names and not any(
        ":prop:" in name or ":actor:" in name for name in names
    )
    assert describe("hide:actor+prop:box@left") == "actor and prop hidden (box, by left)"


def test_conditions_hide_what_it_says():
    frames = np.full((2, 10, 10, 3), 200, np.uint8)
    hidden, kept = (apply(f"{kind}:actor+prop:silhouette@left", frames, Context("c")) for kind in ("hide", "keep"))
    assert (hidden[:, :, :5] == 0).all() and (hidden[:, :, 5:] == 200).all() and (hidden + kept == 200).all()
    control = apply("control:hide:actor+prop:silhouette@left", frames, Context("c"))
    assert (control == 0).sum() == (hidden == 0).sum() and (control[:, :, 5:] == 0).mean() > 0.8
    with pytest.raises(UserError, match="the region source left cannot find 'head'"):
        apply("hide:head:box@left", frames, Context("c"))


def test_the_notebooks_hide_actor_and_prop_by_it_where_it_comes_first():
    profile = load_profile("ucf101", {"regions.sources": ["left", "motion"]})
    assert hidden_condition(profile, plates=False) == "hide:actor+prop:box@left"
    assert hidden_condition(load_profile("ucf101"), plates=False) == "hide:actor+prop:box@homography"


def test_it_is_swept_once_and_again_when_its_code_changes(toy_study, toy_meta, monkeypatch):
    swept, original = [], sweep.masked_batches

    def counted(*args, **options):
        swept.append(args[3].name)
        return original(*args, **options)

    monkeypatch.setattr(sweep, "masked_batches", counted)
    names = ["hide:actor+prop:box@left", "hide:actor+prop:box@motion"]
    for _ in range(2):
        toy_study.evaluate(toy_meta, names, "masking")
    assert swept == names

    function = SOURCES["left"].function
    SOURCES["left"] = type(SOURCES["left"])(
        "left", lambda part, evidence: 1 - function(part, evidence), ("actor+prop",)
    )
    toy_study.evaluate(toy_meta, names, "masking")
    assert swept[2:] == names[:1]


def test_a_finder_is_asked_for_all_clips_before_the_sweep(toy_study, toy_meta):
    calls = []
    add_with_finder(calls)
    table = toy_study.evaluate(toy_meta, ["hide:actor:silhouette@odd", "none"], "masking", frames=False)
    assert calls == [list(range(12))]
    hidden, whole = (table[table["condition"] == name]["p_pred"].to_numpy() for name in table["condition"].unique())
    assert ((hidden == whole) == [row % 2 == 0 for row in range(12)]).all()
