"""Annotated actor boxes of UCF101-24: the corrected THUMOS annotations (Singh et al. 2017, arXiv:1611.08563), one
.mat file.

`annot` holds a row a video: its name `<Class>/v_<Class>_gNN_cNN`, and `tubes`, each with its first and last frame
(from 1) and a box (x, y, width, height; pixels of the 320 x 240 video, from 1) for every frame between. Frames
without the action have no box."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from scipy.io import loadmat
from scipy.io.matlab import MatReadError
from tqdm.auto import tqdm

from ...base.errors import UserError
from ...base.files import digest_of
from ...base.paths import data_dir
from ...data.preprocess import resize
from ...vision.load import preprocessing
from .detector import covered
from .source import Evidence, source

FILE = "finalAnnots.mat"
SOURCE = "https://github.com/gurkirt/corrected-UCF101-Annots"

Tube = tuple[int, np.ndarray]  # first frame, from 0; boxes [n, 4] as x, y, width, height, from 0


def read_boxes(path: Path) -> dict[str, list[Tube]]:
    """The tubes of every annotated video, by its name without folder. UserError for a file that is not such a list.
    Nothing is unpickled."""
    try:
        rows = loadmat(path)["annot"][0]
        return {str(row["name"][0]).split("/")[-1]: [_tube(tube) for tube in row["tubes"].ravel()] for row in rows}
    except FileNotFoundError:
        raise UserError(
            f"no actor boxes at {path}; fetch {FILE} from {SOURCE} and place it there, or say regions.boxes=<file>"
        ) from None
    except (MatReadError, ValueError, KeyError, IndexError, TypeError, OSError, NotImplementedError) as error:
        raise UserError(
            f"{path} is not the list of UCF101-24 boxes ({error}); fetch {FILE} from {SOURCE} again"
        ) from None


def _tube(tube) -> Tube:
    boxes = tube["boxes"].astype(int)  # stored as uint8 where it fits: sums would wrap around
    boxes[:, :2] -= 1
    return int(tube["sf"][0, 0]) - 1, boxes


def rasterise(tubes: list[Tube], indices, height: int, width: int) -> np.ndarray:
    """uint8 [T, H, W], 255 inside the boxes of the frames at `indices` (from 0)."""
    out = np.zeros((len(indices), height, width), np.uint8)
    for frame, index in zip(out, indices):
        for first, boxes in tubes:
            if 0 <= index - first < len(boxes):
                x, y, w, h = boxes[index - first]
                frame[max(y, 0) : y + h, max(x, 0) : x + w] = 255
    return out


def annotation_file(path: str | None) -> Path:
    """The file of annotations: the one named, or where it is expected."""
    return Path(path).expanduser() if path else data_dir() / "ucf101" / FILE


class Boxes:
    """Actor coverage in the clips of a frame store, from the annotations; the geometry is the frames' own, resized
    and cropped alike."""

    def __init__(self, path: str | None, table: pd.DataFrame, resize_mode: str = "shortest"):
        """table: the store's, indexed by row: id, indices, height, width."""
        self.path, self.table, self.resize_mode = (
            annotation_file(path),
            table,
            resize_mode,
        )

    @cached_property
    def tubes(self) -> dict[str, list[Tube]]:
        return read_boxes(self.path)

    @cached_property
    def key(self) -> str:
        return f"{digest_of(self.path)} {self.resize_mode}"

    def find(self, rows: list[int], frames: np.ndarray) -> None:
        """Read the annotations (a second or two); the rest is drawn when asked for."""
        _ = self.tubes

    def __call__(self, row: int, frames: np.ndarray) -> np.ndarray:
        """uint8 [T, 2, S, S]: coverage of the actor, and of props, of which nothing is annotated (0)."""
        clip = self.table.loc[row]
        name = clip["id"].split("/")[-1]
        if name not in self.tubes:
            known = sorted({name.split("_")[1] for name in self.tubes})
            if not set(known) & set(name.split("_")[1:2]):
                raise UserError(
                    f"no boxes are annotated for '{name}'; choose classes that have them (dataset.classes): "
                    f"{', '.join(known)}"
                )
            tqdm.write(f"{name}: this video has no boxes, though its class has; nothing is hidden in it")
        drawn = rasterise(self.tubes.get(name, []), clip["indices"], int(clip["height"]), int(clip["width"]))[..., None]
        actor = resize(drawn, frames.shape[1], "bilinear", self.resize_mode)[..., 0]
        return np.stack([actor, np.zeros_like(actor)], 1)


def boxes_of(study) -> Boxes:
    model = study.profile.model
    mode = preprocessing(model.name, model.pretrained)["resize_mode"]
    return Boxes(study.profile.regions.boxes, study.store.table.set_index("row"), mode)


@source("boxes", parts=("actor", "background"), finder=boxes_of)
def boxes(part: str, evidence: Evidence) -> torch.Tensor:
    """Annotated actors; frames without the action have none."""
    return covered(part, evidence.from_finder("boxes"))
