"""How the networks are trained on frames uint8 [N, T, S, S, 3], used, saved and kept by key. No prediction uses
labels."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import nn
from torchvision.transforms import v2
from tqdm.auto import tqdm

from ..base.cache import Step, cached_table
from ..base.errors import UserError
from ..base.files import replacing
from ..data.store import FrameStore
from ..evaluate.methods import METHODS
from .networks import create, network_names


def batch_of(frames, rows, augment: Callable | None = None) -> torch.Tensor:
    """Rows of [N, T, S, S, 3] as float [B, T, 3, S, S] in [0, 1]; `augment` works on each clip [T, 3, S, S] as it is
    stored."""
    x = torch.as_tensor(np.ascontiguousarray(frames[rows])).permute(0, 1, 4, 2, 3)
    if augment:
        x = torch.stack([augment(clip) for clip in x])
    return x.float() / 255 if x.dtype == torch.uint8 else x.float()


def augmentation(size: int) -> Callable:
    """Alike for all frames of a clip: mirrored, moved by up to an eighth, a black box of up to a fifth (masks are
    then nothing new)."""
    return v2.Compose(
        [
            v2.RandomHorizontalFlip(),
            v2.RandomCrop(size, padding=size // 8, padding_mode="edge"),
            v2.RandomErasing(p=0.4, scale=(0.02, 0.2), value=0),
        ]
    )


def fit(
    model: Any,
    frames: np.ndarray,
    labels,
    val_frames: np.ndarray,
    val_labels,
    epochs: int = 14,
    seed: int = 0,
    batch: int | None = None,
    lr: float = 3e-3,
    patience: int = 8,
) -> tuple[nn.Module, pd.DataFrame]:
    """Train on uint8 frames [N, T, S, S, 3], int labels [N]; -> (model in eval mode with the weights of its best
    validation epoch, curves).

    AdamW with OneCycle; stopped after `patience` epochs without a better validation accuracy (ties: a lower
    cross-entropy). batch: frames or clips a step (default: the model's own). curves: epoch, loss, val_loss,
    val_accuracy."""
    labels, val_labels = (torch.tensor(np.asarray(y).tolist(), dtype=torch.long) for y in (labels, val_labels))
    if not len(labels) or not len(val_labels):
        raise UserError(
            f"network training: {len(labels)} training and {len(val_labels)} validation clips; both splits need clips"
        )
    if model.single:
        labels = labels.repeat_interleave(frames.shape[1])
        frames = frames.reshape(-1, 1, *frames.shape[2:])
    steps, order = -(-len(labels) // (batch or model.batch)), np.random.default_rng(seed)
    augment = augmentation(frames.shape[2])
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * steps)
    curves, best, waited = [], (-1.0, 0.0), 0
    title = type(model).__name__
    with torch.random.fork_rng(devices=[]), tqdm(total=epochs * steps, unit="step", desc=title, delay=2) as bar:
        torch.manual_seed(seed)
        for epoch in range(epochs):
            model.train()
            total = 0.0
            for rows in np.array_split(order.permutation(len(labels)), steps):
                loss = F.cross_entropy(model(batch_of(frames, rows, augment)), labels[rows])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() * len(rows)
                bar.update()
            logits = logits_of(model, val_frames)
            accuracy = (logits.argmax(1) == val_labels).float().mean().item()
            score = (accuracy, -F.cross_entropy(logits, val_labels).item())
            mean = total / len(labels)
            curves.append({"epoch": epoch + 1, "loss": mean, "val_loss": -score[1], "val_accuracy": accuracy})
            bar.set_postfix(loss=f"{mean:.2f}", val=f"{accuracy:.2f}")
            waited += 1
            if score > best:
                best, waited = score, 0
                kept = {name: value.clone() for name, value in model.state_dict().items()}
            if waited >= patience:
                break
    model.load_state_dict(kept)
    return model.eval(), pd.DataFrame(curves)


@torch.inference_mode()
def logits_of(model: nn.Module, frames: np.ndarray, batch: int = 32) -> torch.Tensor:
    """[N, C] of clips [N, T, S, S, 3], uint8 or float in [0, 1]."""
    model.eval()
    parts = tqdm(range(0, len(frames), batch), unit="batch", desc="predict", delay=2, leave=False)
    return torch.cat([model(batch_of(frames, slice(start, start + batch))) for start in parts])


def predict(model: nn.Module, frames: np.ndarray, batch: int = 32) -> np.ndarray:
    """float32 [N, C] probabilities of clips [N, T, S, S, 3] (uint8, or float in [0, 1], for example masked)."""
    return logits_of(model, frames, batch).softmax(1).numpy()


def network_scores(model: nn.Module, tau: float, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """A network's answer to clips [N, T, 3, S, S] as scores: tau log p, so that softmax(s / tau) = p."""
    p = torch.from_numpy(predict(model, x.permute(0, 1, 3, 4, 2).cpu().numpy()))
    scores = p.clamp_min(1e-12).log() * tau
    return scores, scores[:, None].expand(-1, x.shape[1], -1)


def save(model: nn.Module, name: str, path: Path, classes: tuple[str, ...]) -> None:
    """Weights as safetensors, with the network's name and the classes in its header."""
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    with replacing(path) as temporary:
        save_file(tensors, temporary, {"model": name, "classes": json.dumps(classes)})


def load(path: Path) -> tuple[nn.Module, tuple[str, ...]]:
    """(model in eval mode, classes) as saved; UserError when the file is missing or damaged."""
    try:
        with safe_open(path, "pt") as file:
            header, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
        classes = tuple(json.loads(header["classes"]))
        model = create(header["model"], len(classes))
        model.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"{path} is missing or damaged; delete it and run notebook 05 again") from error
    return model.eval(), classes


def train_networks(study, train: pd.DataFrame, val: pd.DataFrame) -> dict[str, nn.Module]:
    """All registered networks, trained on the source domain's training clips, on the CPU; saved, and reused when the
    key is the same."""
    config, seed = study.profile.baselines, study.profile.seed
    models: dict[str, nn.Module] = {}
    keys: dict[str, str] = {}
    labels = train["label"].to_numpy(), val["label"].to_numpy()
    clips = (study.store.key, train["clip"].tolist(), val["clip"].tolist(), *(part.tolist() for part in labels))
    for name in network_names():
        path = study.results / "baselines" / f"{name}.safetensors"
        build = METHODS[name].build
        assert build is not None
        first = str(getattr(build, "starts_from", None))
        start, settings = models.get(first), study.profile.dump("baselines")
        keys[name] = key = NETWORKS.key(*clips, settings, seed, keys.get(first), also=[build])

        def compute(name=name, path=path, start=start) -> pd.DataFrame:
            model = create(name, study.n_source, seed, start=start)
            data = study.store.get(train["row"]), labels[0], study.store.get(val["row"]), labels[1]
            model, curve = fit(model, *data, epochs=config.epochs, seed=seed, lr=config.lr)
            save(model, name, path, study.classes[: study.n_source])
            return curve

        cached_table(path.with_suffix(".parquet"), key, compute)
        models[name] = load(path)[0]
    return models


NETWORKS = Step("networks", train_networks, FrameStore)


def network_protocols(study, models: dict[str, nn.Module]) -> dict[str, Callable]:
    """The networks as methods: images [N, T, 3, S, S] -> scores."""
    return {name: partial(network_scores, model, study.clip.tau) for name, model in models.items()}
