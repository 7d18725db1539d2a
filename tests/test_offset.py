"""The per-class offset: it undoes a constant shift of the logits."""

import numpy as np
import pytest
import torch

from clipaction.base.errors import UserError
from clipaction.rivals.offset import class_offset, offset_scores
from clipaction.vision.zero_shot import zero_shot


def test_class_offset_undoes_a_constant_shift():
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 4, 4000)
    scores = np.eye(4)[labels] * 2 + rng.gumbel(size=(4000, 4))
    shift = np.array([1.5, -0.5, 0.0, -1.0])
    b = class_offset(scores + shift, labels) - class_offset(scores, labels)
    assert b == pytest.approx(-shift + shift.mean(), abs=0.02)
    assert class_offset(scores, labels).mean() == pytest.approx(0, abs=1e-9)
    assert np.isfinite(class_offset(scores, np.zeros(4000, int))).all()
    with pytest.raises(UserError, match="needs clips"):
        class_offset(np.zeros((0, 4)), [])


def test_scores_are_zero_shot_plus_the_offset_in_logits(toy_clip, toy_head, toy_frames):
    x = torch.from_numpy(toy_frames).permute(0, 1, 4, 2, 3).float() / 255
    offset = torch.tensor([1.0, 0.0, -1.0, 0.5, -0.5])
    for shifted, plain in zip(offset_scores(toy_clip, toy_head, offset, x), zero_shot(toy_clip, toy_head, x)):
        torch.testing.assert_close(shifted / toy_clip.tau, plain / toy_clip.tau + offset)
