"""Named conditions: a name and a clip decide every pixel; controls take exactly as much as what they control."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.masking import masks, regions
from clipaction.masking.conditions import Context, RegionCondition, apply, apply_batch, check, describe, parse
from clipaction.masking.controls import CONTROLS, elsewhere
from clipaction.masking.fills import FILLS
from clipaction.masking.plan import plan
from clipaction.masking.shapes import SHAPES
from clipaction.profiles import load_profile

T, S = 4, 48


def clip(name: str = "home/v_A_g01_c01") -> tuple[np.ndarray, Context]:
    """Bright frames, a small actor with a prop that walks, and plates of one grey."""
    rng = np.random.default_rng(len(name))
    frames = rng.integers(60, 256, (T, S, S, 3), dtype=np.uint8)
    parts = np.zeros((T, 5, S, S), np.uint8)
    for t in range(T):
        parts[t, 0, 10:16, 10 + t : 15 + t] = 255
        parts[t, 1, 16:28, 9 + t : 16 + t] = 255
        parts[t, 2, 28:38, 9 + t : 17 + t] = rng.integers(0, 256, (10, 8))
        parts[t, 3, 20:24, 16 + t : 22 + t] = 200
        parts[t, 4, 2:5, 3:20] = 255
    plates = np.full_like(frames, 33)
    for array in (frames, parts, plates):
        array.flags.writeable = False  # as rows of the store's memory map
    return frames, Context(name, 0, parts, plates, {"relevance": relevance})


def relevance() -> torch.Tensor:
    """A map [T, S, S] that is highest in one row."""
    return -torch.cdist(torch.arange(S)[:, None] - 20.0, torch.zeros(1, 1)).expand(T, S, S)


PROFILE = SimpleNamespace(
    masking=SimpleNamespace(
        percents=(10, 30), shapes=tuple(SHAPES), placements=masks.PLACEMENTS, motions=masks.MOTIONS, also=()
    ),
    regions=SimpleNamespace(
        sources=("truth", "motion", "relevance"),
        parts=regions.PARTS,
        grains=("silhouette", "box", "plate"),
        controls=tuple(CONTROLS),
        fills=FILLS,
    ),
)
ALL = plan(PROFILE)
REGION = [name for name in ALL if name.startswith(("hide", "keep")) and "plate" not in name and "/" not in name]


def region_mask(name: str, frames: torch.Tensor, context: Context) -> torch.Tensor:
    condition = parse(name)
    assert isinstance(condition, RegionCondition)
    return condition.region(frames, context)


def area(name):
    frames, context = clip()
    return region_mask(name, torch.from_numpy(frames.copy()), context).double().sum((1, 2))


@pytest.mark.parametrize("name", ALL)
def test_every_planned_condition(name):
    frames, context = clip()
    before = frames.copy()
    out = apply(name, frames, context)
    assert isinstance(out, np.ndarray) and out.dtype == np.uint8 and out.shape == frames.shape
    assert (frames == before).all() and not np.shares_memory(out, frames)
    assert (out == apply(name, frames, context)).all()
    as_tensor = apply(name, torch.from_numpy(before), context)
    assert isinstance(as_tensor, torch.Tensor) and (as_tensor.numpy() == out).all()
    assert parse(name).name == name and describe(name)
    if "motion" not in name and "background:box" not in name:
        assert (out == frames).all() == (name == "none")


def test_shape_conditions_black_out_exactly_their_share():
    frames, context = clip()
    for name in ALL:
        if name.startswith("shape"):
            black = (apply(parse(name).black, frames, context) == 0).all(-1).sum((1, 2))
            assert black.tolist() == [masks.pixels(parse(name).percent, (S, S))] * T


@pytest.mark.parametrize("name", REGION)
def test_controls_take_the_same_area(name):
    assert torch.allclose(area(f"control:{name}"), area(name), atol=1e-4)
    assert (area(f"cells:{name}") == area(name).round()).all()


def test_the_control_is_the_same_shape_elsewhere():
    frames, context = clip()
    x = torch.from_numpy(frames.copy())
    for name in ("hide:actor+prop:silhouette", "keep:actor+prop:box", "hide:background:silhouette"):
        mask, moved = (region_mask(n, x, context) for n in (name, f"control:{name}"))
        if "background" in name:
            mask, moved = 1 - mask, 1 - moved
        assert (mask * moved).sum() < 0.15 * mask.sum()
        shifts = [(v, u) for v in range(S) for u in range(S) if torch.equal(mask[0].roll((v, u), (0, 1)), moved[0])]
        for t in range(1, T):  # one shift for the whole clip
            assert any(torch.equal(mask[t].roll(s, (0, 1)), moved[t]) for s in shifts)


def test_a_control_of_a_large_box_goes_around_the_edges():
    mask = torch.zeros(2, 40, 60)
    mask[:, 4:38, 20:45] = 1
    moved = elsewhere(mask, np.random.default_rng(0))
    assert moved.sum() == mask.sum() and (mask * moved).sum() < 0.1 * mask.sum()
    assert (elsewhere(torch.zeros(2, 8, 8), np.random.default_rng(0)) == 0).all()


@pytest.mark.parametrize("grain", ["silhouette", "box"])
@pytest.mark.parametrize(
    "part", ["actor", "head", "limbs", "prop", "actor+prop", "background", "relevant", "relevant35"]
)
def test_hiding_and_keeping_partition_the_frame(part, grain):
    frames, context = clip()
    hidden, kept = (apply(f"{kind}:{part}:{grain}", frames, context) for kind in ("hide", "keep"))
    assert (hidden + kept == frames).all()


def test_hidden_background_is_the_kept_actor_and_prop():
    frames, context = clip()
    for grain in ("silhouette", "box"):
        same = apply(f"hide:background:{grain}", frames, context) == apply(f"keep:actor+prop:{grain}", frames, context)
        assert same.all()


def test_grains_hide_more_and_more():
    frames, context = clip()
    x = torch.from_numpy(frames.copy())
    grains = ("silhouette", "box", "plate")
    silhouette, box, plate = (region_mask(f"hide:actor:{grain}", x, context) for grain in grains)
    assert (silhouette <= plate).all() and (box[silhouette > 0.1] == 1).all()
    out = apply("hide:actor:plate", frames, context)
    assert (out[plate.numpy() == 1] == 33).all() and (out[plate.numpy() == 0] == frames[plate.numpy() == 0]).all()


def test_order_and_company_change_nothing():
    clips = [clip(f"home/v_{c}") for c in "abcde"]
    frames, contexts = np.stack([f for f, _ in clips]), [c for _, c in clips]
    for name in (
        "shape:blob:30:random:moving",
        "cells:hide:actor:box",
        "control:keep:actor:box",
        "shape:patches:10:random:still",
    ):
        batch = apply_batch(name, frames, contexts)
        assert (apply_batch(name, frames[::-1], contexts[::-1])[::-1] == batch).all()
        assert all((apply(name, f, c) == b).all() for f, c, b in zip(frames, contexts, batch))
        assert len({(out == 0).tobytes() for out in batch}) > 1
        other = [Context(**{**vars(c), "seed": 1}) for c in contexts]
        assert (apply_batch(name, frames, other) != batch).any()


@pytest.mark.parametrize(
    "name",
    [
        "shape:square:30:centre:still",
        "shape:patches:30:random:still",
        "hide:actor:box",
        "control:hide:actor:box",
        "keep:actor+prop:box",
    ],
)
def test_fills_change_the_colour_of_the_same_pixels(name):
    frames, context = clip()
    hidden = (apply(name, frames, context) == 0).all(-1)
    for fill in ("mean", "blur"):
        out = apply(f"{name}/{fill}", frames, context)
        assert (out[~hidden] == frames[~hidden]).all() and (out[hidden] > 60).all()
    mean = apply(f"{name}/mean", frames, context)
    assert all(np.abs(m[h] - f.mean((0, 1))).max() < 1 for m, h, f in zip(mean, hidden, frames))


def test_feathered_edges_keep_the_area_and_fade():
    frames, context = clip()
    frames = np.full_like(frames, 200)
    for name in ("shape:circle:30:centre:still", "hide:actor:box"):
        kept, soft = (apply(n, frames, context).astype(float) / 200 for n in (name, f"{name}/soft"))
        assert abs((1 - soft).mean() / (1 - kept).mean() - 1) < 0.08
        assert set(np.unique(kept)) == {0, 1} and ((soft > 0.1) & (soft < 0.9)).any()
    for wrong in ("none/mean", "hide:actor:plate/mean", "shape:square:30:centre:still/red", "hide:actor:box/"):
        with pytest.raises(UserError, match="unknown condition"):
            parse(wrong)


def test_plan_asks_each_source_for_what_it_can_give():
    assert len(ALL) == len(set(ALL)) and ALL[0] == "none"
    assert (
        "hide:actor:box" in ALL and "cells:keep:actor+prop:silhouette" in ALL and "control:hide:head:silhouette" in ALL
    )
    assert "hide:actor+prop:box@motion" in ALL and "hide:actor:box@motion" not in ALL
    assert "hide:relevant:silhouette" in ALL and "hide:actor:plate" in ALL
    assert not [n for n in ALL if "plate" in n and ("motion" in n or "keep" in n or "control" in n or "cells" in n)]
    fewer = SimpleNamespace(
        masking=PROFILE.masking, regions=SimpleNamespace(**{**vars(PROFILE.regions), "controls": ("cells",)})
    )
    assert not [n for n in plan(fewer) if n.startswith("control")] and "cells:hide:actor:box" in plan(fewer)


def test_a_profile_may_ask_for_any_condition_by_name():
    name = "shape:square:27.5:centre:still"
    wanted = SimpleNamespace(**{**vars(PROFILE.masking), "also": (name, "none")})
    found = plan(SimpleNamespace(masking=wanted, regions=PROFILE.regions))
    assert found == [*plan(PROFILE), name]
    assert load_profile("quick", {"masking.also": [name]}).masking.also == (name,)
    with pytest.raises(UserError, match="masking.also.*unknown condition 'shape:heart"):
        load_profile("quick", {"masking.also": ["shape:heart"]})


def test_words():
    words = {
        "none": "unmasked",
        "shape:square:30:centre:still": "30 % square",
        "shape:blob:12.5:random:moving": "12.5 % blob, random, moving",
        "hide:actor:box": "actor hidden (box)",
        "hide:actor+prop:box@motion": "actor and prop hidden (box, by motion)",
        "keep:background:silhouette": "only background (silhouette)",
        "hide:relevant:silhouette": "most relevant 20 % hidden (silhouette)",
        "control:hide:head:box": "same mask elsewhere: head hidden (box)",
        "cells:keep:actor:box": "equal area in cells: only actor (box)",
    }
    assert {name: describe(name) for name in words} == words


@pytest.mark.parametrize(
    "name",
    [
        "",
        "nothing",
        "none:",
        "shape:square:30",
        "shape:square:130:centre:still",
        "shape:square:x:centre:still",
        "hide:actor",
        "hide:tail:box",
        "hide:actor:blur",
        "keep:actor:plate",
        "control:hide:actor:plate",
        "control:none",
        "control:shape:square:30:centre:still",
        "control:control:hide:actor:box",
    ],
)
def test_an_unknown_name_is_answered_with_the_known_ones(name):
    with pytest.raises(UserError, match="unknown condition") as error:
        parse(name)
    assert "hide:<actor" in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize(
    "name, text",
    [
        ("shape:cube:30:centre:still", 'unknown mask shape "cube"; choose one of square, '),
        ("shape:sqare:30:centre:still", 'unknown mask shape "sqare"; did you mean "square"?'),
        ("hide:actor:box@guess", 'unknown region source "guess"; choose one of '),
        ("hide:actor:box@motion", "the region source motion cannot find 'actor'; it gives actor+prop, background"),
    ],
)
def test_a_shape_or_source_that_is_not_registered_is_named_where_pixels_are_asked_for(name, text):
    """Parsing alone does not ask: results that were made elsewhere may name a notebook's own shape."""
    assert describe(name)
    for refused in (lambda: check(name), lambda: apply(name, *clip())):
        with pytest.raises(UserError) as error:
            refused()
        assert text in str(error.value) and "\n" not in str(error.value)


