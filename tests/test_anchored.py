"""Anchored noise: one noise where the action is, another one elsewhere; the box is found on the very frames given."""

import pandas as pd
import pytest
import torch

from clipaction.analysis import attack
from clipaction.analysis.attack import attack_rates, attacked, kept_attack_rates, total_rates
from clipaction.base.code import fingerprint
from clipaction.base.errors import UserError
from clipaction.masking.regions import box, regions_of_images, source
from clipaction.noise.apply import action_boxes, anchored, isolate, with_anchored_noise
from clipaction.noise.gates import gate_weights
from clipaction.noise.learning import Learned, Material, setup_of
from clipaction.noise.parameters import ClassNoise, anchored_noise
from clipaction.noise.protocols import build_protocols
from clipaction.rivals import build_rivals
from clipaction.vision.clip import clips_to_input
from clipaction.vision.zero_shot import zero_shot


@pytest.fixture
def images(square_study):
    return clips_to_input(square_study.store.frames)


@pytest.fixture
def delta():
    """d_in of five classes, and d_out."""
    return ClassNoise(6, 48, 48 / 255, 4, seed=3)().detach() * 30


def random(*shape, seed=0):
    return torch.rand(*shape, generator=torch.Generator().manual_seed(seed))


def test_it_is_the_formula(delta):
    m, weights = random(7, 48, 48), random(7, 5, seed=1).softmax(1)
    found = anchored_noise(m, weights, delta)
    for frame in range(7):
        inside = sum(weights[frame, k] * delta[k] for k in range(5))
        torch.testing.assert_close(found[frame], m[frame] * inside + (1 - m[frame]) * delta[5])


def test_outside_the_box_and_where_nothing_is_found_d_out_alone_acts(delta):
    one, two = random(3, 5).softmax(1), random(3, 5, seed=1).softmax(1)
    nowhere, half = torch.zeros(3, 48, 48), torch.zeros(3, 48, 48)
    half[:, :, :24] = 1
    assert torch.equal(anchored_noise(nowhere, one, delta), delta[5].expand(3, -1, -1, -1))
    found = [anchored_noise(half, weights, delta) for weights in (one, two)]
    assert torch.equal(found[0][..., 24:], found[1][..., 24:]) and not torch.equal(found[0], found[1])
    other = torch.cat([delta[:5], -delta[5:]])
    assert torch.equal(anchored_noise(half, one, other)[..., :24], found[0][..., :24])


@pytest.mark.parametrize("norm", ["linf", "l2"])
def test_both_parts_are_within_eps_and_so_is_what_is_added(norm):
    model = ClassNoise(6, 48, 48 / 255, 4, norm=norm)
    with torch.no_grad():
        model.theta.mul_(1e4)
    delta = model().detach()
    size = delta.abs().amax((1, 2, 3)) if norm == "linf" else delta.pow(2).mean((1, 2, 3)).sqrt()
    assert (size <= 48 / 255 + 1e-6).all() and (size > 40 / 255).all()
    if norm == "linf":
        found = anchored_noise(box(random(4, 48, 48).round()), random(4, 5, seed=1).softmax(1), delta)
        assert found.abs().max() <= 48 / 255 + 1e-6


def test_boxes_hold_what_moves(square_study, images):
    found, truth = action_boxes(images, "motion"), torch.from_numpy(square_study.store.parts[:, :, 0] > 0)
    assert found.shape == (12, 4, 48, 48) and set(found.unique().tolist()) == {0, 1}
    assert (found[truth] == 1).all() and found.mean() < 0.15
    still = images[:, :1].expand(-1, 4, -1, -1, -1)
    assert (action_boxes(still, "motion") == 0).all()


def test_the_box_is_found_on_the_very_images_given(square_study, images, delta):
    """Behind a mask another part of the action is left, and the noise follows it."""
    masked = images.clone()
    masked[..., 24:] = 0
    d_in, d_out = torch.full((3, 48, 48), 0.1), torch.full((3, 48, 48), -0.05)
    boxes = {}
    for name, x in (("whole", 0.2 + 0.6 * images), ("masked", 0.2 + 0.6 * masked)):  # far from 0 and 1: nothing is cut
        added = with_anchored_noise(square_study.clip, None, x, torch.stack([d_in, d_out]), "motion") - x
        boxes[name] = (added > 0).all(2).float()
        assert torch.equal(boxes[name], action_boxes(x, "motion"))
        assert torch.equal(boxes[name], torch.stack([box(clip) for clip in regions_of_images(x, "motion")]))
    assert boxes["whole"][..., 26:].any() and not boxes["masked"][..., 26:].any()


def test_only_sources_that_look_at_nothing_but_the_images_can_anchor(images):
    for name in ("truth", "relevance", "boxes", "detector"):
        with pytest.raises(UserError, match=f"'{name}' needs more than the frames"):
            action_boxes(images[:1], name)


def test_other_code_of_the_region_source_is_another_method(square_study, delta, registries):
    """Its answers are kept by key, and they rest on the boxes."""

    def keys(width: int) -> list[str]:
        @source("left", parts=("actor+prop",))
        def left(part, evidence):
            mask = torch.zeros(evidence.frames.shape[:3])
            mask[..., :width] = 1
            return mask

        noise = square_study.profile.noise.model_copy(update={"anchor": "left"})
        vars(square_study).update(profile=square_study.profile.model_copy(update={"noise": noise}))
        setup = setup_of(square_study, Learned({"anchored": delta[4:]}, {}))
        rivals = build_rivals(square_study, {"given": Material(None, {}, "")})
        built = build_protocols(setup, ["anchored"]) | {name: rivals[name] for name in ("isolated", "red-circle")}
        return [fingerprint(method) for method in built.values()]

    one, two, again = keys(10), keys(20), keys(10)
    assert one == again and not set(one) & set(two) and len(set(one)) == 3


