"""The linear probe: it learns, and knows which classes had no training clips."""

import numpy as np
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.noise.probe import linear_probe
from clipaction.rivals.probe import probe_scores


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
