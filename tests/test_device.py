"""Any device: the code of every notebook runs with the model on another device, as it must on a GPU.

No GPU is needed: `device_mode` pretends one and refuses what a GPU refuses. Its own rules are tested first.
"""

from __future__ import annotations

import copy
from pathlib import Path

import cells
import device_mode
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from device_mode import DEVICE, DeviceTensor, pretended_device
from torch import nn

from clipaction.evaluate.sweep import evaluate
from clipaction.masking.batches import masked_batches
from clipaction.vision.load import load_clip
from clipaction.vision.zero_shot import clip_scores, zero_shot

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
# as small as every notebook still has something to show: three classes, one clip a group, two frames a clip
TINY = {
    "dataset.classes": ["Biking", "PullUps", "WalkingWithDog"],
    "dataset.test_groups": 2,
    "dataset.train_groups": 2,
    "dataset.frames_per_clip": 8,
    "frames": 2,
    "masking.percents": [30],
    "masking.shapes": ["square"],
    "masking.placements": ["centre"],
    "regions.parts": ["actor", "actor+prop", "background", "relevant"],
    "regions.fills": [],
    "noise.steps": 2,
    "noise.batch": 4,
    "noise.ablation_steps": 1,
    "baselines.epochs": 1,
}

# expressions on x [2, 3], row 0-dim, i [2] and b [2, 3] of the device, and cpu [2, 3], j [2], zero 0-dim of the CPU
ALLOWED = {
    "move to the CPU": "x.cpu().numpy()",
    "move through pinned memory": "cpu.pin_memory().to(x.device, non_blocking=True) + x",
    "move by name": "np.asarray(x.to('cpu'))",
    "move to a CPU tensor": "x.to(cpu) + cpu",
    "move to a device tensor": "cpu.to(x) + x",
    "a Python number": "2 * x + 1.5",
    "a numpy number": "x + np.float64(2)",
    "compare with a number": "(x > 0.5).any().item()",
    "lists": "x.tolist() == cpu.tolist()",
    "float and int": "float(row) + int(i[0])",
    "truth of one number": "bool(row == row)",
    "a CPU tensor without dimensions": "x * zero",
    "a CPU index": "x[j]",
    "a CPU mask": "x[cpu > 0.5]",
    "a numpy index": "x[np.array([1, 0])]",
    "a device index": "x[i]",
    "assign from the CPU to a slice": "x.clone().__setitem__(slice(0, 1), cpu[:1])",
    "copy in place": "torch.empty(2, 3).copy_(x)",
    "create on its device": "torch.zeros(2, device=x.device) + x[:, 0]",
    "like it": "torch.ones_like(x) + x.new_zeros(2, 3)",
    "on the CPU, like it": "torch.ones_like(x, device='cpu') + cpu",
    "a CPU list of its numbers": "torch.tensor([row, row]) + j",
    "the shape of another": "cpu[:, :1].expand_as(x) + cpu",
}
REFUSED = {
    "numpy": "x.numpy()",
    "asarray": "np.asarray(x)",
    "a numpy function": "np.concatenate([x, x])",
    "a table": "pd.DataFrame({'x': x[:, 0]}).sum()",
    "numpy after detach": "x.detach().float().numpy()",
    "a CPU tensor": "x + cpu",
    "a CPU tensor on the left": "cpu + x",
    "a CPU matrix": "x @ cpu.T",
    "a device number in CPU arithmetic": "cpu * row",
    "an array": "x * np.ones((2, 3))",
    "from_numpy": "x + torch.from_numpy(np.ones((2, 3)))",
    "a CPU tensor in a list": "torch.cat([x, cpu])",
    "a CPU number in a stack": "torch.stack([row, zero])",
    "a device index into the CPU": "cpu[i]",
    "a device mask into the CPU": "cpu[x > 0.5]",
    "gather with a CPU index": "x.gather(1, j[:, None])",
    "a loss of both": "nn.functional.cross_entropy(x, j)",
    "a comparison of both": "torch.equal(x, cpu)",
    "in place": "cpu.clone().add_(x)",
    "assign from the CPU to an index": "x.clone().__setitem__(j, cpu)",
    "a CPU generator": "torch.rand(3, device=x.device, generator=torch.Generator())",
    "a module on the CPU": "nn.Linear(3, 2)(x)",
    "pinned memory": "x.pin_memory()",
}


