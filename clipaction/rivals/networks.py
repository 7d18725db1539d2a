"""What the paper argues against: networks trained on the clips alone. A frame CNN and a CNN + GRU; `video` has a third.

    @network("cnn", "frame CNN", colour="pink", marker="p")
    class FrameCNN(nn.Module): ...

Frames [B, T, 3, S, S] in [0, 1] in, logits [B, C] out; frames larger than SIZE are averaged down to it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from ..evaluate.methods import METHODS, method

SIZE = 96  # side that the networks see, pixels
WIDTHS = (16, 40, 96, 192)


def network(name: str, label: str, **facts: Any) -> Callable:
    """Registers a network class, made with the number of classes. Class attributes: `single` (trained on single
    frames, not clips), `batch` (frames or clips a step), `starts_from` (the name of the network whose `cnn` it starts
    from, or None). Those that it may have: `rate` (its learning rate as a share of the profile's) and `stills` (the
    share of its passes, the first ones, that show single frames as clips of one frame)."""
    return method(name, label, kind="network", labels="training", **facts)


def network_names() -> list[str]:
    return [name for name, entry in METHODS.items() if entry.kind == "network"]


def features() -> nn.Sequential:
    """Four stride-2 convolutions and one more, [B, 3, S, S] in [-1, 1] -> [B, 192]; 0.25 M parameters."""
    layers: list[nn.Module] = []
    inputs = 3
    for width in WIDTHS:
        conv = nn.Conv2d(inputs, width, 3, stride=2, padding=1, bias=False)
        layers += [conv, nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        inputs = width
    # Depthwise and pointwise: a wider field of view for few multiplications.
    depthwise = nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False)
    layers += [depthwise, nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)]
    layers += [nn.Conv2d(inputs, inputs, 1, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten()).to(memory_format=torch.channels_last)


def smaller(x: torch.Tensor, size: int) -> torch.Tensor:
    """Images [N, 3, S, S], those larger than `size` averaged down to it."""
    return F.interpolate(x, size=(size, size), mode="area") if x.shape[-1] > size else x


def as_input(x: torch.Tensor) -> torch.Tensor:
    """[B, T, 3, S, S] in [0, 1] -> [B*T, 3, SIZE, SIZE] in [-1, 1], channels last."""
    return (2 * smaller(x.flatten(0, 1), SIZE) - 1).contiguous(memory_format=torch.channels_last)


@network("cnn", "frame CNN", colour="pink", marker="p")
class FrameCNN(nn.Module):
    """Each frame is judged alone; a clip's logits are the mean over its frames. [B, T, 3, S, S] in [0, 1] -> [B, C]."""

    single, batch, starts_from = True, 32, None

    def __init__(self, classes: int):
        super().__init__()
        self.cnn, self.drop, self.head = features(), nn.Dropout(0.2), nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(self.cnn(as_input(x)))).unflatten(0, x.shape[:2]).mean(1)


@network("cnn-gru", "CNN + GRU", colour="pink", marker="d")
class CNNGRU(nn.Module):
    """The same CNN on each frame, its features in order through a GRU, logits from the mean of the states. [B, T, 3,
    S, S] -> [B, C].

    It starts from the trained frame CNN, the usual recipe (Donahue et al. 2015). From scratch it stays far behind in
    the same time, and would be no fair comparison."""

    single, batch, starts_from = False, 8, "cnn"
    rate = 0.3  # at the full rate the first passes undo what its CNN has learned

    def __init__(self, classes: int, hidden: int = 128):
        super().__init__()
        self.cnn, self.gru = features(), nn.GRU(WIDTHS[-1], hidden, batch_first=True)
        self.drop, self.head = nn.Dropout(0.2), nn.Linear(hidden, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.gru(self.cnn(as_input(x)).unflatten(0, x.shape[:2]))
        return self.head(self.drop(states.mean(1)))


def create(name: str, classes: int, seed: int = 0, start: nn.Module | None = None) -> nn.Module:
    """A network with weights drawn by seed (the global generator is left alone); its CNN is a copy of a trained
    `start`'s."""
    build = METHODS[name].build
    assert build is not None
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = build(classes)
    if start is not None:
        model.cnn.load_state_dict(start.get_submodule("cnn").state_dict())
    return model
