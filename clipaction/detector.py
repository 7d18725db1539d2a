"""Actors and props as a detector outlines them: torchvision's Mask R-CNN (He et al. 2017, arXiv:1703.06870), trained on COCO.

COCO knows no actions. Every person is an actor; a prop is a thing one holds, rides or plays with, and only where it touches a
person: a bicycle against the wall belongs to the scene.
"""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import torch
from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights, maskrcnn_resnet50_fpn
from tqdm.auto import tqdm

from .errors import UserError
from .regions import dilate

WEIGHTS = MaskRCNN_ResNet50_FPN_Weights.COCO_V1
SCORE, SIDE = 0.5, 400  # least score of a detection; short side that frames are enlarged to, px (800 takes four times as long)
REACH = 0.02  # a prop may be this share of the frame away from a person
PROPS = frozenset(
    "bicycle,motorcycle,boat,bird,cat,dog,horse,backpack,umbrella,handbag,suitcase,frisbee,skis,snowboard,sports ball,kite,baseball bat,"
    "baseball glove,skateboard,surfboard,tennis racket,bottle,wine glass,cup,fork,knife,spoon,bowl,banana,apple,sandwich,book,scissors,"
    "teddy bear,hair drier,toothbrush,laptop,mouse,remote,keyboard,cell phone".split(",")
)


def load_detector(device: str | torch.device = "cpu") -> torch.nn.Module:
    """The pretrained detector in evaluation mode, from torch.hub's cache or, once, from its address (178 MB, checked by hash)."""
    try:
        state = torch.hub.load_state_dict_from_url(WEIGHTS.url, check_hash=True, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError) as error:  # no network, no such file, wrong hash
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise UserError(f"the detector's weights cannot be fetched from {WEIGHTS.url} ({error}); place that file in {folder}, or choose another "
                        "region source, such as motion") from None  # fmt: skip
    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, box_score_thresh=SCORE, min_size=SIDE)
    model.load_state_dict(state)
    return model.eval().to(device)


@torch.inference_mode()
def detect(model: torch.nn.Module, frames: np.ndarray) -> np.ndarray:
    """Coverage of actor and prop, uint8 [T, 2, H, W] (0 to 255), in frames uint8 [T, H, W, 3].

    model: images, a list of [3, H, W] in [0, 1], -> a dict each of labels [K] (WEIGHTS' categories) and masks [K, 1, H, W] in [0, 1].
    """
    device = next(model.parameters(), torch.empty(0)).device
    names, (t, h, w, _) = WEIGHTS.meta["categories"], frames.shape
    cover = torch.zeros(t, 2, h, w)
    for out, frame in zip(cover, frames):
        found = model([torch.from_numpy(frame).permute(2, 0, 1).float().div(255).to(device)])[0]
        masks, labels = found["masks"][:, 0].float().cpu(), [names[k] for k in found["labels"].tolist()]
        person, prop = (torch.tensor([test(name) for name in labels], dtype=torch.bool) for test in ("person".__eq__, PROPS.__contains__))
        if not person.any():
            continue
        out[0] = masks[person].amax(0)
        near = dilate(out[:1], max(1, round(REACH * min(h, w))))[0] > 0.5
        for mask in masks[prop]:
            if (near & (mask > 0.5)).any():
                out[1] = torch.maximum(out[1], mask)
    return cover.mul(255).round().byte().numpy()


class Detections:
    """What the detector finds in the clips of a frame store: a compressed file a clip beside the store, made once."""

    key = f"{WEIGHTS} {SCORE} {SIDE} {REACH} {sorted(PROPS)}"

    def __init__(self, store: Path):
        self.folder, self.model = store / "detector", None

    def find(self, rows: list[int], frames: np.ndarray) -> None:
        """Detect in the clips at `rows` of frames [N, T, S, S, 3] that have no file yet."""
        missing = [row for row in rows if not self._path(row).exists()]
        for row in tqdm(missing, desc="detecting actors and props", unit="clip", leave=False, disable=not missing):
            self(row, frames[row])

    def __call__(self, row: int, frames: np.ndarray) -> np.ndarray:
        """Coverage uint8 [T, 2, S, S] of actor and prop in one clip's frames [T, S, S, 3]."""
        path = self._path(row)
        if not path.exists():
            if self.model is None:
                self.model = load_detector("cuda" if torch.cuda.is_available() else "cpu")
            self.folder.mkdir(exist_ok=True)
            aside = path.with_suffix(f".{os.getpid()}.npz")
            np.savez_compressed(aside, cover=detect(self.model, np.asarray(frames)))
            os.replace(aside, path)
        return np.load(path, allow_pickle=False)["cover"]

    def _path(self, row: int) -> Path:
        return self.folder / f"{row}.npz"
