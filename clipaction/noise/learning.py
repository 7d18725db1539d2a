"""The noises of a study: trained side by side, kept by key, loaded by later notebooks."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import torch
import torch.nn.functional as F

from ..base import parallel
from ..base.cache import Step, cached_table
from ..base.code import fingerprint
from ..base.errors import UserError
from ..masking.batches import masked_batches
from ..masking.conditions import check
from ..masking.plan import SQUARE
from ..vision.load import ARCHITECTURE
from .files import load_noise, save_noise, saved_facts
from .gates import posterior_gate
from .protocols import Setup, gated, oracle, shared
from .training import train
from .views import TrainingFrames, Views, validation_batches

USES = {"gated": "gated", "shared": "shared", "naive": "oracle"}  # noise -> how it is used while it is trained
TERMS = ("pair", "hinge", "confidence", "tv", "agreement")  # of the loss, beside cross-entropy


def fit_gate(study, config, views: Views) -> torch.Tensor:
    """The gate [C, D + 1] that a noise section asks for: the model's own posterior, or the probe on its features."""
    if config.gate == "features":
        return views.probe
    return posterior_gate(study.head(), study.clip.tau, config.temperature)


def only_cross_entropy(config):
    """A noise section with every other term of the loss switched off."""
    return config.model_copy(update={"loss": config.loss.model_copy(update=dict.fromkeys(TERMS, 0.0))})


def validation_score(
    study, meta: pd.DataFrame, delta: torch.Tensor, use: str = "gated", gate: torch.Tensor | None = None
) -> float:
    """Minus the mean cross-entropy of `validation_batches` under a noise; training keeps the step with the highest."""
    head, losses = study.head(), []
    for x, y in validation_batches(study, meta):
        if use == "gated":
            scores = gated(study.clip, head, x, delta, gate)[0]
        elif use == "shared":
            scores = shared(study.clip, head, x, delta)[0]
        else:
            scores = oracle(study.clip, head, x, delta, y)[0]
        losses.append(F.cross_entropy(scores / study.clip.tau, y.to(scores.device), reduction="none").cpu())
    return -float(torch.cat(losses).mean())


def learn(
    study,
    name: str,
    data: TrainingFrames,
    val: pd.DataFrame,
    gate: torch.Tensor | None = None,
    watch: Callable[[str, list[dict]], None] | None = None,
) -> tuple[torch.Tensor, pd.DataFrame]:
    """The noise [C or 1, 3, S, S] called 'gated', 'shared' or 'naive', and its training curve: from
    results/<profile>/noise/<name>.safetensors if its key is the same, else trained.

    The naive noise is trained by cross-entropy alone, on the true class's noise. gate: for 'gated'. A killed training
    goes on where it was. watch: called with the name and the curve so far."""
    config, seed, use = study.profile.noise, study.profile.seed, USES[name]
    if use == "oracle":  # half the steps: it has converged long before
        config = only_cross_entropy(config).model_copy(update={"steps": -(-config.steps // 2)})
    folder = study.results / "noise"
    folder.mkdir(parents=True, exist_ok=True)
    tensors = [fingerprint(tensor) for tensor in (study.head(), gate)]
    settings = config.model_dump(exclude={"ablation_steps", "shortlist"})
    clips = (study.store.key, data.ids, data.labels.tolist(), val["clip"].tolist(), val["label"].tolist())
    model = (study.clip.weights_hash, study.clip.dtype, study.clip.device.type)
    key = NOISE.key(*model, *clips, settings, use, seed, tensors, also=check(SQUARE).functions)
    path, curve_path = folder / f"{name}.safetensors", folder / f"{name}.parquet"
    if saved_facts(path).get("key") != key:
        curve_path.unlink(missing_ok=True)  # noise and curve are made together

    def compute() -> pd.DataFrame:
        delta, curve = train(
            study.clip,
            study.head(),
            data,
            config,
            use,
            seed,
            validate=partial(validation_score, study, val, use=use, gate=gate),
            progress=f"noise: {name}",
            gate=gate,
            checkpoint=folder / f"{name}-{key}.checkpoint",
            watch=watch and partial(watch, name),
        )
        save_noise(path, delta, gate, key=key, use=use, seed=seed, eps=config.eps)
        return curve.assign(variant=name)

    curve = cached_table(curve_path, key, compute)
    return load_noise(path).to(study.clip.device), curve


NOISE = Step("noise", learn, masked_batches, *ARCHITECTURE)  # study.masked gives the validation clips


def learn_all(
    study,
    data: TrainingFrames,
    val: pd.DataFrame,
    gate: torch.Tensor,
    watch: Callable[[str, list[dict]], None] | None = None,
) -> tuple[dict[str, torch.Tensor], pd.DataFrame]:
    """The noises of USES, trained side by side, and their curves one below the other."""

    def one(name: str) -> tuple[torch.Tensor, pd.DataFrame]:
        return learn(study, name, data, val, gate if name == "gated" else None, watch)

    noises, curves = zip(*parallel.each(one, USES, study.clip.device))
    return dict(zip(USES, noises)), pd.concat(curves, ignore_index=True)


def load_learned(study) -> dict[str, torch.Tensor]:
    """The noises that notebook 04 saved, by name. UserError when it has not run."""
    paths = {name: study.results / "noise" / f"{name}.safetensors" for name in USES}
    missing = [path.name for path in paths.values() if not path.exists()]
    if missing:
        raise UserError(
            f"{missing[0]} is missing in {study.results / 'noise'}; run notebook 04 first (./run_all.sh --only 04)"
        )
    return {name: load_noise(path).to(study.clip.device) for name, path in paths.items()}


def load_gate(study) -> torch.Tensor:
    """The gate that notebook 04 saved with its noise."""
    return load_noise(study.results / "noise" / "gated.safetensors", "gate").to(study.clip.device)


def setup_of(study, noises: dict[str, torch.Tensor], gate: torch.Tensor | None, all_classes: bool = False) -> Setup:
    """What this study's protocols are built from. all_classes: those of other domains compete, too."""
    head = study.head(source_only=not all_classes)
    return Setup(study.clip, head, noises, gate, study.profile.noise.shortlist, study.profile.seed)
