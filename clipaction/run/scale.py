"""Memory and time for once, four and sixteen times as many clips: memory should stay the same, time grow in
proportion."""

from __future__ import annotations

import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread
from types import SimpleNamespace

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base.arrays import on_disk
from ..data.store import FrameStore
from ..evaluate.predictions import META
from ..evaluate.sweep import evaluate
from ..noise.frames import training_frames
from ..profiles.load import load_profile
from ..vision.load import load_clip
from .bench import TURNS

TIMES = (1, 4, 16)
CLASSES = 10


def scale(profile: str, overrides: dict | None = None, clips: int = 60) -> str:
    """A line for each of TIMES: clips of random frames, seconds of a sweep and of training views, and the most memory
    that a process of its own took beyond what it has after loading the model."""
    lines = ["clips   frames on disk   sweep      training views   memory beyond the model"]
    for number in tqdm([clips * times for times in TIMES], desc="scale", unit="size", leave=False):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:  # a process each: memory is not given back
            found = pool.submit(measure, profile, overrides, number).result()
        lines.append(
            f"{number:5}{found['disk'] / 1e6:14.0f} MB{found['sweep']:9.1f} s{found['views']:15.1f} s"
            f"{found['memory'] / 1e6:21.0f} MB"
        )
    return "\n".join(lines)


def measure(profile: str, overrides: dict | None, clips: int) -> dict[str, float]:
    """Seconds and bytes of a sweep over `clips` clips, and of one pass over their training views."""
    settings = load_profile(profile, overrides)
    model = settings.model
    clip = load_clip(model.name, "random", model.precision, model.device)
    head = torch.nn.functional.normalize(torch.randn(CLASSES, clip.encode_text(["a person."]).shape[1]), dim=1)
    head = head.to(clip.device)
    with tempfile.TemporaryDirectory() as temporary, torch.inference_mode():
        folder, store = Path(temporary), FrameStore(Path("random frames"), pd.DataFrame())
        frames = on_disk((clips, settings.frames, clip.size, clip.size, 3), folder)
        for row, generator in enumerate(map(np.random.default_rng, range(clips))):
            frames[row] = generator.integers(0, 256, frames.shape[1:], np.uint8)
        vars(store).update(frames=frames, parts=None, plates=None)
        meta = pd.DataFrame({name: [f"clip{row}" for row in range(clips)] for name in META})
        meta = meta.assign(label=np.arange(clips) % CLASSES, row=np.arange(clips))
        study = SimpleNamespace(store=store, profile=settings, results=folder, finders={})
        clip.encode_image(torch.rand(settings.batch, 3, clip.size, clip.size))  # warm-up
        with Watch() as watch:
            started = time.perf_counter()
            evaluate(clip, head, store, meta, TURNS[0], folder, settings.seed, settings.batch)
            swept = time.perf_counter()
            data, rng = training_frames(study, meta, "motion"), np.random.default_rng(0)
            for rows in np.array_split(np.arange(len(data.labels)), -(-len(data.labels) // settings.batch)):
                clip.encode_image(data.anchored_view(rows, rng, swap=0.9, mask=0.5)[0])
            ended = time.perf_counter()
        return {"disk": frames.nbytes, "sweep": swept - started, "views": ended - swept, "memory": watch.most}


class Watch:
    """The most memory that this process takes in a `with` block, beyond what it took before, in bytes. Of files that
    are mapped into memory nothing counts: the system takes their pages back when it needs them."""

    def __enter__(self) -> Watch:
        self.before, self.most, self.ended = taken(), 0, Event()
        self.thread = Thread(target=self.look, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        self.thread.join()

    def look(self) -> None:
        while not self.ended.wait(0.02):
            self.most = max(self.most, taken() - self.before)


def taken() -> int:
    """Bytes of memory that this process takes; where the system does not tell them apart, with mapped files."""
    status = Path("/proc/self/status")
    if status.exists():
        fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        return int(fields["RssAnon"].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
