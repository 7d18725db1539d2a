"""The terms of the noise's loss, against their formulas."""

import numpy as np
import pytest
import torch

from clipaction.noise.losses import (
    agreement_term,
    confidence_term,
    cross_entropy,
    hinge_term,
    pair_term,
    total_variation,
)


def test_cross_entropy_is_minus_the_log_of_the_true_class_probability():
    scores, y = torch.tensor([[0.3, 0.1], [0.2, 0.2]]), torch.tensor([0, 1])
    expected = -(scores / 0.1).softmax(1)[[0, 1], y].log().mean()
    torch.testing.assert_close(cross_entropy(scores, y, 0.1), expected)


def test_pair_term_equals_the_papers_sum_when_there_are_two_classes():
    own, wrong, y, tau = torch.tensor([[0.3, 0.1]]), torch.tensor([[0.2, 0.25]]), torch.tensor([0]), 0.1
    expected = -torch.log(torch.exp(own[0, 0] / tau) / (torch.exp(own[0, 0] / tau) + torch.exp(wrong[0, 1] / tau)))
    torch.testing.assert_close(pair_term(own, wrong, y, torch.tensor([1]), tau, classes=2), expected)


def test_hinge_is_zero_for_a_noise_that_drags_no_frame_and_grows_with_the_drag():
    clean, y, c = torch.tensor([[0.5, 0.1]]), torch.tensor([0]), torch.tensor([1])
    assert hinge_term(clean, clean, y, c, 0.1, margin=0.0) == 0
    assert hinge_term(clean, torch.tensor([[0.5, 0.3]]), y, c, 0.1, margin=0.0) == pytest.approx(2.0)


def test_confidence_term_is_zero_for_a_uniform_answer():
    assert confidence_term(torch.zeros(2, 4), 0.1).item() == pytest.approx(0, abs=1e-6)
    assert confidence_term(torch.tensor([[1.0, 0, 0, 0]]), 0.01).item() == pytest.approx(np.log(4), rel=1e-3)


def test_agreement_term_is_symmetric_and_zero_for_equal_answers():
    a, b = torch.randn(3, 4), torch.randn(3, 4)
    assert agreement_term(a, a, 0.1) == 0
    torch.testing.assert_close(agreement_term(a, b, 0.1), agreement_term(b, a, 0.1))


def test_total_variation_is_zero_for_a_flat_noise_and_largest_for_a_chessboard():
    flat = torch.full((2, 3, 8, 8), 0.05)
    chessboard = flat * (1 - 2 * ((torch.arange(8)[:, None] + torch.arange(8)) % 2))
    assert total_variation(flat) == 0
    assert total_variation(chessboard) == pytest.approx(2) and total_variation(3 * chessboard) == pytest.approx(2)
