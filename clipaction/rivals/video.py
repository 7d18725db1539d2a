"""A video backbone of torchvision: MC3-18 (Tran et al. 2018, arXiv:1711.11248), whose first convolutions are over space
and time, the later ones over space alone. Two networks: one from scratch, one that starts from Kinetics-400.

A run trains one of the two; the profile's `baselines.weights` says which."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import nn

from ..base.errors import UserError
from .networks import network, network_names, smaller

SCRATCH, KINETICS = "mc3-18", "mc3-18-kinetics"
MEAN, STD = (0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989)  # of Kinetics-400, as the weights expect


@network(SCRATCH, "MC3-18 (from scratch)", colour="pink", marker="h")
class MC3(nn.Module):
    """[B, T, 3, S, S] in [0, 1] -> [B, C]; frames larger than `size` are averaged down to it.

    Each residual block starts as the identity (Goyal et al. 2017, arXiv:1706.02677, section 5.1)."""

    single, batch, starts_from = False, 8, None
    size = 32  # pixels; the time of a step grows with their number, and the demo has a minute
    rate = 0.3  # at the full rate its loss does not fall
    stills = 0.75  # a frame costs a quarter of a clip of four, and is a view of its own

    def __init__(self, classes: int):
        from torchvision.models.video import mc3_18  # imported here, because it takes seconds
        from torchvision.models.video.resnet import BasicBlock

        super().__init__()
        self.backbone = mc3_18()
        self.backbone.fc = nn.Linear(self.backbone.fc.in_features, classes)
        for block in self.backbone.modules():
            if isinstance(block, BasicBlock):
                nn.init.zeros_(block.conv2[-1].weight)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        mean, std = x.new_tensor(MEAN)[:, None, None], x.new_tensor(STD)[:, None, None]
        frames = ((smaller(x.flatten(0, 1), self.size) - mean) / std).unflatten(0, x.shape[:2])
        return self.backbone(frames.transpose(1, 2).contiguous())


@network(KINETICS, "MC3-18 (Kinetics-400)", colour="pink", marker="h")
class MC3Kinetics(MC3):
    """The same, made to start from weights that were trained on Kinetics-400 (`start_from_weights`)."""

    size = 112  # what those weights were trained on
    pretrained_on = "Kinetics-400"
    rate, stills = 0.1, 0.0  # what was learned there is to be kept

    def start_from_weights(self) -> None:
        """Take the downloaded weights; those of the last layer are for other classes, and stay as they are."""
        state = kinetics_weights()
        own = {name: value for name, value in self.backbone.state_dict().items() if name.startswith("fc.")}
        self.backbone.load_state_dict(state | own)


def kinetics_weights() -> dict[str, torch.Tensor]:
    """MC3-18's weights trained on Kinetics-400, from torch.hub's cache or fetched once (45 MB, checked by hash)."""
    from torchvision.models.video import MC3_18_Weights

    url = MC3_18_Weights.KINETICS400_V1.url
    try:
        return torch.hub.load_state_dict_from_url(url, check_hash=True, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError) as error:  # no network, no such file, wrong hash
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise UserError(
            f"the weights of MC3-18 cannot be fetched from {url} ({error}); place that file in {folder}, "
            "or set baselines.weights=none"
        ) from None


def networks_for(weights: str) -> list[str]:
    """The networks that a run trains: all that are registered but one of the two MC3-18.

    weights: 'none', 'kinetics' or 'auto', which is 'kinetics' where the weights can be had and else says why not."""
    start = weights != "none"
    try:
        start = start and bool(kinetics_weights())
    except UserError as error:
        if weights == "kinetics":
            raise
        start = False
        print(f"MC3-18 is trained from scratch: {error}")
    return [name for name in network_names() if name != (SCRATCH if start else KINETICS)]