@pytest.fixture
def device():
    with pretended_device() as found:
        yield found


@pytest.fixture
def names(device):
    """The names in ALLOWED and REFUSED."""
    import pandas as pd

    cpu, j = torch.rand(2, 3, generator=torch.Generator().manual_seed(0)), torch.tensor([1, 0])
    x = cpu.to(device)
    found = {"x": x, "row": x[0, 0], "i": j.to(device), "cpu": cpu, "j": j, "zero": torch.tensor(2.0)}
    return found | {"np": np, "pd": pd, "nn": nn, "torch": torch}


@pytest.mark.parametrize("code", ALLOWED.values(), ids=ALLOWED)
def test_what_a_gpu_allows_is_allowed(names, code):
    eval(code, names)


@pytest.mark.parametrize("code", REFUSED.values(), ids=REFUSED)
def test_what_a_gpu_refuses_is_refused(names, code):
    with pytest.raises((RuntimeError, TypeError), match="cuda|unsupported operand"):
        eval(code, names)


@pytest.mark.parametrize("code", [code for code in REFUSED.values() if "rand(" not in code])
def test_the_same_is_allowed_where_all_is_on_the_cpu(names, code):
    """So it is the device that is refused, not the expression."""
    if "ones((2, 3))" in code or "from_numpy" in code:
        names["cpu"] = names["cpu"].double()
    eval(code, names | {name: names[name].cpu() for name in ("x", "row", "i")})


def test_results_stay_on_the_device(names):
    x = names["x"]
    assert x.device == DEVICE and x.is_cuda and not x.is_cpu
    for result in (
        x + 1,
        x.T,
        x[0],
        x.topk(1).values,
        x.max(1)[1],
        *x.split(1),
        torch.softmax(x, 1),
        x.detach().clone(),
    ):
        assert isinstance(result, DeviceTensor) and result.device == DEVICE
    for result in (x.cpu(), x.to("cpu"), torch.zeros_like(x, device="cpu"), names["cpu"] + 1):
        assert type(result) is torch.Tensor and result.device.type == "cpu"
    assert x.to(DEVICE) is x and x.to("cuda", torch.float64).dtype == torch.float64
    moved = x.cpu()
    moved += 1
    assert not torch.equal(moved, x.cpu())  # the CPU's copy is a copy


def test_a_module_is_trained_on_the_device(device):
    """Same numbers as on the CPU, gradients through the module and into the input included."""
    torch.manual_seed(0)
    here = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4), nn.MultiheadAttention(4, 2).out_proj, nn.Linear(4, 2))
    there, data = copy.deepcopy(here).to(device), torch.rand(8, 3)
    assert all(p.device == DEVICE and p.is_leaf for p in there.parameters())
    losses = []
    for model, place in ((here, "cpu"), (there, device)):
        x = data.to(place).requires_grad_()
        optimiser = torch.optim.Adam([*model.parameters()], lr=0.1)
        for _ in range(3):
            loss = model(x).square().mean()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
        (gradient,) = torch.autograd.grad(model(x).sum(), x)
        losses.append((loss.item(), gradient.cpu()))
        copy.deepcopy(model)
    assert losses[0][0] == losses[1][0] and torch.equal(losses[0][1], losses[1][1])
    assert all(p.grad.device == DEVICE for p in there.parameters())
    assert there.state_dict()["0.weight"].device == DEVICE


def test_nothing_stays_behind():
    with pretended_device() as device:
        torch.zeros(1, device=device)
    assert not torch.__future__.get_overwrite_module_params_on_conversion()
    assert type(torch.zeros(1)) is torch.Tensor


def test_clip_gives_the_same_numbers_on_the_device(device):
    x, phrases = torch.rand(2, 2, 3, 96, 96), ["riding a bicycle", "walking a dog"]
    here, there = load_clip(device="cpu"), load_clip(device="cuda", precision="fp32")
    scores = zero_shot(there, there.head(phrases), x)
    assert all(score.device == DEVICE for score in scores)
    for one, two in zip(zero_shot(here, here.head(phrases), x), scores):
        torch.testing.assert_close(one, two.cpu(), atol=1e-6, rtol=0)
    assert there.weights_hash == here.weights_hash