def test_isolated_frames_are_black_outside_the_box_and_whole_where_nothing_was_found(images):
    m = torch.zeros(2, 48, 48)
    m[0, 4:20, 8:30] = 1
    seen = isolate(images[0, :2], m)
    assert torch.equal(seen[0, :, 4:20, 8:30], images[0, 0, :, 4:20, 8:30]) and torch.equal(seen[1], images[0, 1])
    seen[0, :, 4:20, 8:30] = 0
    assert (seen[0] == 0).all()


def test_the_gate_sees_the_isolated_action(square_study, images, delta):
    clip, head, gate = square_study.clip, square_study.head(), 4 * random(5, 9) - 2
    m = action_boxes(images, "motion").flatten(0, 1)
    frames = images.flatten(0, 1)
    weights = gate_weights(clip.encode_image(isolate(frames, m)), head, gate, clip.tau)
    expected = (frames + anchored_noise(m, weights, delta)).clamp(0, 1).unflatten(0, (12, 4))
    noisy = with_anchored_noise(clip, head, images, delta, "motion", gate)
    torch.testing.assert_close(noisy, expected)
    scores = anchored(clip, head, images, delta, "motion", gate)
    for found, wanted in zip(scores, zero_shot(clip, head, expected)):
        torch.testing.assert_close(found, wanted)
    whole = gate_weights(clip.encode_image(frames), head, gate, clip.tau)
    assert not torch.allclose(whole, weights, atol=1e-3)


def test_where_more_classes_compete_d_in_is_the_weaker_the_less_likely_a_class_with_noise_is(
    square_study, images, delta
):
    clip, head = square_study.clip, torch.nn.functional.normalize(2 * random(7, 8, seed=3) - 1, dim=-1)
    frames, m = images.flatten(0, 1), action_boxes(images, "motion").flatten(0, 1)
    features = clip.encode_image(isolate(frames, m))
    known = (features @ head.T / clip.tau).softmax(1)[:, :5].sum(1, keepdim=True)
    for gate in (None, 4 * random(5, 9) - 2):
        own = gate_weights(features, head[:5], gate, clip.tau)
        expected = (frames + anchored_noise(m, known * own, delta)).clamp(0, 1).unflatten(0, (12, 4))
        torch.testing.assert_close(with_anchored_noise(clip, head, images, delta, "motion", gate), expected)
    assert known.min() < 0.9


def test_zero_noise_changes_nothing(square_study, images):
    clip, head = square_study.clip, square_study.head()
    for rows in (2, 6):
        for found, plain in zip(
            anchored(clip, head, images, torch.zeros(rows, 3, 48, 48), "motion"), zero_shot(clip, head, images)
        ):
            torch.testing.assert_close(found, plain)


def test_attack_rates_put_a_class_noise_into_the_box_and_d_out_around_it(square_study, images, delta):
    clip, head, labels = square_study.clip, square_study.head(), torch.arange(12) % 5
    m, delta = action_boxes(images, "motion"), 40 * delta  # strong enough to turn some clips
    turned, tried = attacked(clip, head, images, labels, delta, m)
    assert tried.tolist() == [int((labels != c).sum()) for c in range(5)]
    for c in range(5):
        others = images[labels != c]
        inside = m[labels != c][:, :, None]
        noisy = (others + inside * delta[c] + (1 - inside) * delta[5]).clamp(0, 1)
        assert turned[c] == (zero_shot(clip, head, noisy)[0].argmax(1) == c).sum(), c
    assert turned.sum() > 0 and turned.tolist() != attacked(clip, head, images, labels, delta, 1 - m)[0].tolist()
    outside_only = attacked(clip, head, images, labels, delta, torch.zeros_like(m))[0]
    clean = zero_shot(clip, head, (images + delta[5]).clamp(0, 1))[0].argmax(1)
    assert outside_only.tolist() == [int(((clean == c) & (labels != c)).sum()) for c in range(5)]


def test_attack_rates_are_of_noises_with_one_a_class(square_study, delta):
    noises = {"anchored-class": delta, "gated": delta[:5], "anchored": delta[4:], "shared": delta[:1]}
    table = attack_rates(square_study, square_study.meta, noises)
    assert set(table["variant"]) == {"none", "anchored-class", "gated"} and len(table) == 15
    assert (table["rate"] == table["successes"] / table["of"]).all()
    total = total_rates(table)
    assert total.loc["anchored-class", "rate"] == total.loc["anchored-class", "successes"] / total.loc["none", "of"]
    nothing = attack_rates(square_study, square_study.meta, {"anchored-class": 0 * delta}).set_index(["variant", "cls"])
    assert nothing.loc["anchored-class", "successes"].tolist() == nothing.loc["none", "successes"].tolist()


def test_attack_rates_are_kept_until_a_noise_or_a_label_changes(square_study, delta, monkeypatch):
    counted: list[int] = []
    monkeypatch.setattr(attack, "attack_rates", lambda *args: counted.append(1) or attack_rates(*args))
    meta, noises = square_study.meta, {"gated": delta[:5]}
    first = kept_attack_rates(square_study, meta, noises)
    pd.testing.assert_frame_equal(kept_attack_rates(square_study, meta, {"gated": delta[:5].clone()}), first)
    assert len(counted) == 1
    kept_attack_rates(square_study, meta, {"gated": 2 * delta[:5]})
    kept_attack_rates(square_study, meta.assign(label=(meta["label"] + 1) % 5), {"gated": 2 * delta[:5]})
    assert len(counted) == 3
