"""The compact CLIP: its weights are what the package says, and its training command learns at toy size within a minute."""

import numpy as np
import torch

from clipaction import clip
from clipaction.demo import train
from clipaction.demo.actions import ACTIONS
from clipaction.demo.tower import WEIGHTS

FOUR = ("Biking", "PullUps", "PushUps", "WalkingWithDog")


def test_shipped_weights_are_small_and_have_a_card():
    assert WEIGHTS.stat().st_size <= 15e6
    card = WEIGHTS.with_suffix(".md").read_text()
    for fact in ("python -m clipaction.demo.train", "seed", "Samples seen", "Time", "| usual |", "| random |", "| other |"):
        assert fact in card


def test_loads_frozen_with_unit_embeddings_and_a_stable_hash():
    one, two = clip.load_clip(), clip.load_clip()
    assert one.weights_hash == two.weights_hash and not one.model.training
    assert not any(p.requires_grad for p in one.model.parameters())
    x = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(one.encode_image(x).norm(dim=1), torch.ones(2))
    head = one.head([action.words[0] for action in ACTIONS.values()])
    torch.testing.assert_close(head.norm(dim=1), torch.ones(len(ACTIONS)))


def test_embeddings_do_not_depend_on_the_batch_they_are_in():
    model = clip.load_clip()
    x = torch.rand(5, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model.encode_image(x)[3:4], model.encode_image(x[3:4]), atol=1e-5, rtol=1e-4)


def test_gradients_reach_the_pixels_though_the_model_is_frozen():
    model = clip.load_clip()
    x = torch.rand(1, 3, 96, 96, requires_grad=True)
    model.encode_image(x).sum().backward()
    assert x.grad.abs().sum() > 0


def test_training_command_learns_at_toy_size_and_writes_weights_and_card(tmp_path, monkeypatch):
    """Four actions, mostly as cut-outs, in 200 steps: they are told apart far above the chance of 0.25."""
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path / "data"))
    out = tmp_path / "toy.safetensors"
    numbers = train.train(samples=3200, pool_size=400, batch=16, actions=FOUR, test_size=80, out=out, plain=0.6)
    assert np.mean([numbers[relation] for relation in train.RELATIONS]) > 0.45, numbers
    assert out.exists() and "Accuracy" in out.with_suffix(".md").read_text()
    assert clip.load_clip(pretrained=str(out)).size == 96


def test_killed_training_goes_on_and_ends_where_an_uninterrupted_one_does(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path / "data"))
    arguments = dict(samples=64, pool_size=50, batch=8, actions=FOUR, test_size=20, checkpoint_every=3)
    whole = train.train(**arguments, out=tmp_path / "whole.safetensors")
    real, calls = train.contrastive_loss, []

    def dies(*args):
        calls.append(1)
        if len(calls) == 5:
            raise KeyboardInterrupt
        return real(*args)

    monkeypatch.setattr(train, "contrastive_loss", dies)
    try:
        train.train(**arguments, out=tmp_path / "killed.safetensors")
    except KeyboardInterrupt:
        pass
    monkeypatch.setattr(train, "contrastive_loss", real)
    assert train.train(**arguments, out=tmp_path / "killed.safetensors") == whole
    assert (tmp_path / "killed.safetensors").read_bytes() == (tmp_path / "whole.safetensors").read_bytes()
