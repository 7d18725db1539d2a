"""The optimisation of one noise: Adam on the weighted sum of terms, stopped by validation, resumed after a kill."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from tqdm.auto import tqdm

from ..base.tensors import read_state, save_state
from ..vision.clip import CLIP
from .frames import TrainingFrames
from .objective import objective, rows_of_noise
from .parameters import ClassNoise

CHECKPOINT_EVERY = 30  # seconds


class Progress:
    """The best noise so far and the rows of the curve; saved and loaded together with everything that training goes
    on from."""

    def __init__(self, best: torch.Tensor):
        self.best, self.value, self.worse = best, -np.inf, 0
        self.rows: list[dict] = []
        self.saved = time.time()

    def validated(self, delta: torch.Tensor, value: float) -> None:
        """Keep the better noise; count the validations in a row that were no better."""
        self.worse += 1
        if value > self.value:
            self.best, self.value, self.worse = delta.clone(), value, 0

    def load(self, state: dict, parts: dict, rng: np.random.Generator) -> None:
        for name, part in parts.items():
            part.load_state_dict(state[name])
        self.best, self.value, self.worse = state["best"], state["best_value"], state["worse"]
        self.rows, rng.bit_generator.state = json.loads(state["rows"]), json.loads(state["rng"])

    def save(self, path: Path, parts: dict, rng: np.random.Generator) -> None:
        state: dict[str, object] = {name: part.state_dict() for name, part in parts.items()}
        state |= {"best": self.best, "best_value": self.value, "worse": self.worse, "rows": json.dumps(self.rows)}
        state["rng"] = json.dumps(rng.bit_generator.state)
        save_state(path, state)
        self.saved = time.time()


def train(
    clip: CLIP,
    head: torch.Tensor,
    data: TrainingFrames,
    config,
    use: str = "gated",
    seed: int = 0,
    validate: Callable[[torch.Tensor], float] | None = None,
    progress: str | None = None,
    gate: torch.Tensor | None = None,
    checkpoint: Path | None = None,
    watch: Callable[[list[dict]], None] | None = None,
) -> tuple[torch.Tensor, pd.DataFrame]:
    """Learn a noise; the best of the validated steps is returned (the last step, without `validate`).

    config: a profile's noise section. use: see `objective`. gate: [C, D + 1]; when None the use 'gated' has the model's
    own posterior, and 'anchored' learns one d_in for all classes.
    validate: delta -> a number, higher is better, from validation clips only. It is called every `validate_every`
    steps; training stops after `patience` calls in a row that are no better. checkpoint: a file, named by all that
    matters, from which a killed training goes on to the same noise bit by bit. watch: called with the curve so far.
    Returns delta [rows, 3, S, S] and a table of the curves (step, one column a term, loss, val, seconds)."""
    rng = np.random.default_rng([seed, 7])
    rows = rows_of_noise(use, len(head), gate)
    noise = ClassNoise(rows, clip.size, config.eps / 255, config.resolution, seed, config.norm).to(clip.device)
    optimiser = torch.optim.Adam(noise.parameters(), lr=config.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    parts, state = {"noise": noise, "optimiser": optimiser, "schedule": schedule}, Progress(noise().detach().clone())
    if checkpoint and (kept := read_state(checkpoint, clip.device)):
        state.load(kept, parts, rng)
    scale = (
        1024 if clip.dtype == torch.float16 else 1
    )  # half-precision gradients must not vanish; Adam does not see the factor
    started, curve = time.time(), state.rows
    spent = curve[-1]["seconds"] if curve else 0.0
    steps = range(len(curve) + 1, config.steps + 1)
    title = progress or f"noise, {use}"
    bar = tqdm(steps, initial=len(curve), total=config.steps, desc=title, unit="step", leave=False)
    for step in bar:
        index = rng.choice(len(data.labels), min(config.batch // 2, len(data.labels)), replace=False)
        terms = objective(clip, head, noise(), data, index, config, use, rng, gate)
        loss = sum(
            (getattr(config.loss, name) * value for name, value in terms.items()), start=torch.zeros(()).to(clip.device)
        )
        optimiser.zero_grad(set_to_none=True)
        (loss * scale).backward()
        optimiser.step()
        schedule.step()
        row = {"step": step, "loss": loss.item(), **{name: value.item() for name, value in terms.items()}}
        row["seconds"] = spent + time.time() - started
        if step % config.validate_every == 0 or step == config.steps:
            delta = noise().detach()
            row["val"] = validate(delta) if validate else np.nan
            state.validated(delta, row["val"] if validate else float(step))
            bar.set_postfix(loss=f"{row['loss']:.3f}", val=f"{row['val']:.3f}")
        curve.append(row)
        if watch:
            watch(curve)
        if state.worse == config.patience:
            break
        if checkpoint and time.time() - state.saved > CHECKPOINT_EVERY:
            state.save(checkpoint, parts, rng)
    if checkpoint:
        checkpoint.unlink(missing_ok=True)
    return state.best, pd.DataFrame(curve)
