"""How long a run takes, told before it begins: the work of each step (`work`), and how fast this machine is.

A probe of a few seconds measures the rates: the model with random weights on random frames, and one rendered video.
"""

from __future__ import annotations

import json
import os
import shutil
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import torch

from ..base import parallel
from ..base.cache import kept_table
from ..base.errors import StorageError, UserError
from ..base.files import write_json
from ..base.paths import results_dir
from ..base.words import duration
from ..demo.plan import plan_clips
from ..demo.render import render_group
from ..noise.learning import RECIPES
from ..rivals import prompts
from ..rivals.networks import FrameCNN
from ..vision.clip import to_input
from ..vision.load import load_clip, preprocessing
from .environment import keep_arrays
from .work import Work, exact, masking_pieces, outside, sizes, steps

READING = 0.2  # seconds to decode a video of UCF-101 on one core: assumed, there is none to try before it is fetched
# Seconds of each notebook beside its steps: a kernel, imports, tables, figures. On two cores, between quick and demo.
NOTEBOOKS = {"01": 12, "02": 15, "03": 33, "04": 38, "05": 18, "06": 50}


@dataclass(frozen=True)
class Rates:
    """Of a machine, on all its cores: frames embedded a second, without and with gradients; videos a second;
    sentences a second in prompt tuning; frames a second that a frame CNN learns from; frames masked a second."""

    frames: float
    learned: float
    videos: float
    prompts: float
    trained: float
    masked: float

    def seconds(self, work: Work) -> float:
        embedding = (work.frames - work.learned) / self.frames + work.learned / self.learned
        masking = work.frames * work.masked / self.masked
        others = work.videos / self.videos + work.prompts / self.prompts + work.trained / self.trained
        return embedding + masking + others + work.seconds


