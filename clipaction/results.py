"""What notebooks 01-05 leave in results/<profile>/, opened for reading: the only input of figures, tables and the report."""

from __future__ import annotations

import json
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from .errors import UserError

MADE_BY = {  # the notebook to run when a file is missing, by the start of its name
    "run.json": "01_data_prep", "clips": "01_data_prep", "environment": "01_data_prep", "timing": "01_data_prep",
    "predictions/zero_shot": "02_zero_shot", "instability": "02_zero_shot", "predictions/masking": "03_masking_analysis",
    "masks/": "03_masking_analysis", "region_scores": "03_masking_analysis", "bias": "03_masking_analysis", "predictions/noise": "04_noise_training",
    "predictions/calibrated": "04_noise_training",
    "noise/": "04_noise_training", "relevance": "04_noise_training", "predictions/ward": "05_generalisation",
    "predictions/baselines": "05_generalisation",
}  # fmt: skip
LEFT_OUT = {  # files that a profile may do without: is it one that does?
    "predictions/ward.parquet": lambda p: p["dataset"]["kind"] != "demo" or not p["dataset"]["ward_groups"],
    "predictions/baselines.parquet": lambda p: not p["baselines"]["enabled"],
    "noise/ablation.parquet": lambda p: not p["noise"]["ablation_steps"],
    "region_scores.parquet": lambda p: "truth" not in p["regions"]["sources"] or len(p["regions"]["sources"]) < 2,
}


class Results:
    """A results folder. Tables are read once; a missing file is a UserError that names it and the notebook that makes it."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._tables: dict[str, pd.DataFrame] = {}

    @staticmethod
    def of(folder: str | Path | Results) -> Results:
        return folder if isinstance(folder, Results) else Results(folder)

    def path(self, name: str) -> Path:
        path = self.folder / name
        if not path.is_file():
            maker = next((notebook for start, notebook in MADE_BY.items() if name.startswith(start)), "an earlier notebook")
            raise UserError(f"{path}: not there; notebook {maker} makes it (./run_all.sh --from {maker[:2]})")
        return path

    def json(self, name: str) -> dict:
        return json.loads(self.path(name).read_text())

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        with np.load(self.path(name), allow_pickle=False) as file:
            return {key: file[key] for key in file.files}

    def table(self, name: str) -> pd.DataFrame:
        """A .parquet or .csv table of the folder; callers do not change it."""
        if name not in self._tables:
            path = self.path(name)
            self._tables[name] = pd.read_parquet(path) if path.suffix == ".parquet" else pd.read_csv(path)
        return self._tables[name]

    def maybe(self, name: str) -> pd.DataFrame | None:
        """The same, or None where the profile does without it (no second domain, no baselines, no ablation, no truth)."""
        return None if not (self.folder / name).is_file() and LEFT_OUT[name](self.run["profile"]) else self.table(name)

    @cached_property
    def run(self) -> dict:
        return self.json("run.json")

    @property
    def classes(self) -> list[str]:
        """Of the source domain: the first of all classes."""
        return self.run["classes"][: self.run["source_classes"]]

    @property
    def toy(self) -> bool:
        """Is this a run for tests, whose numbers mean nothing?"""
        return self.run["profile"]["name"] == "quick" or "toy size" in self.run["title"]

    def failed(self) -> pd.DataFrame:
        """id, ok, reason of the clips that could not be read, or only in part."""
        clips = self.table("clips.parquet").fillna({"reason": ""})
        return clips.loc[~clips["ok"] | (clips["reason"] != ""), ["id", "ok", "reason"]]

    @property
    def place(self) -> str:
        """What the test clips' domain is called: 'home' where there is more than one domain, 'test' otherwise."""
        return "home" if "home" in set(self.table("clips.parquet")["domain"]) else "test"

    def home(self, step: str, level: str = "clip") -> pd.DataFrame:
        """Rows of predictions/<step>.parquet of the test clips at home (or of the only domain there is)."""
        rows = self.table(f"predictions/{step}.parquet")
        return rows[(rows["level"] == level) & (rows["domain"] != "ward") & (rows["split"] == "test")]

    def ward(self, step: str, level: str = "clip") -> pd.DataFrame | None:
        """Rows of the ward's clips, or None where the profile has no ward."""
        rows = self.maybe(f"predictions/{step}.parquet") if step in ("ward", "baselines") else self.table(f"predictions/{step}.parquet")
        rows = None if rows is None else rows[(rows["domain"] == "ward") & (rows["level"] == level)]
        return None if rows is None or rows.empty else rows

    def facts(self, rows: pd.DataFrame | None = None, split: str = "home test") -> str:
        """What every caption ends with: profile, split, frames, model, and the number of clips of `rows`."""
        n = "" if rows is None else f" {rows['clip'].nunique()} clips in {rows['group'].nunique()} groups;"
        split = split.removeprefix("home ") if self.place == "test" else split
        return f"Profile {self.run['profile']['name']}; {split} clips;{n} {self.run['frames']} frames a clip; {self.run['model']['name']}."


class Pooled(Results):
    """Several runs as one: their tables' rows together. A clip of another run is another observation; groups of one name stay together."""

    def __init__(self, runs: list[Results]):
        super().__init__(runs[0].folder)
        self.runs = runs

    def table(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            tables = [run.table(name) for run in self.runs]
            self._tables[name] = pd.concat([table.assign(clip=f"{i} " + table["clip"]) if "clip" in table else table for i, table in enumerate(tables)])
        return self._tables[name]


INTERVALS = "Intervals and bands: 95 %, bootstrap over groups."


def noise_conditions(predictions: pd.DataFrame) -> dict[str, str]:
    """{'none': 'none', 'shape': the masked condition, 'hide': the one without actor and prop}, as far as the rows have them."""
    names = predictions["condition"].unique()
    found = {kind: next((name for name in names if name.startswith(kind)), None) for kind in ("none", "shape:", "hide:")}
    return {kind.rstrip(":"): name for kind, name in found.items() if name is not None}