@pytest.mark.parametrize(
    "name",
    [
        "none",
        "shape:square:30:centre:still",
        "shape:patches:30:random:moving/mean",
        "hide:actor:silhouette",
        "hide:actor:box/blur",
        "hide:actor:plate",
        "control:keep:actor:silhouette/soft",
        "cells:hide:actor+prop:box@motion",
    ],
)
def test_frames_are_masked_on_the_device_as_on_the_cpu(device, squares, name):
    def masked(place: torch.device | None) -> torch.Tensor:
        at = np.arange(12), [f"clip {k}" for k in range(12)]
        return torch.cat([*masked_batches(squares, *at, name, seed=3, chunk=5, device=place)])

    here, there = masked(None), masked(device)
    assert isinstance(there, DeviceTensor) and not isinstance(here, DeviceTensor)
    assert torch.equal(there.cpu(), here)


def test_a_sweep_sends_bytes_to_the_device_and_masks_them_there(device, squares, toy_meta, tmp_path, monkeypatch):
    model = load_clip("clipaction-compact", "random", device="cuda", precision="fp32")
    head, sent, move = model.head(["riding a bicycle", "walking a dog"]), [], device_mode.move

    def judge(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        assert isinstance(images, DeviceTensor) and images.max() <= 1
        return zero_shot(model, head, F.interpolate(images.flatten(0, 1), model.size).unflatten(0, images.shape[:2]))

    def spied(func, args, kwargs, target):
        if target and target.type == device.type and not isinstance(args[0], DeviceTensor):
            sent.append(args[0].dtype)
        return move(func, args, kwargs, target)

    monkeypatch.setattr(device_mode, "move", spied)
    meta = toy_meta.assign(label=toy_meta["label"] % 2)
    conditions = ["none", "shape:circle:10:random:moving", "hide:actor:box"]
    table = evaluate(model, head, squares, meta, conditions, tmp_path, batch=20, protocol=judge)
    assert len(table) == 3 * 12 * 5 and set(sent) == {torch.uint8, torch.bool}


def test_the_mistake_of_notebook_02_is_caught(device):
    """Its cell on steadiness once called .numpy() on the model's device; with a GPU the default run stopped there."""
    model = load_clip(device="cuda", precision="fp32")
    head, clips = model.head(["riding a bicycle", "walking a dog"]), np.zeros((3, 2, 96, 96, 3), np.uint8)
    features = torch.stack([model.encode_frames(frames) for frames in clips])
    clip_pred = clip_scores(features, head)[0].argmax(1)
    frame_pred = (features @ head.T).argmax(2)
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        (frame_pred != clip_pred[:, None]).float().mean(1).numpy()
    assert (frame_pred != clip_pred[:, None]).float().mean(1).cpu().numpy().shape == (3,)


def test_every_notebook_runs_with_the_model_on_another_device(tmp_path, monkeypatch, registries):
    for folder in ("DATA", "RESULTS", "FIGURES"):
        monkeypatch.setenv(f"CLIPACTION_{folder}", str(tmp_path / folder.lower()))
    monkeypatch.setenv("IPYTHONDIR", str(tmp_path))
    monkeypatch.setattr(plt, "show", lambda: plt.close("all"))
    from clipaction.study import open_study

    open_study("quick", TINY)  # renders and decodes the videos: no model, no device
    overrides = TINY | {"model.device": "cuda", "model.precision": "fp32"}
    with pretended_device():
        for script in (*sorted(NOTEBOOKS.glob("[0-9]*.py")), *sorted(NOTEBOOKS.glob("explore_*.py"))):
            names = cells.run_notebook(script, {"profile": "quick", "overrides": overrides})
            cells.run_solutions(script, names)
            assert "study" not in names or isinstance(names["study"].head(), DeviceTensor), script.name
            assert "study" in names or "study" not in script.read_text(), script.name
    assert list((tmp_path / "figures" / "quick").glob("fig*.png"))