def test_missing_truth_is_said():
    frames, context = clip()
    bare = Context(context.clip)
    with pytest.raises(UserError, match="ground truth"):
        apply("hide:actor:box", frames, bare)
    with pytest.raises(UserError, match="plates"):
        apply("hide:actor:plate", frames, Context(context.clip, parts=context.parts))


@pytest.mark.parametrize("source", ["detector", "boxes"])
def test_sources_given_from_outside_serve_every_condition_that_is_planned_for_them(source):
    """Hide and keep, each part and grain that the source can tell, with controls: pixels go where its cover says."""
    profile = load_profile("ucf101", {"regions.sources": [source], "regions.parts": list(regions.PARTS)})
    names = [name for name in plan(profile) if name.endswith(f"@{source}")]  # in black
    assert {parse(name).part for name in names} == {part for part in regions.PARTS if regions.gives(source, part)}
    cover = np.zeros((T, 2, S, S), np.uint8)
    cover[:, 0, 10:30, 10:20], cover[:, 1, 30:34, 10:20] = 255, 255 * (source == "detector")
    frames = np.full((T, S, S, 3), 200, np.uint8)
    for name in names:
        out = apply(name, frames, Context("clip", found={source: lambda: cover}))
        assert 0 < (out == 0).mean() < 1, name
    hidden = apply(f"hide:actor:silhouette@{source}", frames, Context("clip", found={source: lambda: cover}))
    assert (hidden[:, 10:30, 10:20] == 0).all() and (hidden == 0).sum() == 3 * T * 200
