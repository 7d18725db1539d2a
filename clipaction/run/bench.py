"""How much of the encoder's own speed the pipeline keeps: frames are decoded, masked, encoded, judged and written, and
noise is used and trained."""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from ..base import parallel
from ..base.files import digest_of
from ..data.store import prepare
from ..evaluate.sweep import evaluate
from ..masking.conditions import Context, apply_batch
from ..masking.shapes import SHAPES
from ..noise.frames import training_frames
from ..noise.gates import posterior_gate
from ..noise.learning import RECIPES, Learned, recipe_config, setup_of
from ..noise.objective import rows_of_noise
from ..noise.protocols import HEADLINE, build_protocols
from ..noise.training import train
from ..study import open_study
from ..vision.clip import EMBEDDED
from ..vision.load import preprocessing
from .environment import keep_arrays

KINDS = ("shape:square:{}:centre:still", "shape:circle:{}:random:still", "shape:patches:{}:random:moving")
TURNS = [[kind.format(percent) for kind in KINDS] for percent in (10, 30, 50)]  # no frame is seen twice


def encode(clip, batch: int, count: int) -> float:
    """Seconds the encoder alone takes for about `count` images, in ready batches, on as many threads as the sweep."""
    images = torch.rand(batch, 3, clip.size, clip.size, device=clip.device)

    def once(_) -> None:
        with torch.inference_mode():
            clip.encode_image(images).cpu()

    started, batches = time.perf_counter(), -(-count // batch)
    parallel.each(once, range(batches), clip.device, overlapped=True)
    return (time.perf_counter() - started) * count / (batches * batch)


def learn(clip, batch: int, learned: int, plain: int) -> float:
    """Seconds the encoder alone takes for images with gradients, and for others, one batch after the other."""
    images, started = torch.rand(batch, 3, clip.size, clip.size, device=clip.device), time.perf_counter()
    for _ in range(-(-learned // batch)):
        clip.encode_image(images.clone().requires_grad_()).sum().backward()
    with torch.no_grad():
        for _ in range(-(-plain // batch)):
            clip.encode_image(images)
    if clip.device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - started


def noise_step(study, steps: int = 6) -> tuple[float, float]:
    """(seconds of a step of the headline noise's training, the share of it that the encoder alone would take)."""
    clip, head = study.clip, study.head()
    data = training_frames(study, study.clips("train").groupby("cls").head(2).reset_index(drop=True))
    config, use = recipe_config(study.profile.noise, HEADLINE), RECIPES[HEADLINE].use
    config = config.model_copy(update={"steps": steps})
    gate = posterior_gate(head, clip.tau, 1.0)
    train(clip, head, data, config.model_copy(update={"steps": 1}), use, gate=gate)  # warm-up
    before, started = EMBEDDED.copy(), time.perf_counter()
    train(clip, head, data, config, use, gate=gate)
    spent, count = time.perf_counter() - started, EMBEDDED - before
    return spent / steps, learn(clip, config.batch // 2, count["learned"], count["frames"] - count["learned"]) / spent


def headline(study) -> Callable:
    """The headline protocol with a random noise; each frame is embedded twice, as it is and with noise."""
    head, size = study.head(), study.clip.size
    gate = posterior_gate(head, study.clip.tau, 1.0)
    rows = rows_of_noise(RECIPES[HEADLINE].use, len(head), gate)
    delta = 0.1 * torch.randn(rows, 3, size, size, device=study.clip.device)
    learned = Learned({HEADLINE: delta}, {HEADLINE: gate})
    return build_protocols(setup_of(study, learned), [HEADLINE])[HEADLINE]


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


def agreement(study, frames: np.ndarray) -> str:
    """How far a model in half precision agrees with itself in fp32 on frames [N, S, S, 3]."""
    model = study.profile.model.model_copy(update={"precision": "fp32"})
    in_full = replace(study, profile=study.profile.model_copy(update={"model": model}))
    full, half = (
        (each.clip.encode_frames(frames, each.profile.batch) @ each.head(source_only=False).T).cpu()
        for each in (in_full, study)
    )
    same, apart = (full.argmax(1) == half.argmax(1)).float().mean(), (full - half).abs().max()
    return f"as in fp32    {same:9.1%} of {len(frames)} frames' answers; cosines differ by {apart:.5f} at most"


def bench(profile: str, overrides: dict | None = None, seconds: float = 5.0, clips: int = 400) -> str:
    """A few lines: decoding, the bare encoder, the pipeline and noise, in frames a second, and their ratios to the
    encoder; the most memory that was taken; in half precision how many answers are those of fp32.

    Encoder and pipeline take turns, so that a machine whose speed changes slows both. A turn is three conditions on at
    most `clips` clips, as many as are encoded once in `seconds`.
    """
    keep_arrays()
    study = open_study(profile, overrides)
    clip, head, frames, batch = study.clip, study.head(), study.profile.frames, study.profile.batch
    encode(clip, batch, batch)  # warm-up
    meta = study.clips("test")
    seconds_a_clip = encode(clip, batch, 2 * batch) * frames / (2 * batch)
    meta = meta.head(min(clips, max(1, int(seconds / seconds_a_clip))))
    chosen = replace(study.dataset, clips=[c for c in study.dataset if c.id in set(meta["clip"])])
    encoding = sweeping = judging = 0.0
    noise = headline(study), HEADLINE
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        mode = preprocessing(study.profile.model.name, study.profile.model.pretrained)
        prepare(chosen, frames=frames, folder=Path(folder), **mode)
        decoding = time.perf_counter() - started

        def sweep(meta: pd.DataFrame, conditions: list[str], *method: Any) -> float:
            """Seconds of a sweep, as notebook 03 makes it."""
            started, where = time.perf_counter(), (conditions, Path(folder), study.profile.seed, batch)
            evaluate(clip, head, study.store, meta, *where, *method, frames=False)
            return time.perf_counter() - started

        for method in ((), noise):
            sweep(meta.head(1), ["none"], *method)  # warm-up
        for turn in TURNS:
            encoding += encode(clip, batch, len(meta) * frames * len(turn))
            sweeping += sweep(meta, turn)
            judging += sweep(meta, turn, *noise)
        started = time.perf_counter()
        written = [path for path in Path(folder).rglob("*") if path.is_file()]
        for path in written:
            digest_of(path)
        checking, size = time.perf_counter() - started, sum(path.stat().st_size for path in written)
    some = study.store.get(meta["row"].to_numpy()[:64])[:, 0]
    agreed = [] if clip.dtype == torch.float32 else [agreement(study, some)]
    ((step, share),) = parallel.each(noise_step, [study], clip.device)  # one core, as noises are trained side by side
    rates = masking()
    slowest = min(rates, key=rates.__getitem__)
    decoded = len(meta) * frames
    total, together = decoded * len(KINDS) * len(TURNS), decoding * len(TURNS) + sweeping
    setting = f"{clip.name} on {clip.device}, {clip.dtype}, {torch.get_num_threads()} threads, batch {batch}"
    return "\n".join(
        (
            f"{study.profile.name}: {setting}; {len(meta)} clips x {frames} frames x {len(KINDS)} conditions, "
            f"{len(TURNS)} times",
            f"decoding      {decoded / decoding:9.1f} frames/s (once a clip)",
            *agreed,
            f"raw encoder   {total / encoding:9.1f} frames/s",
            f"sweep         {total / sweeping:9.1f} frames/s, {encoding / sweeping:.2f} of the raw encoder",
            f"noise, used   {total / judging:9.1f} frames/s, {2 * encoding / judging:.2f} of the raw encoder, twice",
            f"noise step    {1000 * step:9.1f} ms of training on one core, {share:.2f} of it the raw encoder's",
            f"masks alone   {rates[slowest]:9.1f} frames/s of 224 x 224 pixels (the slowest shape, {slowest})",
            f"decode, sweep {total / together:9.1f} frames/s, {encoding / together:.2f} of the raw encoder",
            f"memory        {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:9.1f} MB at most, libraries and "
            "mapped frames included",
            f"digests       {size / 1e6 / checking:9.1f} MB/s; of all that was written, {size / 1e6:.1f} MB, they take "
            f"{checking / (decoding + sweeping + judging):.2%} of the time to make it",
        )
    )
