"""What the paper argues against: networks trained on the clips alone (a frame CNN, a CNN+GRU), a linear probe,
tuned prompts and a per-class offset.

Frames are [N,T,S,S,3], uint8 or float in [0,1], NHWC; anything larger than SIZE is averaged down to it. No predictor takes labels.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from scipy.optimize import minimize, minimize_scalar
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression
from threadpoolctl import threadpool_limits
from torch import nn
from torchvision.transforms import v2
from tqdm.auto import tqdm

from .errors import UserError

SIZE = 96  # side the networks see, pixels
WIDTHS = (16, 40, 96, 192)


def features() -> nn.Sequential:
    """Four stride-2 convolutions and one more, [B,3,S,S] in [-1,1] -> [B,192]; 0.25 M parameters."""
    layers, inputs = [], 3
    for width in WIDTHS:
        layers += [nn.Conv2d(inputs, width, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True)]
        inputs = width
    # depthwise and pointwise: a wider field of view for few multiplications
    layers += [nn.Conv2d(inputs, inputs, 3, padding=1, groups=inputs, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(inplace=True),
               nn.Conv2d(inputs, inputs, 1, bias=False), nn.BatchNorm2d(inputs), nn.ReLU(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten())


class FrameCNN(nn.Module):
    """Each frame judged alone; a clip's logits are the mean over its frames. [B,T,3,S,S] in [0,1] -> [B,C]."""

    single, batch = True, 32  # trained on frames, 32 a step

    def __init__(self, classes: int):
        super().__init__()
        self.cnn, self.drop, self.head = features(), nn.Dropout(0.2), nn.Linear(WIDTHS[-1], classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.drop(self.cnn(_flat(x)))).unflatten(0, x.shape[:2]).mean(1)


class CNNGRU(nn.Module):
    """The same CNN per frame, its features in order through a GRU, logits from the mean of the states. [B,T,3,S,S] -> [B,C]."""

    single, batch = False, 8  # trained on clips, 8 a step

    def __init__(self, classes: int, hidden: int = 128):
        super().__init__()
        self.cnn, self.gru = features(), nn.GRU(WIDTHS[-1], hidden, batch_first=True)
        self.drop, self.head = nn.Dropout(0.2), nn.Linear(hidden, classes)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        states, _ = self.gru(self.cnn(_flat(x)).unflatten(0, x.shape[:2]))
        return self.head(self.drop(states.mean(1)))


MODELS = {"cnn": FrameCNN, "cnn-gru": CNNGRU}


def _flat(x: torch.Tensor) -> torch.Tensor:
    """[B,T,3,S,S] in [0,1] -> [B*T,3,SIZE,SIZE] in [-1,1], channels last."""
    x = x.flatten(0, 1)
    if x.shape[-1] > SIZE:
        x = F.interpolate(x, size=(SIZE, SIZE), mode="area")
    return (2 * x - 1).contiguous(memory_format=torch.channels_last)


def _batch(frames, rows, augment: Callable | None = None) -> torch.Tensor:
    """Rows of [N,T,S,S,3] as float [B,T,3,S,S] in [0,1]; `augment` works on each clip [T,3,S,S] as it is stored."""
    x = torch.as_tensor(np.ascontiguousarray(frames[rows])).permute(0, 1, 4, 2, 3)
    if augment:
        x = torch.stack([augment(clip) for clip in x])
    return x.float() / 255 if x.dtype == torch.uint8 else x.float()


