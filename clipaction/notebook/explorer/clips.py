"""The clips of an explorer, those of the data set and one's own: frames, what is known of them, and their video."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from itertools import count
from pathlib import Path

import numpy as np
import pandas as pd

from ...base.cache import read_table
from ...base.errors import UserError
from ...data.files import printable
from ...data.preprocess import resize
from ...data.video import Decoded, VideoError, decode
from ...evaluate.predictions import correct
from ...study import Study
from ...vision.load import preprocessing
from .panels import jpegs

OWN = count(1)  # numbers of videos of one's own: finders remember what they found by row, over all explorers
SHOWN = 480  # side of the pictures that are shown, at most, in pixels
PLAYED = 24  # frames of a video that are played, at most


@dataclass(frozen=True)
class OpenClip:
    """One clip. frames: uint8 [T, S, S, 3] as the model gets them; own: the same frames in the video's own pixels,
    uint8 [T, R, R, 3]. label: None for a video of one's own. row: in the frame store; below 0 for one's own. parts and
    plates: see `masking.conditions.Context`; None where there is no truth."""

    name: str
    cls: str
    label: int | None
    scene: str
    row: int
    frames: np.ndarray
    own: np.ndarray
    video: list[bytes]
    seconds: float
    parts: np.ndarray | None = None
    plates: np.ndarray | None = None


@dataclass
class Clips:
    """All clips that an explorer can open. Opened ones are kept."""

    study: Study
    opened: dict[str, OpenClip] = field(default_factory=dict)

    def open(self, name: str) -> OpenClip:
        """The clip of that name; in the model's pixels where its video is gone."""
        if name not in self.opened:
            study = self.study
            (facts,) = study.meta[study.meta["clip"] == name].to_dict("records")
            paths, row, store = {clip.id: clip.path for clip in study.dataset.clips}, facts["row"], study.store
            frames = store.get([row])[0]
            try:
                pixels = self.pixels(paths[name], decode(paths[name], study.profile.frames))
            except (KeyError, VideoError):
                pixels = frames, [], 1.0
            self.opened[name] = OpenClip(
                name,
                facts["cls"],
                facts["label"],
                facts["scene"],
                row,
                frames,
                *pixels,
                parts=None if store.parts is None else np.asarray(store.parts[row]),
                plates=None if store.plates is None else np.asarray(store.plates[row]),
            )
        return self.opened[name]

    def add(self, path: Path | str, name: str | None = None) -> OpenClip:
        """A video of one's own, prepared as the data set's. Raises UserError when no frame of it can be read."""
        path = Path(path).expanduser()
        judged = decode(path, self.study.profile.frames)
        frames = resize(judged.frames, **self.preparation)
        clip = OpenClip(
            name or printable(path.name), "your video", None, "", -next(OWN), frames, *self.pixels(path, judged)
        )
        self.opened[clip.name] = clip
        return clip

    @cached_property
    def preparation(self) -> dict:
        """How the model's frames are made: size, interpolation, resize_mode."""
        model = self.study.profile.model
        return preprocessing(model.name, model.pretrained)

    def pixels(self, path: Path, judged: Decoded) -> tuple[np.ndarray, list[bytes], float]:
        """The judged frames of a video in its own pixels, cropped as the model sees them, all frames (at most PLAYED)
        as JPEG, and its length in seconds."""
        played = decode(path, PLAYED)
        video = jpegs(self.shown(played.frames[first_of_each(played.indices)]))
        seconds = played.n_frames / played.fps if played.fps else 1.0
        return self.shown(judged.frames), video, seconds

    def shown(self, frames: np.ndarray) -> np.ndarray:
        """Frames uint8 [T, H, W, 3] of a video as the model sees them, but larger: [T, R, R, 3], R at most SHOWN."""
        size = max(self.preparation["size"], min(SHOWN, *frames.shape[1:3]))
        return resize(frames, **self.preparation | {"size": size})


def first_of_each(indices: np.ndarray) -> np.ndarray:
    """Where each different value of a sorted list occurs first: a short video repeats frames."""
    return np.unique(indices, return_index=True)[1]


def read(study: Study, name: str) -> pd.DataFrame | None:
    """A table of the study's results; None where there is none, or a damaged one, which its notebook makes anew."""
    try:
        return read_table(study.results / name)
    except (FileNotFoundError, UserError):
        return None


def listed(study: Study) -> list[dict]:
    """The test clips with what they can be found by; right: whether zero shot is, None where it was not run."""
    test, judged = study.clips("test"), read(study, "predictions/zero_shot.parquet")
    right = pd.Series(dtype=object)
    if judged is not None:
        rows = judged[(judged["level"] == "clip") & judged["clip"].isin(test["clip"])]
        right = pd.Series(correct(rows), rows["clip"])
        right = right[~right.index.duplicated()]
    known = [None if name not in right.index else bool(right[name]) for name in test["clip"]]
    return test[["clip", "cls", "scene"]].assign(right=pd.Series(known, dtype=object)).to_dict("records")
