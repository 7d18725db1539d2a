"""What runs is in the key: while a step computes, all code of the package that is executed is among what its key
covers."""

from __future__ import annotations

import inspect
import sys
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from types import CodeType

import numpy as np
import pytest
import torch
from synthetic import write_results
from test_detector import SIZE, Finds
from test_video import moving, write

from clipaction.base.cache import STEPS
from clipaction.base.code import code, symbol_of
from clipaction.base.graph import OPAQUE, PACKAGE, Symbol
from clipaction.data.filling import Sampling, read_clip
from clipaction.demo.plan import plan_clips
from clipaction.demo.render import render_group
from clipaction.demo.samples import render_samples
from clipaction.demo.truth import save_truth
from clipaction.evaluate import sweep
from clipaction.evaluate.methods import METHODS, find_method
from clipaction.evaluate.sweep import PREDICTIONS
from clipaction.masking.conditions import check
from clipaction.masking.plan import SQUARE, plan
from clipaction.masking.regions import SOURCES, detector
from clipaction.noise import learning
from clipaction.noise.apply import isolate
from clipaction.noise.protocols import build_protocols
from clipaction.noise.views import embed_views
from clipaction.paper.figures import FIGURES
from clipaction.paper.records import FIGURE, TABLE
from clipaction.paper.results import Results
from clipaction.paper.tables import TABLES
from clipaction.profiles import load_profile
from clipaction.rivals import build_rivals, prompted
from clipaction.rivals.fitting import train_networks
from clipaction.rivals.networks import network_names
from clipaction.vision.clip import clips_to_input
from clipaction.vision.zero_shot import zero_shot


@contextmanager
def traced() -> Iterator[set[Symbol]]:
    """The definitions of the package whose code runs inside the block, in all threads."""
    found: set[Symbol] = set()
    names: dict = {}

    def note(frame, event, argument):
        if event != "call":
            return
        if frame.f_code not in names:
            names[frame.f_code] = definition(frame.f_code)
        if names[frame.f_code] is not None:
            found.add(names[frame.f_code])

    before = sys.getprofile()
    threading.setprofile(note)
    sys.setprofile(note)
    try:
        yield found
    finally:
        sys.setprofile(before)
        threading.setprofile(None)


def definition(ran: CodeType) -> Symbol | None:
    """The definition of the package that a code object belongs to; None outside it, and for an import."""
    path, name = Path(ran.co_filename), ran.co_qualname.partition(".")[0]
    if not path.is_relative_to(PACKAGE) or name == "<module>":
        return None
    module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts).removesuffix(".__init__")
    if name.startswith("<"):  # a lambda or a comprehension in a constant
        known = code().module(module)
        assert known is not None
        definitions: dict[str, list] = known.definitions
        spans = {name: (nodes[0].lineno, nodes[-1].end_lineno) for name, nodes in definitions.items()}
        name = next(name for name, (first, last) in spans.items() if first <= ran.co_firstlineno <= last)
    return module, name


def covered(functions: Iterable, everything: bool = False) -> set[Symbol]:
    """All that a digest of these functions covers."""
    roots = [symbol_of(function) for function in functions]
    assert None not in roots
    return code().reach(roots, everything)[0]  # type: ignore[arg-type]


def missed(ran: set[Symbol], functions: Iterable, by_value: str = "") -> set[str]:
    """What ran and is not covered. by_value: modules and definitions whose results are themselves in the key."""
    known = tuple(f"clipaction.{name}" for name in (*OPAQUE, *by_value.split()))
    return {f"{module}.{name}" for module, name in ran - covered(functions) if not f"{module}.{name}".startswith(known)}


def test_frames(tmp_path):
    write(tmp_path / "a.avi", moving(12))
    save_truth(tmp_path / "a.npz", np.zeros((12, 48, 64), np.uint8), np.zeros((60, 80, 3), np.uint8), np.zeros((12, 2)))
    with traced() as ran:
        arrays, facts = read_clip(tmp_path / "a.avi", tmp_path / "a.npz", Sampling(24, 3))
    assert facts["ok"] and len(arrays) == 3 and len(ran) > 8
    assert not missed(ran, STEPS["frames"].functions)


def test_rendered_clips_and_training_images(tmp_path):
    group = plan_clips(load_profile("quick").dataset, 0)[0][0]
    with traced() as ran:
        render_group(group, 1, 3, tmp_path)
    assert len(ran) > 40 and not missed(ran, STEPS["rendered clips"].functions)
    with traced() as ran:
        render_samples(0, 0, ("Archery", "Biking"), False, None)
    assert len(ran) > 40 and not missed(ran, STEPS["training images"].functions)


