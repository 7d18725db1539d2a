"""How much of the encoder's own speed the pipeline keeps: clips decoded, frames from the store masked, encoded, judged and written."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from . import parallel
from .clip import preprocessing
from .conditions import Context, apply_batch
from .evaluation import evaluate
from .masks import SHAPES
from .store import prepare
from .study import open_study

CONDITIONS = ("none", "shape:square:30:centre:still", "shape:patches:30:random:moving")


def encode(clip, batch: int, count: int) -> float:
    """Seconds the bare encoder takes for about `count` images, in batches that are ready in memory, on all cores as the sweep uses them."""
    images = torch.rand(batch, 3, clip.size, clip.size, device=clip.device)

    def once(_) -> None:
        with torch.inference_mode():
            clip.encode_image(images).cpu()

    started, batches = time.perf_counter(), -(-count // batch)
    parallel.each(once, range(batches), clip.device)
    return (time.perf_counter() - started) * count / (batches * batch)


def masking(clips: int = 8, frames: int = 8, side: int = 224, seconds: float = 0.3) -> dict[str, float]:
    """Masked frames a second by shape (30 %, at random places): the mask made and applied, uint8 in and out, for a batch of clips."""
    x, rates = np.random.default_rng(0).integers(0, 256, (clips, frames, side, side, 3), dtype=np.uint8), {}
    contexts = [Context(str(k)) for k in range(clips)]
    for shape in SHAPES:
        condition = f"shape:{shape}:30:random:still"
        apply_batch(condition, x, contexts)  # warm-up
        started, n = time.perf_counter(), 0
        while time.perf_counter() - started < seconds:
            apply_batch(condition, x, contexts)
            n += 1
        rates[shape] = n * clips * frames / (time.perf_counter() - started)
    return rates


def bench(profile: str, overrides: dict | None = None, seconds: float = 5.0, clips: int = 200) -> str:
    """A few lines: decoding, the raw encoder and the pipeline, in frames/s, and the pipeline's ratios to the encoder.

    Raw encoder and pipeline take turns, a condition at a time, so that a machine whose speed wanders slows both. At most `clips` clips, and
    about `seconds` of encoding a turn.
    """
    study = open_study(profile, overrides)
    clip, head, frames, batch = study.clip, study.head(), study.profile.frames, study.profile.batch
    encode(clip, batch, batch)  # warm-up
    meta = study.clips("test")
    meta = meta.head(min(clips, max(1, int(seconds * 2 * batch / (encode(clip, batch, 2 * batch) * frames)))))
    some = replace(study.dataset, clips=[c for c in study.dataset if c.id in set(meta["clip"])])
    raw = sweep = 0.0
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        prepare(some, frames=frames, folder=Path(folder), **preprocessing(study.profile.model.name, study.profile.model.pretrained))
        decoding = time.perf_counter() - started
        for condition in CONDITIONS:
            raw += encode(clip, batch, len(meta) * frames)
            started = time.perf_counter()
            evaluate(clip, head, study.store, meta, [condition], Path(folder), study.profile.seed, batch)
            sweep += time.perf_counter() - started
    rates = masking()
    slowest = min(rates, key=rates.get)
    total, n = len(meta) * frames * len(CONDITIONS), len(CONDITIONS)
    return "\n".join((
        f"{study.profile.name}: {clip.name} on {clip.device}, {clip.dtype}, {torch.get_num_threads()} threads, batch {batch}; {len(meta)} clips x {frames} frames x {n} conditions",
        f"decoding      {total / n / decoding:9.1f} frames/s (once a clip)",
        f"raw encoder   {total / raw:9.1f} frames/s",
        f"sweep         {total / sweep:9.1f} frames/s, {raw / sweep:.2f} of the raw encoder",
        f"masks alone   {rates[slowest]:9.1f} frames/s of 224 x 224 pixels (the slowest shape, {slowest})",
        f"decode, sweep {total / (decoding + sweep):9.1f} frames/s, {raw / (decoding + sweep):.2f} of the raw encoder",
    ))  # fmt: skip
