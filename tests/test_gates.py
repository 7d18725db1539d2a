"""Gates: how much of each class's noise a frame gets, decided from its own clean features."""

import pytest
import torch

from clipaction.noise.gates import gate_weights, gated_noise, posterior_gate
from clipaction.noise.parameters import mix


@pytest.fixture
def features(toy_clip, toy_frames):
    return toy_clip.encode_image(torch.from_numpy(toy_frames[:, 0]).permute(0, 3, 1, 2).float() / 255)


def test_posterior_gate_is_the_models_own_answer(toy_clip, toy_head, features):
    pi = gate_weights(features, toy_head, None, toy_clip.tau)
    torch.testing.assert_close(pi, (features @ toy_head.T / toy_clip.tau).softmax(1))
    sharper = gate_weights(features, toy_head, posterior_gate(toy_head, toy_clip.tau, 0.5), toy_clip.tau)
    assert (sharper.amax(1) >= pi.amax(1)).all()


def test_where_more_classes_compete_the_weights_add_up_to_the_posterior_of_those_that_have_noise(
    toy_clip, toy_head, features
):
    gate = torch.randn(3, 9)
    pi = gate_weights(features, toy_head, gate, toy_clip.tau)
    torch.testing.assert_close(pi.sum(1), (features @ toy_head.T / toy_clip.tau).softmax(1)[:, :3].sum(1))
    own = gate_weights(features, toy_head[:3], gate, toy_clip.tau)
    torch.testing.assert_close(pi / pi.sum(1, keepdim=True), own)


def test_gated_noise_is_the_mixture_and_gives_the_gate_no_gradient(toy_clip, toy_head, toy_frames, features):
    x = torch.from_numpy(toy_frames[:, 0]).permute(0, 3, 1, 2).float() / 255
    delta, gate = torch.randn(5, 3, 16, 16, requires_grad=True), torch.randn(5, 9, requires_grad=True)
    noise = gated_noise(toy_clip, toy_head, x, delta, gate)
    torch.testing.assert_close(noise, mix(gate_weights(features, toy_head, gate, toy_clip.tau), delta))
    noise.sum().backward()
    assert delta.grad is not None and gate.grad is None
