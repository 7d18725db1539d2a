"""Other ways to show CLIP the clip: each touches only what it says."""

from functools import partial

import pytest
import torch

from clipaction.evaluate.methods import METHODS
from clipaction.masking.regions import SOURCES
from clipaction.noise.apply import action_boxes, isolate
from clipaction.rivals import RivalSetup
from clipaction.rivals.seen import SECTION, blurred_background, grey_background, red_circle, shown_scores
from clipaction.vision.clip import clips_to_input
from clipaction.vision.zero_shot import zero_shot

TOP, BOTTOM, LEFT, RIGHT = 30, 60, 20, 70  # of the box, in a frame of 96


@pytest.fixture
def x():
    return torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def m():
    """The first frame has a box, the second none."""
    m = torch.zeros(2, 96, 96)
    m[0, TOP:BOTTOM, LEFT:RIGHT] = 1
    return m


@pytest.mark.parametrize("show", [red_circle, blurred_background, grey_background, isolate])
def test_a_frame_in_which_nothing_was_found_stays_whole(show, x, m):
    before = x.clone()
    shown = show(x, m)
    assert torch.equal(shown[1], x[1]) and not torch.equal(shown[0], x[0])
    assert torch.equal(x, before) and shown.shape == x.shape and shown.min() >= 0 and shown.max() <= 1


@pytest.mark.parametrize("show", [blurred_background, grey_background, isolate])
def test_the_inside_of_the_box_stays_as_it_is(show, x, m):
    shown, inside = show(x, m)[0], m[0].bool()
    assert torch.equal(shown[:, inside], x[0][:, inside])
    assert ((shown != x[0]).any(0) == ~inside).float().mean() > 0.99


def test_a_grey_background_has_the_mean_of_the_colours(x, m):
    outside = m[0] == 0
    shown = grey_background(x, m)[0][:, outside]
    torch.testing.assert_close(shown, x[0].mean(0)[outside].expand(3, -1))


def test_a_blurred_background_is_a_gaussian_of_a_tenth_of_the_frame(m):
    """A grey ground stays as it is; a step across becomes the error function of that width."""
    plain = torch.full((2, 3, 96, 96), 0.4)
    torch.testing.assert_close(blurred_background(plain, m), plain)
    step = torch.zeros(2, 3, 96, 96)
    step[..., 48:] = 1
    row = blurred_background(step, m)[0, 0, 5]
    expected = 0.5 * (1 + torch.erf((torch.arange(96) - 47.5) / 9.6 / 2**0.5))
    torch.testing.assert_close(row[24:72], expected[24:72], atol=0.03, rtol=0)
    assert (row.diff() >= -1e-6).all()


def test_the_red_circle_is_a_ring_around_the_box_and_nothing_else(x, m):
    shown = red_circle(x, m)[0]
    ring = (shown != x[0]).any(0)
    assert (shown[:, ring] == torch.tensor([1.0, 0.0, 0.0])[:, None]).all()
    v, u = ring.nonzero().T
    a, b = (BOTTOM - TOP - 1) / 2 * 2**0.5, (RIGHT - LEFT - 1) / 2 * 2**0.5
    radius = (((v - (TOP + BOTTOM - 1) / 2) / a) ** 2 + ((u - (LEFT + RIGHT - 1) / 2) / b) ** 2).sqrt()
    assert ((radius - 1).abs() * min(a, b) <= 1.01).all()  # the ellipse through the corners, two pixels wide
    corners = [ring[r - 1 : r + 2, c - 1 : c + 2].any() for r in (TOP, BOTTOM - 1) for c in (LEFT, RIGHT - 1)]
    assert all(corners)
    assert not ring[TOP + 8 : BOTTOM - 8, LEFT + 8 : RIGHT - 8].any() and 100 < ring.sum() < 600


def test_the_ring_grows_with_the_frame(x):
    small, large = torch.zeros(1, 96, 96), torch.zeros(1, 192, 192)
    small[0, 30:60, 20:70], large[0, 60:120, 40:140] = 1, 1
    counts = [(red_circle(torch.zeros(1, 3, m.shape[-1], m.shape[-1]), m)[0, 0] == 1).sum() for m in (small, large)]
    assert counts[1] / counts[0] == pytest.approx(4, rel=0.1)


def test_a_ring_that_leaves_the_frame_is_cut_off():
    m = torch.ones(1, 96, 96)
    shown = red_circle(torch.zeros(1, 3, 96, 96), m)
    assert shown.shape == (1, 3, 96, 96) and (shown[0, 0] == 1).sum() < 96


def test_scores_are_zero_shot_on_what_is_shown(square_study):
    clip, head, x = square_study.clip, square_study.head(), clips_to_input(square_study.store.frames)
    m = action_boxes(x, "motion").flatten(0, 1)
    seen = isolate(x.flatten(0, 1), m)
    for found, expected in zip(
        shown_scores(clip, head, isolate, "motion", x), zero_shot(clip, head, seen.unflatten(0, (12, 4)))
    ):
        torch.testing.assert_close(found, expected)
    both = shown_scores(clip, head, isolate, "motion", x, whole=True)[1]
    mean = clip.encode_image(seen) + clip.encode_image(x.flatten(0, 1))
    torch.testing.assert_close(both.flatten(0, 1), torch.nn.functional.normalize(mean, dim=-1) @ head.T)


def test_they_need_no_training_and_no_labels(square_study):
    rivals = {name: entry for name, entry in METHODS.items() if entry.section == SECTION and entry.kind == "rival"}
    assert set(rivals) == {"isolated", "whole+isolated", "red-circle", "blurred-background", "grey-background"}
    setup = RivalSetup(square_study.clip, square_study.head(), {}, [], source=SOURCES["motion"])
    x = clips_to_input(square_study.store.frames)
    answers = [entry.build(setup)(x)[0] for entry in rivals.values()]
    assert all(entry.labels == "none" and not entry.needs for entry in rivals.values())
    plain = partial(zero_shot, square_study.clip, square_study.head())(x)[0]
    assert all(
        not torch.allclose(one, two, atol=1e-4) for i, one in enumerate(answers) for two in [plain, *answers[:i]]
    )