def test_detections():
    with traced() as ran:
        detector.detect(
            Finds(("person", (1, 9), (1, 9)), ("bicycle", (1, 9), (1, 9))), np.zeros((1, SIZE, SIZE, 3), np.uint8)
        )
    assert ran and not missed(ran, STEPS["detections"].functions)


def test_predictions_under_every_kind_of_condition(toy_study, toy_meta, monkeypatch):
    profile = load_profile("demo", {"regions.sources": ["truth", "motion"], "regions.controls": ["control", "cells"]})
    conditions = [name for name in plan(profile) if ":10:" not in name and ":50:" not in name]
    assert len(conditions) > 50
    compute, kinds = sweep._predict, set()

    def judged(methods, store, meta, condition, *rest):
        with traced() as ran:
            found = compute(methods, store, meta, condition, *rest)
        assert not missed(ran, [*PREDICTIONS.functions, *condition.functions, zero_shot]), condition.name
        kinds.add((condition.kind, condition.shape, condition.source, condition.control, condition.fill))
        return found

    monkeypatch.setattr(sweep, "_predict", judged)
    toy_study.evaluate(toy_meta, conditions, "masking")
    assert len(kinds) > 15


# A study leads to frames, model and head, whose values are in the key. It also makes the finders of all sources, which
# are not asked for anything here.
BY_VALUE = """
    study.Study data.store.FrameStore vision.load.preprocessing vision.load.register
    masking.regions.boxes masking.regions.detector masking.regions.relevance
"""


def test_noise(square_study):
    """Gates are learned before: they are in the key by value, as regions and scenes are."""
    train, val = (square_study.clips(split) for split in ("train", "val"))
    given = learning.materials(square_study, train, val)
    assert all(views.probe is not None for material in given.values() for views in material.views.values())
    named = [*check(SQUARE).functions, SOURCES[square_study.profile.noise.anchor].function]
    for name, recipe in learning.RECIPES.items():
        with traced() as ran:
            learning.learn(square_study, name, given["real" if recipe.real else "given"], val)
        assert len(ran) > 20
        assert not missed(ran, [*STEPS["noise"].functions, *named], BY_VALUE), name


def test_views(square_study):
    train, val = (square_study.clips(split) for split in ("train", "val"))
    given = learning.material(square_study, train, val)
    with traced() as ran:
        embed_views(square_study, given.frames, val, given.swapped, looks={"isolated": isolate})
    named = [*check(SQUARE).functions, SOURCES[square_study.profile.noise.anchor].function, isolate]
    assert len(ran) > 10 and not missed(ran, [*STEPS["views"].functions, *named], BY_VALUE)


def test_networks(toy_study, toy_meta):
    with traced() as ran:
        train_networks(toy_study, toy_meta, toy_meta)
    named = [*check(SQUARE).functions, *(METHODS[name].build for name in network_names())]
    found = "masking.regions.motion masking.regions.camera"  # the regions that they find are in the key
    assert ran and not missed(ran, [*STEPS["networks"].functions, *named], f"{BY_VALUE} {found}")


def test_protocols_and_rivals(square_study, monkeypatch):
    """What runs is covered by the code of the function and of what it is given."""
    train, val = (square_study.clips(split) for split in ("train", "val"))
    given = learning.materials(square_study, train, val)
    learned, _ = learning.learn_all(square_study, given, val)
    x, labels = clips_to_input(square_study.store.frames), torch.zeros(12, dtype=torch.long)
    monkeypatch.setattr(prompted, "tune_prompts", lambda clip, *_: square_study.head())  # the toy has no text tower
    methods = build_protocols(learning.setup_of(square_study, learned)) | build_rivals(square_study, given)
    assert len(methods) > 20
    for name, built in methods.items():
        known = {"labels": labels} if find_method(name).uses_label else {}
        with traced() as ran:
            built(x, **known)
        assert len(ran) > 2 and not missed(ran, functions_of(built)), name


def functions_of(built: partial) -> list:
    """The function of a method, and those of its arguments: views, and the region source."""
    given = [getattr(value, "function", value) for value in (*built.args, *built.keywords.values())]
    return [built.func, *filter(inspect.isfunction, given)]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return write_results(tmp_path_factory.mktemp("results") / "quick", "quick")


@pytest.mark.parametrize("item", [*FIGURES.values(), *TABLES.values()], ids=lambda item: item.name)
def test_figures_and_tables(item, results, tmp_path):
    step = FIGURE if item.name.startswith("fig") else TABLE
    opened = Results(results)
    with traced() as ran:
        item.save(item(opened), tmp_path / item.name)
    assert len(ran) > 5 and not missed(ran, [*step.functions, item.function])


def test_a_function_that_is_not_covered_is_noticed():
    with traced() as ran:
        check(SQUARE)
        partial(torch.add, torch.ones(1), torch.ones(1))()
    assert "clipaction.masking.conditions.check" in missed(ran, [read_clip])
