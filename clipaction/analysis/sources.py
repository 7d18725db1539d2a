"""How well region sources find the true actor and prop, where truth is known."""

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base.seeds import rng
from ..evaluate.intervals import bootstrap_groups
from ..masking import regions
from ..masking.cells import random_cells
from ..masking.masks import shape_mask

COLUMNS = ["source", "part", "clip", "group", "area", "iou", "pointing", "top20"]


def score_sources(study, meta: pd.DataFrame) -> pd.DataFrame:
    """One row a source and clip: source, part, clip, group, area (the truth's share of the frame), iou, pointing,
    top20.

    Scored are the profile's sources that find actor and prop, or the most relevant pixels. iou: of the region, or of
    the 20 % most relevant pixels. pointing: share of frames whose most relevant pixel
    is on actor or prop (the pointing game, Zhang et al. 2018). top20: share of those 20 % that is on them, at most
    area / 0.2. Two baselines do not look at the picture: a centre prior (nearer is better; for iou a disc of the true
    area) and random cells of that area. No rows where truth is unknown."""
    if study.store.parts is None:
        return pd.DataFrame(columns=COLUMNS)
    rows: list[dict] = []
    scored = ("actor+prop", "relevant")
    sources = [name for name in study.profile.regions.sources if any(regions.gives(name, part) for part in scored)]
    sources = [name for name in sources if name != "truth"]
    t, size = study.store.frames.shape[1:3]
    nearness = centre_prior(size).expand(t, -1, -1)
    clips = zip(meta["clip"], meta["group"], meta["row"])
    for clip, group, row in tqdm(clips, total=len(meta), desc="scoring region sources", unit="clip", leave=False):
        frames, generator = study.store.frames[row], rng(study.profile.seed, clip, "random region")
        finders = {name: partial(finder, int(row), frames) for name, finder in study.finders.items()}
        evidence = regions.Evidence(frames, study.store.parts[row], finders)
        truth = regions.region("actor+prop", "truth", evidence) > 0.5
        area = float(truth.float().mean())
        disc = shape_mask("circle", 100 * area, (size, size), t, generator)
        cells = torch.from_numpy(random_cells(truth.sum((1, 2)).tolist(), (size, size), generator))
        maps = {name: evidence.from_finder(name) for name in sources if regions.gives(name, "relevant")}
        maps |= {"centre prior": nearness, "random": torch.from_numpy(generator.random((t, size, size)))}
        top = {name: most_relevant(frames, values) for name, values in maps.items()}
        found = {
            name: top[name] if name in top else regions.region("actor+prop", name, evidence) > 0.5 for name in sources
        }
        found |= {"centre prior": disc, "random": cells}
        for source, guess in found.items():
            part = "relevant" if source in sources and source in maps else "actor+prop"
            iou = float((guess & truth).sum() / (guess | truth).sum().clamp(min=1))
            record = {"source": source, "part": part, "clip": clip, "group": group, "area": area, "iou": iou}
            if source in maps:
                best = maps[source].flatten(1).argmax(1)
                record["pointing"] = float(truth.flatten(1).gather(1, best[:, None]).float().mean())
                record["top20"] = float((top[source] & truth).sum() / top[source].sum())
            rows.append(record)
    return pd.DataFrame(rows, columns=COLUMNS)


def centre_prior(size: int) -> torch.Tensor:
    """[1, S, S]: minus the distance of each pixel to the centre of the frame."""
    axes = [torch.arange(size) + 0.5] * 2
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).view(-1, 2)
    return -torch.cdist(points, torch.full((1, 2), size / 2)).view(1, size, size)


def most_relevant(frames: np.ndarray, maps: torch.Tensor) -> torch.Tensor:
    """Bool [T, S, S]: the 20 % of the pixels with the highest values of a map."""
    evidence = regions.Evidence(frames, found={"relevance": lambda: maps})
    return regions.region("relevant", "relevance", evidence) > 0.5


def source_summary(scores: pd.DataFrame) -> pd.DataFrame:
    """A row a source: clips, and the mean of each score of `score_sources` with its interval over groups."""
    records = []
    for source, rows in scores.groupby("source", sort=False):
        record = {"source": source, "n_clips": len(rows)}
        for name in ("iou", "pointing", "top20"):
            known = rows.dropna(subset=name)
            values = bootstrap_groups(known[name], known["group"]) if len(known) else (np.nan,) * 3
            record |= dict(zip((name, f"{name}_low", f"{name}_high"), values))
        records.append(record)
    return pd.DataFrame(records)
