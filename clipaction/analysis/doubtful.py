"""Which clips' regions cannot be right, by source, and predictions without them."""

from __future__ import annotations

from functools import partial

import pandas as pd
import torch
from tqdm.auto import tqdm

from ..masking import regions
from ..masking.conditions import parse
from ..masking.regions.plausible import extent

COLUMNS = ["source", "part", "clip", "cls", "group", "row", "area", "border", "middle", "doubt"]


def sought(profile) -> dict[str, str]:
    """{source: the part checked} of a profile's sources: actor and prop, or the actor where a source finds no props."""
    parts = {
        name: next((part for part in ("actor+prop", "actor") if regions.gives(name, part)), "")
        for name in profile.regions.sources
    }
    return {name: part for name, part in parts.items() if part}


def region_of(study, row: int, source: str, part: str) -> torch.Tensor:
    """The soft mask [T, S, S] of a part in one clip of the store."""
    frames, parts = study.store.frames[row], None if study.store.parts is None else study.store.parts[row]
    found = {name: partial(finder, int(row), frames) for name, finder in study.finders.items()}
    return regions.region(part, source, regions.Evidence(frames, parts, found))


def check_regions(study, meta: pd.DataFrame) -> pd.DataFrame:
    """One row a source and clip: source, part, clip, cls, group, row, area, border, middle (shares of the frame, of its
    border and of the rest that the region covers) and doubt ('' where the region may be right)."""
    records = []
    clips = list(meta[["clip", "cls", "group", "row"]].itertuples(index=False))
    for source, part in sought(study.profile).items():
        for clip in tqdm(clips, desc=f"checking regions by {source}", unit="clip", leave=False):
            found = extent(region_of(study, clip.row, source, part))
            records.append({"source": source, "part": part, **clip._asdict(), **vars(found), "doubt": found.doubt})
    return pd.DataFrame(records, columns=COLUMNS)


def counts(checks: pd.DataFrame) -> pd.DataFrame:
    """A row a source: clips, how many of their regions cannot be right (`doubtful`), and for which reason."""
    records = []
    for source, rows in checks.groupby("source", sort=False):
        doubts = rows.loc[rows["doubt"] != "", "doubt"]
        records.append({"source": source, "clips": len(rows), "doubtful": len(doubts), **doubts.value_counts()})
    table = pd.DataFrame(records, columns=list(dict.fromkeys(["source", "clips", "doubtful", *checks["doubt"]])))
    return table.drop(columns="", errors="ignore").fillna(0).set_index("source").astype(int)


def left_out(checks: pd.DataFrame, kind: str) -> pd.DataFrame:
    """The checks of regions that cannot be right and that are left out. kind: of the data set; of the demo none, as its
    published tables hold every clip."""
    return checks[(checks["doubt"] != "") & (kind != "demo")]


def trusted(predictions: pd.DataFrame, checks: pd.DataFrame, kind: str) -> pd.DataFrame:
    """Rows of predictions without the region conditions, and their controls, of clips whose region by the same source
    is left out (`left_out`)."""
    bad = pd.MultiIndex.from_frame(left_out(checks, kind)[["source", "clip"]])
    if bad.empty:
        return predictions
    source = predictions["condition"].map({name: parse(name).source for name in predictions["condition"].unique()})
    return predictions[~pd.MultiIndex.from_arrays([source, predictions["clip"]]).isin(bad)]
