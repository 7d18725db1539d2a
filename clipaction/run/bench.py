"""How much of the encoder's own speed the pipeline keeps: frames are decoded, masked, encoded, judged and written."""

from __future__ import annotations

import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from ..base import parallel
from ..data.store import prepare
from ..evaluate.sweep import evaluate
from ..masking.conditions import Context, apply_batch
from ..masking.shapes import SHAPES
from ..study import open_study
from ..vision.load import preprocessing

CONDITIONS = ("none", "shape:square:30:centre:still", "shape:patches:30:random:moving")


def encode(clip, batch: int, count: int) -> float:
    """Seconds the encoder alone takes for about `count` images, in ready batches, on as many threads as the sweep."""
    images = torch.rand(batch, 3, clip.size, clip.size, device=clip.device)

    def once(_) -> None:
        with torch.inference_mode():
            clip.encode_image(images).cpu()

    started, batches = time.perf_counter(), -(-count // batch)
    parallel.each(once, range(batches), clip.device)
    return (time.perf_counter() - started) * count / (batches * batch)


def masking(clips: int = 8, frames: int = 8, side: int = 224, seconds: float = 0.3) -> dict[str, float]:
    """{shape: masked frames a second}: 30 % masks at random places, made and applied to uint8 frames."""
    x = np.random.default_rng(0).integers(0, 256, (clips, frames, side, side, 3), dtype=np.uint8)
    contexts, rates = [Context(str(k)) for k in range(clips)], {}
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
    """A few lines: decoding, the bare encoder and the pipeline, in frames a second, and the pipeline's ratios to the
    encoder.

    Encoder and pipeline take turns, one condition at a time, so that a machine whose speed changes slows both. A turn
    is about `seconds` of encoding, of at most `clips` clips.
    """
    study = open_study(profile, overrides)
    clip, head, frames, batch = study.clip, study.head(), study.profile.frames, study.profile.batch
    encode(clip, batch, batch)  # warm-up
    meta = study.clips("test")
    seconds_a_clip = encode(clip, batch, 2 * batch) * frames / (2 * batch)
    meta = meta.head(min(clips, max(1, int(seconds / seconds_a_clip))))
    chosen = replace(study.dataset, clips=[c for c in study.dataset if c.id in set(meta["clip"])])
    encoding = sweeping = 0.0
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        mode = preprocessing(study.profile.model.name, study.profile.model.pretrained)
        prepare(chosen, frames=frames, folder=Path(folder), **mode)
        decoding = time.perf_counter() - started
        for condition in CONDITIONS:
            encoding += encode(clip, batch, len(meta) * frames)
            started = time.perf_counter()
            evaluate(clip, head, study.store, meta, [condition], Path(folder), study.profile.seed, batch)
            sweeping += time.perf_counter() - started
    rates = masking()
    slowest = min(rates, key=rates.__getitem__)
    n = len(CONDITIONS)
    decoded, total = len(meta) * frames, len(meta) * frames * n
    setting = f"{clip.name} on {clip.device}, {clip.dtype}, {torch.get_num_threads()} threads, batch {batch}"
    return "\n".join(
        (
            f"{study.profile.name}: {setting}; {len(meta)} clips x {frames} frames x {n} conditions",
            f"decoding      {decoded / decoding:9.1f} frames/s (once a clip)",
            f"raw encoder   {total / encoding:9.1f} frames/s",
            f"sweep         {total / sweeping:9.1f} frames/s, {encoding / sweeping:.2f} of the raw encoder",
            f"masks alone   {rates[slowest]:9.1f} frames/s of 224 x 224 pixels (the slowest shape, {slowest})",
            f"decode, sweep {total / (decoding + sweeping):9.1f} frames/s, "
            f"{encoding / (decoding + sweeping):.2f} of the raw encoder",
        )
    )
