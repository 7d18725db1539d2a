"""Linear probes: they learn, know which classes had no training clips, and see what their name says."""

import numpy as np
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.noise.apply import action_boxes, isolate
from clipaction.noise.learning import materials
from clipaction.noise.probe import linear_probe
from clipaction.rivals import build_rivals, prompted
from clipaction.rivals.probe import isolated_probe_scores, probe_scores
from clipaction.vision.clip import clips_to_input


def test_linear_probe_of_two_classes():
    weight, bias = linear_probe(np.eye(4), [0, 2, 0, 2], np.eye(4), [0, 2, 0, 2])
    assert (np.eye(4) @ weight.T + bias).argmax(1).tolist() == [0, 2, 0, 2] and bias[1] == -50


def test_linear_probe_learns_and_knows_absent_classes():
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(4, 32))

    def sample(n):
        labels = rng.integers(0, 3, n)
        features = centres[labels] + rng.normal(size=(n, 32))
        return features / np.linalg.norm(features, axis=1, keepdims=True), labels

    weight, bias = linear_probe(*sample(120), *sample(60), classes=4)
    features, labels = sample(100)
    logits = features @ weight.T + bias
    assert weight.shape == (4, 32) and (logits[:, 3] == -50).all()
    assert (logits.argmax(1) == labels).mean() > 0.95
    with pytest.raises(UserError, match="at least two classes"):
        linear_probe(features, np.zeros(100, int), features, labels)


def test_scores_give_the_probes_probabilities_back(toy_clip, toy_frames):
    x = torch.from_numpy(toy_frames).permute(0, 1, 4, 2, 3).float() / 255
    probe = torch.randn(5, 9, generator=torch.Generator().manual_seed(0))
    clips, frames = probe_scores(toy_clip, probe, x)
    features = torch.nn.functional.normalize(
        toy_clip.encode_image(x.flatten(0, 1)).unflatten(0, (12, 3)).mean(1), dim=-1
    )
    torch.testing.assert_close(
        (clips / toy_clip.tau).softmax(1), (features @ probe[:, :-1].T + probe[:, -1]).softmax(1)
    )
    assert frames.shape == (12, 3, 5)


def test_an_isolated_probe_sees_the_box_alone_and_the_whole_frame_beside_it_when_asked(square_study):
    clip, x = square_study.clip, clips_to_input(square_study.store.frames)
    generator = torch.Generator().manual_seed(0)
    isolated = isolate(x.flatten(0, 1), action_boxes(x, "motion").flatten(0, 1)).unflatten(0, (12, 4))
    one = torch.randn(5, 9, generator=generator)
    for found, expected in zip(
        isolated_probe_scores(clip, one, x, "motion", whole=False), probe_scores(clip, one, isolated)
    ):
        torch.testing.assert_close(found, expected)
    both = torch.randn(5, 17, generator=generator)
    clips, frames = isolated_probe_scores(clip, both, x, "motion", whole=True)
    seen = [clip.encode_image(part.flatten(0, 1)).unflatten(0, (12, 4)) for part in (x, isolated)]
    of_clips = torch.cat([torch.nn.functional.normalize(part.mean(1), dim=-1) for part in seen], 1)
    torch.testing.assert_close((clips / clip.tau).softmax(1), (of_clips @ both[:, :-1].T + both[:, -1]).softmax(1))
    logits = torch.cat(seen, 2) @ both[:, :-1].T + both[:, -1]
    torch.testing.assert_close((frames / clip.tau).softmax(2), logits.softmax(2))


def test_probes_learn_from_the_views_that_they_are_named_after(square_study, monkeypatch):
    monkeypatch.setattr(prompted, "tune_prompts", lambda clip, *_: square_study.head())  # the toy has no text tower
    given = materials(square_study, square_study.clips("train"), square_study.clips("val"))
    rivals, views = build_rivals(square_study, given), given["given"].views
    learned = {
        "probe": views["whole"].probe,
        "probe-unswapped": views["unswapped"].probe,
        "probe-isolated": views["isolated"].probe,
        "probe-both": views["whole"].beside(views["isolated"]).probe,
        "probe-real": given["real"].views["whole"].probe,
    }
    for name, probe in learned.items():
        (own,) = (value for value in rivals[name].args if isinstance(value, torch.Tensor))
        assert torch.equal(own, probe), name
    assert len({tuple(probe.flatten().tolist()) for probe in learned.values()}) == len(learned)
