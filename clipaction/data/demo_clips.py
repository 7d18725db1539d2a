"""The demo data set: synthetic action videos, rendered on first use."""

from __future__ import annotations

import pandas as pd

from ..demo.actions import ACTIONS
from ..demo.make import rendered_clips
from .dataset import Dataset, dataset, make_dataset


@dataset("demo")
def load_demo(profile) -> Dataset:
    """The clips of `profile`, with ground truth; renders what is missing. Raises UserError when the disk is full."""
    folder = rendered_clips(profile)
    rows = pd.read_csv(folder / "clips.csv", keep_default_na=False)
    clips = []
    for row in rows.to_dict("records"):
        path = folder / row["file"]
        files = {"path": path, "truth": path.with_suffix(".truth.npz")}
        fields = {name: row[name] for name in ("id", "group", "split", "domain", "scene")}
        clips.append({**fields, **files, "cls": row["class"]})
    phrases = {name: action.words[0] for name, action in ACTIONS.items()}
    note = f"demo data set in {folder}: {len(rows)} rendered clips of {rows['class'].nunique()} classes"
    return make_dataset("demo data set", clips, phrases, note=note)
