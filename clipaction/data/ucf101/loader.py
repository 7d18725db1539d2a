"""UCF-101 as a data set."""

from __future__ import annotations

from pathlib import Path

from ...base.errors import UserError
from ..dataset import Dataset, dataset, make_dataset
from .copies import locate
from .names import phrases


@dataset("ucf101")
def load_ucf101(profile) -> Dataset:
    """UCF-101 in its official split 1, 2 or 3 (the first that the profile names), from a copy on disk or fetched.

    Raises UserError when the videos are neither there nor can be fetched, or none of them is in the test set.
    """
    split = profile.dataset.splits[0]
    chosen, files, note = locate(profile.dataset, split)
    clips = []
    for clip in chosen:
        name = clip.pop("name")
        clips.append({**clip, "id": Path(name).stem, "path": files[name]})
    if not any(clip["split"] == "test" for clip in clips):
        remedy = "choose another --split, or --profile folder to split by seed"
        raise UserError(f"no test clip of UCF-101's split {split} among them: {note}; {remedy}")
    return make_dataset("UCF-101", clips, phrases(), profile.dataset.classes, note)
