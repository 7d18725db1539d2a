"""How the networks are trained on the views that noise and probe learn from, used, saved and kept by key. No
prediction uses labels."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from torch import nn
from tqdm.auto import tqdm

from ..base.cache import Step, cached_table
from ..base.code import fingerprint
from ..base.errors import UserError
from ..base.tensors import facts_of, read_tensors, save_tensors
from ..data.store import FrameStore
from ..evaluate.methods import METHODS
from ..masking.batches import masked_batches
from ..masking.conditions import check
from ..masking.plan import SQUARE
from ..noise.frames import TrainingFrames, in_other_scenes, region_source, training_frames
from ..noise.views import validation_batches
from .networks import create
from .video import networks_for

Batches = Callable[[], Iterable[tuple[torch.Tensor, torch.Tensor]]]  # -> images [n, T, 3, S, S] in [0, 1], labels [n]


def fit(
    model: Any,
    data: TrainingFrames,
    validation: Batches,
    epochs: int = 14,
    seed: int = 0,
    batch: int | None = None,
    lr: float = 3e-3,
    patience: int = 8,
    swap: float = 0.0,
    mask: float = 0.0,
    device: torch.device | str = "cpu",
) -> tuple[nn.Module, pd.DataFrame]:
    """Train on views of `data`, as noise and probe do: scenes swapped with probability `swap`, masked with probability
    `mask`. -> (model in eval mode with the weights of its best validation epoch, curves).

    AdamW with OneCycle; the best epoch has the lowest validation cross-entropy, which is what noise and probe are
    chosen by. Stopped after `patience` epochs without a better one. batch: frames or clips a step (default: the model's
    own). curves: epoch, loss, val_loss, val_accuracy."""
    if not data.ids:
        raise UserError("network training: no training clips; the split train needs some")
    model, rng, size = model.to(device), np.random.default_rng([seed, 13]), batch or model.batch
    first = round(epochs * (1.0 if model.single else getattr(model, "stills", 0.0)))  # passes over single frames
    passes = [single_frames(data, size if model.single else size * data.length)] * first
    passes += [whole_clips(data, size)] * (epochs - first)
    total = sum(steps for steps, _, _ in passes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=total)
    curves, best, waited = [], np.inf, 0
    devices, title = range(torch.cuda.device_count()), type(model).__name__
    with torch.random.fork_rng(devices), tqdm(total=total, unit="step", desc=title, delay=2) as bar:
        torch.manual_seed(seed)
        for epoch, (steps, labels, view) in enumerate(passes):
            model.train()
            summed = 0.0
            for rows in np.array_split(rng.permutation(len(labels)), steps):
                x, y = view(rows, rng, swap, mask), labels[rows]
                loss = F.cross_entropy(model(x.to(device)), y.to(device))
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
                summed += loss.item() * len(rows)
                bar.update()
            loss_now, accuracy = validated(model, validation(), device)
            row = {"epoch": epoch + 1, "loss": summed / len(labels), "val_loss": loss_now, "val_accuracy": accuracy}
            curves.append(row)
            bar.set_postfix(loss=f"{row['loss']:.2f}", val=f"{accuracy:.2f}")
            waited += 1
            if loss_now < best:
                best, waited = loss_now, 0
                kept = {name: value.clone() for name, value in model.state_dict().items()}
            if waited >= patience:
                break
    model.load_state_dict(kept)
    return model.eval(), pd.DataFrame(curves)


def single_frames(data: TrainingFrames, size: int) -> tuple[int, torch.Tensor, Callable]:
    """One pass over all frames, as clips of one frame: its number of steps of `size` frames, labels, and views [B, 1,
    3, S, S] of rows."""
    return -(-len(data.labels) // size), torch.from_numpy(data.labels), lambda *given: data.view(*given)[:, None]


def whole_clips(data: TrainingFrames, size: int) -> tuple[int, torch.Tensor, Callable]:
    """One pass over all clips: its number of steps of `size` clips, labels, and views [B, T, 3, S, S] of clips."""
    labels = torch.from_numpy(data.clip_labels.copy())
    return -(-len(labels) // size), labels, data.clip_view


@torch.inference_mode()
def validated(
    model: nn.Module, batches: Iterable[tuple[torch.Tensor, torch.Tensor]], device: torch.device | str
) -> tuple[float, float]:
    """(mean cross-entropy, accuracy) of labelled clips."""
    model.eval()
    losses, right = [], []
    for x, labels in batches:
        logits = model(x.to(device)).cpu()
        losses.append(F.cross_entropy(logits, labels, reduction="none"))
        right.append(logits.argmax(1) == labels)
    if not losses:
        raise UserError("network training: no validation clips; the split val needs some")
    return float(torch.cat(losses).mean()), float(torch.cat(right).float().mean())


@torch.inference_mode()
def network_scores(model: nn.Module, tau: float, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A network's answer to clips [N, T, 3, S, S] in [0, 1] as scores [N, C] and [N, T, C]: tau log p, so that
    softmax(s / tau) = p. Computed where the network is."""
    device = next(model.parameters()).device
    scores = model(x.to(device)).log_softmax(1) * tau
    return scores, scores[:, None].expand(-1, x.shape[1], -1)