def _augment(size: int) -> Callable:
    """One draw for all frames of a clip: mirror, shift by up to an eighth, a black box of up to a fifth (so that a mask is no news)."""
    return v2.Compose([v2.RandomHorizontalFlip(), v2.RandomCrop(size, padding=size // 8, padding_mode="edge"),
                       v2.RandomErasing(p=0.4, scale=(0.02, 0.2), value=0)])


def create(name: str, classes: int, seed: int = 0, start: FrameCNN | None = None) -> nn.Module:
    """'cnn' or 'cnn-gru' with weights drawn by seed (the global generator is left alone); its CNN a copy of a trained `start`'s.

    Starting the CNN+GRU from the trained frame CNN is the usual recipe (Donahue et al. 2015) and with a few hundred clips a fair one:
    from scratch it stays far behind in the same time.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = MODELS[name](classes).to(memory_format=torch.channels_last)
    if start is not None:
        model.cnn.load_state_dict(start.cnn.state_dict())
    return model


def fit(model: nn.Module, frames, labels, val_frames, val_labels, epochs: int = 14, seed: int = 0, batch: int | None = None,
        lr: float = 3e-3, patience: int = 8) -> tuple[nn.Module, pd.DataFrame]:
    """Train on uint8 frames [N,T,S,S,3], int labels [N]; -> (model in eval mode with the weights of its best validation epoch, curves).

    AdamW with OneCycle; stopped after `patience` epochs without a better validation accuracy (ties: a lower cross-entropy).
    batch: frames a step for FrameCNN, clips a step for CNNGRU (default: the model's own). curves: epoch, loss, val_loss, val_accuracy.
    """
    labels, val_labels = (torch.as_tensor(np.asarray(y), dtype=torch.long) for y in (labels, val_labels))
    if not len(labels) or not len(val_labels):
        raise UserError(f"baseline training: {len(labels)} training and {len(val_labels)} validation clips; both splits need clips")
    if model.single:
        labels, frames = labels.repeat_interleave(frames.shape[1]), frames.reshape(-1, 1, *frames.shape[2:])
    steps, order, augment = -(-len(labels) // (batch or model.batch)), np.random.default_rng(seed), _augment(frames.shape[2])
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=0.05, fused=True)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, lr, total_steps=epochs * steps)
    curves, best, waited = [], (-1.0, 0.0), 0
    with torch.random.fork_rng(devices=[]), tqdm(total=epochs * steps, unit="step", desc=type(model).__name__, delay=2) as bar:
        torch.manual_seed(seed)
        for epoch in range(epochs):
            model.train()
            total = 0.0
            for rows in np.array_split(order.permutation(len(labels)), steps):
                loss = F.cross_entropy(model(_batch(frames, rows, augment)), labels[rows])
                optimizer.zero_grad(set_to_none=True)
                loss.backward()
                optimizer.step()
                schedule.step()
                total += loss.item() * len(rows)
                bar.update()
            logits = _logits(model, val_frames)
            score = ((logits.argmax(1) == val_labels).float().mean().item(), -F.cross_entropy(logits, val_labels).item())
            curves.append({"epoch": epoch + 1, "loss": total / len(labels), "val_loss": -score[1], "val_accuracy": score[0]})
            bar.set_postfix(loss=f"{total / len(labels):.2f}", val=f"{score[0]:.2f}")
            waited += 1
            if score > best:
                best, waited, kept = score, 0, {name: value.clone() for name, value in model.state_dict().items()}
            if waited >= patience:
                break
    model.load_state_dict(kept)
    return model.eval(), pd.DataFrame(curves)


@torch.inference_mode()
def _logits(model: nn.Module, frames, batch: int = 32) -> torch.Tensor:
    model.eval()
    parts = tqdm(range(0, len(frames), batch), unit="batch", desc="predict", delay=2, leave=False)
    return torch.cat([model(_batch(frames, slice(start, start + batch))) for start in parts])


def predict(model: nn.Module, frames, batch: int = 32) -> np.ndarray:
    """float32 [N,C] probabilities of clips [N,T,S,S,3] (uint8, or float in [0,1], e.g. masked)."""
    return _logits(model, frames, batch).softmax(1).numpy()


def save(model: nn.Module, path: Path, classes: tuple[str, ...]) -> None:
    """Weights as safetensors, with the model's name and the classes in its header; written aside, then renamed."""
    path = Path(path)
    name = next(name for name, kind in MODELS.items() if isinstance(model, kind))
    tensors = {key: value.contiguous() for key, value in model.state_dict().items()}
    path.parent.mkdir(parents=True, exist_ok=True)
    save_file(tensors, path.with_suffix(".tmp"), {"model": name, "classes": json.dumps(classes)})
    os.replace(path.with_suffix(".tmp"), path)


def load(path: Path) -> tuple[nn.Module, tuple[str, ...]]:
    """(model in eval mode, classes) as saved; UserError when the file is missing or damaged."""
    try:
        with safe_open(path, "pt") as file:
            header, tensors = file.metadata(), {key: file.get_tensor(key) for key in file.keys()}
        classes = tuple(json.loads(header["classes"]))
        model = create(header["model"], len(classes))
        model.load_state_dict(tensors)
    except (OSError, SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise UserError(f"baseline weights {path} missing or damaged; delete the file and run the step again") from error
    return model.eval(), classes


def linear_probe(train_features, labels, val_features, val_labels, classes: int | None = None) -> tuple[np.ndarray, np.ndarray]:
    """Logistic regression on features [n,D] (unit-length embeddings), its C of 1 ... 1e4 chosen by validation cross-entropy.

    -> weight [classes,D] and bias [classes] of the logits; a class without training clips has no weight and a bias of -50.
    """
    labels, val_labels = np.asarray(labels), np.asarray(val_labels)
    if not len(val_labels) or len(np.unique(labels)) < 2:
        raise UserError("linear probe: needs training clips of at least two classes and some validation clips")
    classes = classes or int(max(labels.max(), val_labels.max())) + 1

    def fit(c: float) -> tuple[float, np.ndarray, np.ndarray]:
        probe = LogisticRegression(C=c, max_iter=2000).fit(train_features, labels)
        weight, bias = np.zeros((classes, probe.coef_.shape[1])), np.full(classes, -50.0)
        two = len(probe.classes_) == 2  # scikit-learn keeps only the second one's
        weight[probe.classes_] = np.vstack([0 * probe.coef_, probe.coef_]) if two else probe.coef_
        bias[probe.classes_] = np.r_[0.0, probe.intercept_] if two else probe.intercept_
        logits = log_softmax(val_features @ weight.T + bias, axis=1)
        return -logits[np.arange(len(val_labels)), val_labels].mean(), weight, bias

    with threadpool_limits(1):  # products this small take six times as long on two threads that wait for each other
        return min(map(fit, np.logspace(0, 4, 5)), key=lambda found: found[0])[1:]


def tune_prompts(clip, phrases: list[str], features: torch.Tensor, labels: torch.Tensor, val_features: torch.Tensor, val_labels: torch.Tensor,
                 seed: int = 0, steps: int = 150, lr: float = 5e-3, batch: int = 256, every: int = 25) -> torch.Tensor:  # fmt: skip
    """Class prototypes [C,D] of 'v1 v2 v3 v4 person <phrase>.' whose four word vectors, the same for all classes, are learned (CoOp, Zhou et
    al. 2022, arXiv:2109.01134), from 'a photo of a' on, by cross-entropy of unit image features [n,D]; the best step by validation is kept.
    """
    text = getattr(clip.model, "text", clip.model)  # open_clip has two kinds of text tower
    tokens = clip.tokenizer([f"a photo of a person {phrase}." for phrase in phrases]).to(clip.device)
    with torch.no_grad():
        words = text.token_embedding(tokens[:1])[0, 1:5].float().clone()
    words.requires_grad_()
    optimiser = torch.optim.Adam([words], lr=lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    hook = lambda _module, _input, out: torch.cat([out[:, :1], words.to(out).expand(len(out), -1, -1), out[:, 5:]], 1)  # noqa: E731
    handle, best, lowest = text.token_embedding.register_forward_hook(hook), None, np.inf
    generator = torch.Generator().manual_seed(seed)
    try:
        for step in tqdm(range(steps + 1), desc="prompt tuning", unit="step", leave=False):
            head = F.normalize(clip.model.encode_text(tokens).float(), dim=-1)
            if step % every == 0 or step == steps:
                loss = float(F.cross_entropy(val_features @ head.detach().T / clip.tau, val_labels))
                best, lowest = (head.detach().clone(), loss) if loss < lowest else (best, lowest)
            if step < steps:
                index = torch.randint(len(features), (min(batch, len(features)),), generator=generator)
                loss = F.cross_entropy(features[index] @ head.T / clip.tau, labels[index])
                optimiser.zero_grad(set_to_none=True)
                loss.backward()
                optimiser.step()
                schedule.step()
    finally:
        handle.remove()
    return best


def class_offset(scores_val, labels_val, l2: float = 1e-3) -> np.ndarray:
    """The bias b [C] (mean 0) that added to logits s/tau [n,C] minimises validation cross-entropy; a small ridge keeps classes that
    validation lacks finite. The control for noise that only shifts classes by constants."""
    scores, labels = np.asarray(scores_val, dtype=np.float64), np.asarray(labels_val)
    if not len(labels) or not np.isfinite(scores).all():
        raise UserError("class offset: needs validation clips with finite scores; run the zero-shot step on the validation split first")
    share = np.bincount(labels, minlength=scores.shape[1]) / len(labels)

    def loss(b: np.ndarray) -> tuple[float, np.ndarray]:
        log_p = log_softmax(scores + b, axis=1)
        return -log_p[np.arange(len(labels)), labels].mean() + l2 / 2 * b @ b, np.exp(log_p).mean(0) - share + l2 * b

    b = minimize(loss, np.zeros(scores.shape[1]), jac=True, method="L-BFGS-B").x
    return b - b.mean()


def temperature(logits_val, labels_val) -> float:
    """The T that divides logits [n, C] so that softmax(logits / T) has the least cross-entropy on validation clips (Guo et al. 2017,
    arXiv:1706.04599), between 1/8 and 8: answers stay, confidence changes."""
    logits, rows = np.asarray(logits_val, dtype=np.float64), np.arange(len(labels_val))
    loss = lambda log_t: -log_softmax(logits / np.exp(log_t), axis=1)[rows, np.asarray(labels_val)].mean()  # noqa: E731
    return float(np.exp(minimize_scalar(loss, bounds=(-np.log(8), np.log(8)), method="bounded").x))
