"""The pixels that speak most for the class that CLIP itself gives the clip. No label is used."""

from __future__ import annotations

import numpy as np
import torch
from tqdm.auto import tqdm

from ...base.code import fingerprint
from ...vision.clip import CLIP, to_input
from ...vision.relevance import relevance, upsample
from .source import Evidence, source


class RelevanceMaps:
    """Maps [T, S, S] of a clip, remembered by row as [T, gh, gw] on the grid of the model's patches."""

    def __init__(self, clip: CLIP, head: torch.Tensor):
        self.clip, self.head = clip, head
        self.maps: dict[int, torch.Tensor] = {}
        self.key = fingerprint(head)

    def find(self, rows: list[int], frames: np.ndarray) -> None:
        """Compute the maps of the clips at `rows` of frames [N, T, S, S, 3]."""
        missing = [row for row in rows if row not in self.maps]
        for row in tqdm(missing, desc="relevance", unit="clip", leave=False, disable=len(missing) < 2):
            x = to_input(np.array(frames[row]))  # the store is read-only
            with torch.inference_mode():
                answer = (self.clip.encode_image(x) @ self.head.T).argmax(1)
            found = relevance(self.clip.model, x, self.head[answer], encode=self.clip.encode_image)
            self.maps[row] = found.cpu()

    def __call__(self, row: int, frames: np.ndarray) -> torch.Tensor:
        if row not in self.maps:
            self.find([row], {row: frames})  # type: ignore[arg-type]
        return upsample(self.maps[row], frames.shape[1:3])


def relevance_maps(study) -> RelevanceMaps:
    return RelevanceMaps(study.clip, study.head())


@source("relevance", parts=("relevant",), finder=relevance_maps)
def relevant(part: str, evidence: Evidence) -> torch.Tensor:
    """The most relevant pixels of every frame: 'relevant' is 20 % of them, 'relevant30' 30 %; exact to the pixel, 0
    or 1."""
    share = int(part.removeprefix("relevant") or 20)
    flat = evidence.from_finder("relevance").float().flatten(1)
    top = flat.topk(round(share / 100 * flat.shape[1]), dim=1).indices
    return torch.zeros_like(flat).scatter_(1, top, 1.0).view(evidence.frames.shape[:3])