def save(model: nn.Module, name: str, path: Path, classes: tuple[str, ...], key: str = "") -> None:
    """Weights as safetensors, with the network's name, its classes and its key in the header."""
    save_tensors(path, model.state_dict(), model=name, classes=json.dumps(classes), key=key)


def load(path: Path) -> tuple[nn.Module, tuple[str, ...]]:
    """(model in eval mode on the CPU, classes) as saved; UserError when the file is missing or damaged."""
    try:
        tensors, header = read_tensors(path)
        classes = tuple(json.loads(header["classes"]))
        model = create(header["model"], len(classes))
        model.load_state_dict(tensors)
    except (OSError, UserError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is missing or damaged; delete it and run notebook 05 again") from error
    return model.eval(), classes


def train_networks(study, train: pd.DataFrame, val: pd.DataFrame) -> dict[str, nn.Module]:
    """All networks of this run, trained on the study's device on views of the source domain's training clips; saved,
    and reused when the key is the same."""
    config, noise, seed, device = study.profile.baselines, study.profile.noise, study.profile.seed, study.clip.device
    source = region_source(study)
    data, swapped = training_frames(study, train, source), in_other_scenes(study, val, source)
    clips = (study.store.key, data.ids, data.labels.tolist(), val["clip"].tolist(), val["label"].tolist())
    scenes = fingerprint([data.region, data.plates, swapped])
    common = (*clips, scenes, noise.swap, noise.mask, study.profile.dump("baselines"), seed, device.type)
    models: dict[str, nn.Module] = {}
    keys: dict[str, str] = {}
    for name in networks_for(config.weights):
        path = study.results / "baselines" / f"{name}.safetensors"
        build = METHODS[name].build
        assert build is not None
        first = str(getattr(build, "starts_from", None))
        keys[name] = key = NETWORKS.key(*common, keys.get(first), also=[build, *check(SQUARE).functions])

        start = models.get(first)

        def compute(name=name, path=path, start=start, key=key) -> pd.DataFrame:
            model = create(name, study.n_source, seed, start=start)
            from_weights = getattr(model, "start_from_weights", None)
            if callable(from_weights):
                from_weights()
            epochs, lr = config.epochs_of.get(name, config.epochs), config.lr * getattr(model, "rate", 1.0)
            views = {"swap": noise.swap, "mask": noise.mask, "device": device}
            batches = partial(validation_batches, study, val, swapped)
            model, curve = fit(model, data, batches, epochs, seed, lr=lr, **views)
            save(model, name, path, study.classes[: study.n_source], key)
            return curve

        if facts_of(path).get("key") != key:
            path.with_suffix(".parquet").unlink(missing_ok=True)  # network and curve are made together
        cached_table(path.with_suffix(".parquet"), key, compute)
        models[name] = load(path)[0].to(device)
    return models


NETWORKS = Step("networks", train_networks, FrameStore, masked_batches)  # study.masked gives the validation clips


def network_protocols(study, models: dict[str, nn.Module]) -> dict[str, Callable]:
    """The networks as methods: images [N, T, 3, S, S] -> scores."""
    return {name: partial(network_scores, model, study.clip.tau) for name, model in models.items()}
