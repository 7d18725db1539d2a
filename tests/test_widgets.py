"""The explorers show the knobs that have an effect and no other, and the frames that methods show to CLIP."""

import ipywidgets as W
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
from cells import descendants

from clipaction.analysis.attention import noisy_images
from clipaction.masking.conditions import parse
from clipaction.noise.apply import action_boxes
from clipaction.noise.files import save_noise
from clipaction.noise.learning import RECIPES, load_learned, setup_of
from clipaction.noise.parameters import ClassNoise
from clipaction.noise.protocols import HEADLINE
from clipaction.notebook.explorers import (
    NOISES,
    condition_name,
    draw_noisy,
    idle_knobs,
    idle_noise_knobs,
    noise_explorer,
    noisy_frames,
)
from clipaction.vision.clip import clips_to_input

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


@pytest.fixture
def trained(square_study):
    """A study with noises of every kind, as notebook 04 leaves them."""
    rows = {"anchored": 2, HEADLINE: 6, "anchored-class-real": 6, "shared": 1}
    for k, (name, recipe) in enumerate(RECIPES.items()):
        noise = ClassNoise(rows.get(name, 5), 48, 48 / 255, 4, seed=k)().detach() * 30
        gate = torch.randn(5, 9, generator=torch.Generator().manual_seed(k)) if recipe.gate else None
        save_noise(square_study.results / "noise" / f"{name}.safetensors", noise, gate)
    return square_study


def frames_of(study, **knobs) -> np.ndarray:
    return noisy_frames(study, study.meta.head(1), **knobs)[0]


@pytest.mark.parametrize("method", NOISES)
def test_a_noise_knob_is_hidden_exactly_when_turning_it_changes_nothing(trained, method):
    knobs, others = {"method": method, "strength": 1.0, "of": "class1"}, {"strength": 0.4, "of": "class2"}
    shown = frames_of(trained, **knobs)
    same = {k for k, other in others.items() if (frames_of(trained, **{**knobs, k: other}) == shown).all()}
    assert same == idle_noise_knobs(**knobs)


def test_the_explorer_shows_what_the_protocols_show_to_clip(trained):
    clip = trained.meta.head(1)
    x, setup = clips_to_input(trained.store.get(clip["row"])), setup_of(trained, load_learned(trained))
    seen = noisy_images(setup, x)
    for name in ("none", HEADLINE, "anchored", "gated"):
        expected = seen[name][0].permute(0, 2, 3, 1).numpy() * 255
        frames, boxes = noisy_frames(trained, clip, name)
        assert np.abs(frames - expected).max() <= 0.51, name
        assert (boxes is not None) == name.startswith("anchored")
    assert (noisy_frames(trained, clip, HEADLINE, strength=0.0)[0] == trained.store.frames[0]).all()
    assert (noisy_frames(trained, clip, HEADLINE)[1] == action_boxes(x, "motion")[0].numpy()).all()


def test_the_box_of_what_moves_is_drawn_on_the_picture_and_not_into_the_frames(trained):
    clip = trained.meta["clip"][0]
    figures = [draw_noisy(trained, clip, name) for name in (HEADLINE, "gated")]
    with_boxes, without = (figure.axes[0] for figure in figures)
    boxes = action_boxes(clips_to_input(trained.store.frames[:1]), "motion")[0]
    corners = [(patch.get_x(), patch.get_y()) for patch in with_boxes.patches]
    expected = [(48 * t + u.nonzero()[0].item() - 0.5, v.nonzero()[0].item() - 0.5)
                for t, (v, u) in enumerate((m.any(1), m.any(0)) for m in boxes)]  # fmt: skip
    assert corners == expected and len(corners) == 4 and not without.patches
    (image,) = with_boxes.images
    strip = np.concatenate(list(frames_of(trained, method=HEADLINE)), axis=1)
    assert (np.asarray(image.get_array()) == strip).all()
    plt.close("all")


def test_every_noise_of_the_explorer_can_be_drawn(trained):
    box = noise_explorer(trained)
    (choice,) = (widget for widget in descendants(box) if isinstance(widget, W.ToggleButtons))
    assert choice.value == HEADLINE and list(choice.options) == NOISES
    for name in NOISES:
        choice.value = name