def probe(profile, seconds: float = 1.0) -> Rates:
    """This machine's rates, each measured for about `seconds`. The model has random weights, so nothing is fetched."""
    keep_arrays()
    clip = load_clip(profile.model.name, "random", profile.model.precision, profile.model.device)
    side, batch = clip.size, min(profile.batch, 32)
    if clip.device.type == "cpu":  # as many pixels as take a part of a second
        batch = min(batch, max(1, 32 * 112**2 // side**2))

    pictures, region = torch.randint(256, (batch, side, side, 3), dtype=torch.uint8), torch.rand(side, side) > 0.5

    def embed(_: Any) -> None:
        with torch.inference_mode():
            clip.encode_image(to_input(pictures, clip.device)).cpu()

    def learn(_: Any) -> None:
        x = torch.rand(batch, 3, side, side, device=clip.device, requires_grad=True)
        clip.encode_image(x).sum().backward()

    def mask(_: Any) -> None:
        torch.where(region, to_input(pictures), 0.5)

    sentences = clip.tokenizer(["a photo of a person walking a dog."] * 8).to(clip.device)
    prompts.input_embedding(clip).register_forward_hook(
        lambda _module, _tokens, vectors: vectors.detach().requires_grad_()
    )

    def tune(_: Any) -> None:
        clip.model.encode_text(sentences).sum().backward()

    network = FrameCNN(10).to(clip.device)

    def train() -> int:
        network(torch.rand(network.batch, 1, 3, side, side, device=clip.device)).sum().backward()
        return network.batch

    def rate(job: Callable[[Any], None], jobs: Callable[[], Iterable], overlapped: bool = False) -> float:
        return per_second(lambda: len(parallel.each(job, jobs(), clip.device, overlapped)), seconds)

    def stream() -> Iterator[None]:  # one job after the other, as in a sweep, for a third of the time
        ends = time.perf_counter() + seconds / 3
        while time.perf_counter() < ends:
            yield None

    frames, learned, masked = (batch * rate(job, stream, job is not learn) for job in (embed, learn, mask))
    tuned = len(sentences) * rate(tune, lambda: prompts.RATES)  # as they are tuned: a learning rate a thread
    return Rates(frames, learned, reading(profile), tuned, per_second(train, seconds), masked)


def per_second(some: Callable[[], int], seconds: float) -> float:
    """How much is done a second by a job that does some and returns how much: in the best of three parts of the time,
    as other programs can only make it slower. Where doing some takes all of the time, it is done once."""
    some()  # warm-up
    rates: list[float] = []
    begun = time.perf_counter()
    while len(rates) < 3 and time.perf_counter() - begun < seconds:
        started, done = time.perf_counter(), 0
        while time.perf_counter() - started < seconds / 3:
            done += some()
        if torch.cuda.is_available():  # which works on after it was asked
            torch.cuda.synchronize()
        rates.append(done / (time.perf_counter() - started))
    return max(rates)


def reading(profile) -> float:
    """Videos that all cores render, or decode, a second."""
    cores = os.cpu_count() or 1
    if profile.dataset.kind != "demo":
        return cores / READING
    group, clips = plan_clips(profile.dataset, profile.seed)[0]
    with TemporaryDirectory() as folder:
        started = time.perf_counter()
        render_group(group, clips, profile.dataset.frames_per_clip, Path(folder))
        return cores * clips / (time.perf_counter() - started)


def space(profile) -> float:
    """Bytes that a profile's results and figures take: fitted to the demo (134 MB) and quick (90 MB), and a third
    more; and regions and scenes of training clips, which lie there while noise is trained. Videos and frames are
    counted where they are made."""
    clips, side = sizes(profile), preprocessing(profile.model.name, profile.model.pretrained)["size"]
    rows = sum(work.frames for _, _, _, work in steps(profile, clips))
    noises = len(RECIPES) * clips.classes * 3 * side * side * 4
    scenes = 0 if exact(profile) else 5 * (clips.train + clips.val) * clips.frames * side * side
    return 1.33 * (75e6 + 70 * rows + noises) + scenes


def check_space(profile) -> None:
    """Raises StorageError where the disk has less room than the results will take, beside what is there already."""
    folder = results_dir(profile)
    there = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    free, needed = shutil.disk_usage(folder).free, space(profile) - there
    if free < needed:
        sizes = f"{free / 1e6:.0f} MB free, about {needed / 1e6:.0f} MB are needed"
        raise StorageError(f"{folder} has {sizes}; free some or point CLIPACTION_RESULTS elsewhere")


SAVINGS: tuple[dict[str, Any], ...] = (  # what a hurried reader may leave out
    {"baselines.enabled": False},
    {"masking.placements": ["centre"]},
    {"masking.motions": ["still"]},
    {"masking.percents": [30]},
    {"regions.fills": []},
    {"noise.steps": 40},
)


def forecast(profile, rates: Rates) -> pd.DataFrame:
    """notebook, step, computes, frames, learned and seconds of each step of a whole run from nothing."""
    clips = sizes(profile)
    rows = [
        {"notebook": book, "step": step, "computes": what, **vars(work), "seconds": rates.seconds(work)}
        for book, step, what, work in steps(profile, clips)
    ]
    also = outside(profile, clips)
    starting = [
        {
            "notebook": book,
            "step": "the rest",
            "computes": "kernel, tables, pictures",
            "seconds": seconds + rates.seconds(also.get(book, Work(0))),
        }
        for book, seconds in NOTEBOOKS.items()
    ]
    return pd.DataFrame([*rows, *starting]).fillna(0).sort_values("notebook", kind="stable", ignore_index=True)


def savings(profile, rates: Rates) -> list[str]:
    """A line for each setting that takes a tenth of the run's time, or more, away."""
    whole, lines = forecast(profile, rates)["seconds"].sum(), []
    for change in SAVINGS:
        ((field, value),) = change.items()
        section, name = field.split(".")
        less = getattr(profile, section).model_copy(update={name: value})
        saved = whole - forecast(profile.model_copy(update={section: less}), rates)["seconds"].sum()
        if saved > whole / 10:
            lines.append(f"--set {field}={json.dumps(value)}  saves {duration(saved)}")
    return lines


def there(profile, began: float | None) -> dict[str, float]:
    """The share of each step that is there of a notebook that was interrupted and began at that time: 1 for those that
    ended since then, and for the sweep in which it stopped the share of its files. None: nothing is known."""
    if began is None:
        return {}
    timing, folder = kept_table(results_dir(profile) / "timing.parquet", ""), results_dir(profile) / "predictions"
    ended = [] if timing is None else timing.reindex(columns=["step", "ended"]).query("ended >= @began")["step"]
    pieces = sum(path.stat().st_mtime >= began for path in folder.glob("masking/*.parquet"))
    return {"masking sweep": min(1, pieces / masking_pieces(profile))} | dict.fromkeys(ended, 1.0)


def left(table: pd.DataFrame, books: Collection[str], shares: Mapping[str, float]) -> pd.DataFrame:
    """`forecast` with a column `left`, the seconds that are not done: of `books`, without what `there` says."""
    undone = table["notebook"].isin(books) * (1 - table["step"].map(shares).fillna(0))
    return table.assign(left=table["seconds"] * undone)


def in_words(table: pd.DataFrame) -> str:
    """The steps of `left` for the terminal, those under a second left out, and the sum of what is left."""
    lines = [
        f"{row.notebook}  {row.step:<18} {row.computes:<36} {duration(row.left) if row.left else 'done':>12}"
        for row in table.itertuples()
        if row.seconds >= 1
    ]
    return "\n".join([*lines, f"{'forecast for this machine':<59} {duration(table['left'].sum()):>12}"])


def announce(profile, books: Collection[str], began: float | None = None) -> None:
    """Print what the notebooks with these numbers will take; began: see `there`. All steps are noted in forecast.json,
    which the notebooks and tab08 read."""
    try:
        table = forecast(profile, probe(profile))
    except UserError as error:  # a run that cannot be forecast may still be done
        return print(f"no forecast: {error}\n", flush=True)
    steps = {book: dict(zip(rows["step"], rows["seconds"])) for book, rows in table.groupby("notebook")}
    write_json(results_dir(profile) / "forecast.json", steps)
    print(in_words(left(table, books, there(profile, began))), end="\n\n", flush=True)


def told(profile, books: Collection[str], began: float | None = None) -> str:
    """What `--plan` prints: every step, those of `books` with their time, and how to save some."""
    rates = probe(profile)
    table = left(forecast(profile, rates), books, there(profile, began))
    lines = [f"{profile.name}: {profile.title}", in_words(table)]
    return "\n".join([*lines, *(savings(profile, rates) if books else ())])
