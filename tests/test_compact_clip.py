"""The compact CLIP: its weights are what its card says, and its training learns at toy size within a minute."""

import signal
import subprocess
import sys

import numpy as np
import torch

from clipaction.demo import train
from clipaction.demo.actions import ACTIONS
from clipaction.demo.tower import WEIGHTS
from clipaction.vision import load

FOUR = ("Biking", "PullUps", "PushUps", "WalkingWithDog")


def test_shipped_weights_are_small_and_have_a_card():
    assert WEIGHTS.stat().st_size <= 15e6
    card = WEIGHTS.with_suffix(".md").read_text()
    for fact in (
        "python -m clipaction.demo.train",
        "seed",
        "Samples seen",
        "Time",
        "| usual |",
        "| random |",
        "| other |",
    ):
        assert fact in card


def test_loads_frozen_with_unit_embeddings_and_a_stable_hash():
    one, two = load.load_clip(), load.load_clip()
    assert one.weights_hash == two.weights_hash and not one.model.training
    assert not any(p.requires_grad for p in one.model.parameters())
    x = torch.rand(2, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(one.encode_image(x).norm(dim=1), torch.ones(2))
    head = one.head([action.words[0] for action in ACTIONS.values()])
    torch.testing.assert_close(head.norm(dim=1), torch.ones(len(ACTIONS)))


def test_embeddings_do_not_depend_on_the_batch_they_are_in():
    model = load.load_clip()
    x = torch.rand(5, 3, 96, 96, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(model.encode_image(x)[3:4], model.encode_image(x[3:4]), atol=1e-5, rtol=1e-4)


def test_gradients_reach_the_pixels_though_the_model_is_frozen():
    model = load.load_clip()
    x = torch.rand(1, 3, 96, 96, requires_grad=True)
    model.encode_image(x).sum().backward()
    assert x.grad.abs().sum() > 0


def test_training_command_learns_at_toy_size_and_writes_weights_and_card(tmp_path, monkeypatch):
    """Four actions, mostly as cut-outs, in 200 steps: they are told apart far above the chance of 0.25."""
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path / "data"))
    out = tmp_path / "toy.safetensors"
    numbers = train.train(samples=3200, images=400, batch=16, actions=FOUR, test_size=80, out=out, plain=0.6)
    assert np.mean([numbers[relation] for relation in train.RELATIONS]) > 0.45, numbers
    assert out.exists() and "Accuracy" in out.with_suffix(".md").read_text()
    assert load.load_clip(pretrained=str(out)).size == 96


KILLED = """
import os, signal, sys, torch
from pathlib import Path
from clipaction.demo import train
torch.set_num_threads(1)
loss, calls = train.contrastive_loss, []
def dies(*args):
    calls.append(1)
    if len(calls) == 5:  # in the fifth step of eight, two after a checkpoint
        os.kill(os.getpid(), signal.SIGKILL)
    return loss(*args)
train.contrastive_loss = dies
train.train(**eval(sys.argv[1]), out=Path(sys.argv[2]))
"""


def test_killed_training_goes_on_and_ends_where_an_uninterrupted_one_does(tmp_path, monkeypatch):
    monkeypatch.setenv("CLIPACTION_DATA", str(tmp_path / "data"))
    toy = {"samples": 64, "images": 50, "batch": 8, "actions": FOUR, "test_size": 20, "checkpoint_every": 3}
    whole, killed = tmp_path / "whole.safetensors", tmp_path / "killed.safetensors"
    numbers = train.train(**toy, out=whole)
    process = subprocess.run([sys.executable, "-c", KILLED, repr(toy), str(killed)], capture_output=True, text=True)
    assert process.returncode == -signal.SIGKILL, process.stderr
    checkpoint = torch.load(killed.with_suffix(".checkpoint"), weights_only=True)
    assert checkpoint["step"] == 3 and not killed.exists()
    losses = []
    real = train.contrastive_loss
    monkeypatch.setattr(train, "contrastive_loss", lambda *args: losses.append(1) or real(*args))
    assert train.train(**toy, out=killed) == numbers
    assert len(losses) == 8 - 3  # the steps after the checkpoint, and no other
    assert killed.read_bytes() == whole.read_bytes() and not killed.with_suffix(".checkpoint").exists()
