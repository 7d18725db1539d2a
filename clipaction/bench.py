"""How much of the encoder's own speed the pipeline keeps: frames from the store, masked, encoded, judged and written."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

import torch

from .evaluation import evaluate
from .study import open_study

CONDITIONS = ("none", "shape:square:30:centre:still", "shape:patches:30:random:moving")


@torch.inference_mode()
def encoder_rate(clip, batch: int, seconds: float) -> float:
    """Images a second of the bare encoder on a batch that is ready in memory, after a warm-up."""
    images = torch.rand(batch, 3, clip.size, clip.size, device=clip.device)
    clip.encode_image(images)
    count, started = 0, time.perf_counter()
    while (spent := time.perf_counter() - started) < seconds:
        clip.encode_image(images).cpu()
        count += batch
    return count / spent


def bench(profile: str, overrides: dict | None = None, seconds: float = 5.0) -> str:
    """A few lines: the raw encoder's images/s, the pipeline's on about as many, and their ratio."""
    study = open_study(profile, overrides)
    clip, head, frames = study.clip, study.head(), study.profile.frames
    raw = encoder_rate(clip, study.profile.batch, seconds)
    meta = study.clips("test").head(max(1, int(raw * seconds / (frames * len(CONDITIONS)))))
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        evaluate(clip, head, study.store, meta, list(CONDITIONS), Path(folder), study.profile.seed, study.profile.batch)
        pipeline = len(meta) * frames * len(CONDITIONS) / (time.perf_counter() - started)
    lines = (
        f"{study.profile.name}: {clip.name} on {clip.device}, {clip.dtype}, {torch.get_num_threads()} threads, batch {study.profile.batch}",
        f"raw encoder  {raw:8.1f} images/s",
        f"pipeline     {pipeline:8.1f} images/s  ({len(meta)} clips x {frames} frames x {len(CONDITIONS)} conditions)",
        f"ratio        {pipeline / raw:8.2f}",
    )
    return "\n".join(lines)
