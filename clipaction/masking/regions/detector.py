"""Actors and props as a detector outlines them: torchvision's Mask R-CNN (He et al. 2017, arXiv:1703.06870), trained
on COCO.

COCO has no actions. Every person is an actor. A prop is a thing that people hold, ride or play with, and it counts
only where it touches a person: a bicycle against the wall belongs to the scene."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from tqdm.auto import tqdm

from ...base.cache import Step
from ...base.errors import UserError
from ...base.files import replacing
from ...base.tensors import read_arrays
from .geometry import grow
from .source import Evidence, source

SCORE = 0.5  # least score of a detection
SIDE = 400  # short side to which frames are enlarged, px (800 takes four times as long)
REACH = 0.02  # a prop may be this share of the frame away from a person
PROPS = """
    bicycle, motorcycle, boat, bird, cat, dog, horse, backpack, umbrella, handbag, suitcase, frisbee, skis,
    snowboard, sports ball, kite, baseball bat, baseball glove, skateboard, surfboard, tennis racket, bottle,
    wine glass, cup, fork, knife, spoon, bowl, banana, apple, sandwich, book, scissors, teddy bear, hair
    drier, toothbrush, laptop, mouse, remote, keyboard, cell phone
"""
PROPS_OF_COCO = frozenset(" ".join(PROPS.split()).split(", "))


def coco_weights():
    """torchvision's description of the weights. Imported here, because its detection models take seconds to import."""
    from torchvision.models.detection import MaskRCNN_ResNet50_FPN_Weights

    return MaskRCNN_ResNet50_FPN_Weights.COCO_V1


def load_detector(device: str | torch.device = "cpu") -> torch.nn.Module:
    """The pretrained detector in evaluation mode, from torch.hub's cache or fetched once (178 MB, checked by hash)."""
    from torchvision.models.detection import maskrcnn_resnet50_fpn

    url = coco_weights().url
    try:
        state = torch.hub.load_state_dict_from_url(url, check_hash=True, weights_only=True, map_location="cpu")
    except (OSError, RuntimeError) as error:  # no network, no such file, wrong hash
        folder = Path(torch.hub.get_dir()) / "checkpoints"
        raise UserError(
            f"the detector's weights cannot be fetched from {url} ({error}); place that file in {folder}, "
            "or choose another region source, such as motion"
        ) from None
    model = maskrcnn_resnet50_fpn(weights=None, weights_backbone=None, box_score_thresh=SCORE, min_size=SIDE)
    model.load_state_dict(state)
    return model.eval().to(device)


@torch.inference_mode()
def detect(model: torch.nn.Module, frames: np.ndarray) -> np.ndarray:
    """Coverage of actor and prop, uint8 [T, 2, H, W] (0 to 255), in frames uint8 [T, H, W, 3].

    model: takes images, a list of [3, H, W] in [0, 1]; gives for each a dict of labels [K] (COCO's categories) and
    masks [K, 1, H, W] in [0, 1]."""
    device = next(model.parameters(), torch.empty(0)).device
    names, (t, h, w, _) = coco_weights().meta["categories"], frames.shape
    cover = torch.zeros(t, 2, h, w)
    for out, frame in zip(cover, frames):
        found = model([torch.from_numpy(frame).permute(2, 0, 1).float().div(255).to(device)])[0]
        masks = found["masks"][:, 0].float().cpu()
        labels = [names[k] for k in found["labels"].tolist()]
        person = torch.tensor([name == "person" for name in labels], dtype=torch.bool)
        prop = torch.tensor([name in PROPS_OF_COCO for name in labels], dtype=torch.bool)
        if not person.any():
            continue
        out[0] = masks[person].amax(0)
        near = grow(out[:1], max(1, round(REACH * min(h, w))))[0] > 0.5
        for mask in masks[prop]:
            if (near & (mask > 0.5)).any():
                out[1] = torch.maximum(out[1], mask)
    return cover.mul(255).round().byte().numpy()


DETECTIONS = Step("detections", detect, load_detector)


class Detections:
    """What the detector finds in the clips of a frame store: a compressed file a clip, in a folder named by its key."""

    def __init__(self, store: Path, device: str | torch.device = "cpu"):
        self.device = device
        self.key = DETECTIONS.key()
        self.folder = store / f"detector-{self.key}"
        self.model: torch.nn.Module | None = None

    def find(self, rows: list[int], frames: np.ndarray) -> None:
        """Detect in the clips at `rows` of frames [N, T, S, S, 3] that have no file yet."""
        missing = [row for row in rows if not self._path(row).exists()]
        for row in tqdm(missing, desc="detecting actors and props", unit="clip", leave=False, disable=len(missing) < 2):
            self(row, frames[row])

    def __call__(self, row: int, frames: np.ndarray) -> np.ndarray:
        """Coverage uint8 [T, 2, S, S] of actor and prop in one clip's frames [T, S, S, 3]."""
        path = self._path(row)
        try:
            return read_arrays(path)["cover"]
        except (OSError, KeyError, UserError):  # absent or damaged: detected (again)
            pass
        if self.model is None:
            self.model = load_detector(self.device)
        cover = detect(self.model, np.asarray(frames))
        with replacing(path) as temporary:
            np.savez_compressed(temporary, cover=cover)
        return cover

    def _path(self, row: int) -> Path:
        return self.folder / f"{row}.npz"


def detections(study) -> Detections:
    return Detections(study.store.folder, study.clip.device)


def covered(part: str, cover: torch.Tensor) -> torch.Tensor:
    """The soft mask of a part from coverage uint8 [T, 2, H, W] of actor and prop."""
    soft = cover.float() / 255
    mask = {"actor": soft[:, 0], "prop": soft[:, 1]}.get(part, soft.amax(1))
    return 1 - mask if part == "background" else mask


@source("detector", parts=("actor", "prop", "actor+prop", "background"), finder=detections)
def detector(part: str, evidence: Evidence) -> torch.Tensor:
    """Persons, and the things that they touch."""
    return covered(part, evidence.from_finder("detector"))
