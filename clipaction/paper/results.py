"""What notebooks 01 to 05 leave in results/<profile>/, opened for reading: the only input of figures and tables."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from .. import rivals  # noqa: F401  (importing it registers its methods)
from ..analysis.doubtful import left_out, trusted
from ..base.cache import read_table
from ..base.errors import UserError
from ..base.files import read_json
from ..base.paths import reference_dir
from ..base.tensors import damaged, read_arrays
from ..demo.dose import available
from ..evaluate.methods import Method, find_method, in_order, registered_name
from ..noise import protocols  # noqa: F401  (importing it registers its methods)
from .looks import kind_rank, marker
from .style import GREY, colour

INTERVALS = "Intervals and bands: 95 %, bootstrap over groups."
METHODS_FILE = "methods.json"  # {name: fields of Method}: what the run knew, such as methods added in a notebook
MADE_BY = {  # the notebook that makes a file, by the start of the file's name
    "run.json": "01_data_prep",
    "clips": "01_data_prep",
    "environment": "01_data_prep",
    "timing": "01_data_prep",
    "predictions/zero_shot": "02_zero_shot",
    "instability": "02_zero_shot",
    "predictions/masking": "03_masking_analysis",
    "masks/": "03_masking_analysis",
    "region_scores": "03_masking_analysis",
    "region_checks": "03_masking_analysis",
    "bias": "03_masking_analysis",
    "predictions/noise": "04_noise_training",
    "predictions/calibrated": "04_noise_training",
    "noise/": "04_noise_training",
    "relevance": "04_noise_training",
    "predictions/ward": "05_generalisation",
    "predictions/baselines": "05_generalisation",
    "dose": "05_generalisation",
}
DOSED = ("demo", "clipaction-compact")  # the data and the model whose doses of bias are known
LEFT_OUT = {  # files that not every profile has: whether this one does without
    "predictions/ward.parquet": lambda p: p["dataset"]["kind"] != "demo" or not p["dataset"]["ward_groups"],
    "predictions/baselines.parquet": lambda p: not p["baselines"]["enabled"],
    "dose.parquet": lambda p: (p["dataset"]["kind"], p["model"]["name"]) != DOSED or not available(),
    "region_scores.parquet": lambda p: "truth" not in p["regions"]["sources"] or len(p["regions"]["sources"]) < 2,
}
# Notebook 04 writes these in every run, empty where they were not asked for. `--from 04` may ask for them after
# notebook 01 has noted the profile of the run, so what is in them counts.
ON_DEMAND = ("noise/ablation.parquet", "noise/unseen.parquet", "noise/search.parquet")


class Results:
    """A results folder. Tables are read once. A missing file is a UserError that names the notebook that makes it."""

    def __init__(self, folder: str | Path):
        self.folder = Path(folder)
        self._tables: dict[str, pd.DataFrame] = {}
        self._json: dict[str, dict] = {}
        self._read: set[str] = set()

    @staticmethod
    def of(folder: str | Path | Results) -> Results:
        return folder if isinstance(folder, Results) else Results(folder)

    @contextmanager
    def recording(self) -> Iterator[set[str]]:
        """The names of all files that are asked for inside the block, also of those that are not there."""
        before, self._read = self._read, set()
        try:
            yield self._read
        finally:
            self._read = before

    def path(self, name: str) -> Path:
        """The path of a file. Raises UserError where it is missing."""
        self._read.add(name)
        path = self.folder / name
        if not path.is_file():
            maker = next((made for start, made in MADE_BY.items() if name.startswith(start)), "an earlier notebook")
            raise UserError(f"{path}: not there; notebook {maker} makes it (./run_all.sh --from {maker[:2]})")
        return path

    def json(self, name: str) -> dict[str, Any]:
        """A JSON object. Raises UserError where it is damaged."""
        path = self.path(name)
        if name not in self._json:
            found = read_json(path)
            if found is None:
                raise damaged(path)
            self._json[name] = found
        return self._json[name]

    def arrays(self, name: str) -> dict[str, np.ndarray]:
        return read_arrays(self.path(name))

    def table(self, name: str) -> pd.DataFrame:
        """A .parquet or .csv table of the folder. Callers do not change it."""
        path = self.path(name)
        if name not in self._tables:
            self._tables[name] = read_table(path) if path.suffix == ".parquet" else pd.read_csv(path)
        return self._tables[name]

    def maybe(self, name: str) -> pd.DataFrame | None:
        """The same, or None where the profile does without it (see LEFT_OUT), or it was not asked for (ON_DEMAND)."""
        self._read.add(name)
        if name in ON_DEMAND and not (self.folder / name).exists():
            return None
        left_out = LEFT_OUT.get(name)
        if left_out and left_out(self.run["profile"]):  # a file may be left from before it was switched off
            return None
        return self.table(name)

    def published(self, name: str) -> pd.DataFrame | None:
        """A csv of the published reference of this profile, or None."""
        path = reference_dir(self.run["profile"]["name"]) / name
        self._read.add(str(path))
        return pd.read_csv(path) if path.is_file() else None

    @property
    def run(self) -> dict[str, Any]:
        return self.json("run.json")

    @property
    def classes(self) -> list[str]:
        """The classes of the source domain: the first of all classes."""
        return self.run["classes"][: self.run["source_classes"]]

    @property
    def toy(self) -> bool:
        """Whether this is a run for tests, whose numbers mean nothing."""
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
        """Rows of predictions/<step>.parquet of the test clips at home (or of the only domain there is). Those of the
        masking sweep are without the clips whose region cannot be right (`analysis.doubtful.trusted`)."""
        rows = self.table(f"predictions/{step}.parquet")
        if step == "masking":
            rows = trusted(rows, self.table("region_checks.parquet"), self.run["profile"]["dataset"]["kind"])
        return rows[(rows["level"] == level) & (rows["domain"] != "ward") & (rows["split"] == "test")]

    def left_out(self) -> str:
        """'Left out: clips whose region cannot be right (motion 8 of 70). ', of the masking sweep; '' where none is."""
        checks = self.table("region_checks.parquet")
        doubted = left_out(checks, self.run["profile"]["dataset"]["kind"])["source"].value_counts(sort=False)
        numbers = (f"{source} {count} of {(checks['source'] == source).sum()}" for source, count in doubted.items())
        return f"Left out: clips whose region cannot be right ({', '.join(numbers)}). " if len(doubted) else ""

    def ward(self, step: str, level: str = "clip") -> pd.DataFrame | None:
        """Rows of the ward's clips, or None where the profile has no ward."""
        name = f"predictions/{step}.parquet"
        rows = self.maybe(name) if step in ("ward", "baselines") else self.table(name)
        rows = None if rows is None else rows[(rows["domain"] == "ward") & (rows["level"] == level)]
        return None if rows is None or rows.empty else rows

    def method(self, name: str) -> Method:
        """The registered method, else what the run's methods.json says of it, else one drawn in grey.

        Its colour and marker can be drawn. A method that uses the clip's label is grey, and its label says so.
        """
        found = find_method(name)
        if registered_name(name) is None and (facts := self.described_methods().get(name)):
            known = {field.name for field in fields(Method)} - {"name", "build"}
            found = Method(name, **{"label": name} | {key: value for key, value in facts.items() if key in known})
        label = found.label
        if found.uses_label and "uses the label" not in label:
            label += " (uses the label)"
        shade = GREY if found.uses_label else colour(found.colour)
        return replace(found, label=label, colour=shade, marker=marker(found.marker))

    def described_methods(self) -> dict[str, dict]:
        """The run's methods.json; empty where there is none."""
        return self.noted(METHODS_FILE)

    def noted(self, name: str) -> dict[str, Any]:
        """A json file that a run need not have; empty where there is none."""
        self._read.add(name)
        return self.json(name) if (self.folder / name).is_file() else {}

    def in_order(self, names: Iterable[str]) -> list[str]:
        """Method names as tables list them: protocols, rivals, networks, each in the order of registration.

        Methods that only methods.json describes come after those that are registered; those that use the clip's label
        come last.
        """
        names = in_order(names)
        described = [] if None not in map(registered_name, names) else list(self.described_methods())

        def rank(name: str) -> tuple[bool, bool, int, int]:
            method, known = self.method(name), registered_name(name) is not None
            place = described.index(name) if name in described else len(described)
            return method.uses_label, not known, kind_rank(method), 0 if known else place

        return sorted(names, key=rank)

    def facts(self, rows: pd.DataFrame | None = None, split: str = "home test") -> str:
        """The end of every caption: profile, split, frames, model, and the number of clips of `rows`."""
        n = "" if rows is None else f" {rows['clip'].nunique()} clips in {rows['group'].nunique()} groups;"
        split = split.removeprefix("home ") if self.place == "test" else split
        run, name = self.run, self.run["profile"]["name"]
        return f"Profile {name}; {split} clips;{n} {run['frames']} frames a clip; {run['model']['name']}."


class Pooled(Results):
    """Several runs as one: the rows of their tables together.

    A clip of another run is another observation. Groups of the same name are one group.
    """

    def __init__(self, runs: list[Results]):
        super().__init__(runs[0].folder)
        self.runs = runs

    def table(self, name: str) -> pd.DataFrame:
        if name not in self._tables:
            tables = [run.table(name) for run in self.runs]
            tables = [
                each.assign(clip=f"{i} " + each["clip"]) if "clip" in each else each for i, each in enumerate(tables)
            ]
            self._tables[name] = pd.concat(tables)
        return self._tables[name]
