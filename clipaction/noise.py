"""Class-specific noise: small perturbations, one a class, that make a frozen CLIP attend to what defines the class.

A noise is delta_c, [C, 3, S, S] with |delta| <= eps, added to images in [0, 1] (C = 1: one noise shared by all classes). What decides
whether it is worth anything is how a clip *whose class is unknown* gets its noise. The ways to use it are the protocols below;
those in LABEL_FREE take images only, there is no argument through which a label could reach them.

Notation: f unit image embedding, t_c unit text prototype, s_c(x) = f(x).t_c, tau the model's temperature.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import torch
import torch.nn as nn
import torch.nn.functional as F
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file
from tqdm.auto import tqdm

from .clip import CLIP

CHECKPOINT_EVERY = 30  # seconds


class ClassNoise(nn.Module):
    """delta_c learned at `resolution` and upsampled to the frame: smooth by construction and never above eps, which bounds every pixel
    (norm 'linf': delta_c = eps tanh theta_c) or each class's root mean square ('l2': theta_c, scaled down where it is above)."""

    def __init__(self, classes: int, size: int, eps: float, resolution: int, seed: int = 0, norm: str = "linf"):
        super().__init__()
        start = torch.randn(classes, 3, resolution, resolution, generator=torch.Generator().manual_seed(seed)) * 0.01
        self.theta, self.size, self.eps, self.norm = nn.Parameter(start), size, eps, norm

    def forward(self) -> torch.Tensor:
        """The noise [C, 3, S, S], in units of pixel values."""
        theta = torch.tanh(self.theta) if self.norm == "linf" else self.theta
        delta = F.interpolate(theta, (self.size, self.size), mode="bilinear", align_corners=False)
        return self.eps * (delta if self.norm == "linf" else delta / delta.pow(2).mean((1, 2, 3), keepdim=True).sqrt().clamp_min(1))


def add(x: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    """x + delta, kept a valid image in [0, 1], on the device of delta."""
    return (x.to(delta.device) + delta).clamp(0, 1)


def posterior_gate(head: torch.Tensor, tau: float, temperature: float = 1.0) -> torch.Tensor:
    """The gate that is the model's own clean posterior, softmax(s / (tau T)), as weights on unit features and a bias: [C, D + 1]."""
    return torch.cat([head / (tau * temperature), head.new_zeros(len(head), 1)], 1)


def mixture(features: torch.Tensor, head: torch.Tensor, gate: torch.Tensor | None, tau: float) -> torch.Tensor:
    """pi [B, K], how much of each class's noise a frame of clean unit features [B, D] wears: the softmax of its gate [K, D + 1], of the
    model's own posterior when None.

    Where more classes compete (head [C, D], C > K: some have no noise) pi is scaled by the model's own posterior of the K that have one.
    """
    gate = posterior_gate(head, tau) if gate is None else gate.to(head)
    pi = (features @ gate[:, :-1].T + gate[:, -1]).softmax(1)
    return pi if len(head) == len(gate) else pi * (features @ head.T / tau).softmax(1)[:, : len(gate)].sum(1, keepdim=True)


def mix(pi: torch.Tensor, delta: torch.Tensor) -> torch.Tensor:
    """sum_c pi_c delta_c: [B, C] and [C, 3, S, S] -> [B, 3, S, S], within the same eps as every delta_c."""
    return torch.einsum("bc,cihw->bihw", pi, delta)


def worn(clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor, gate: torch.Tensor | None = None) -> torch.Tensor:
    """The noise [B, 3, S, S] that each frame [B, 3, S, S] gets through a gate: sum_c pi_c(x) delta_c. No label, no gradient to the gate."""
    with torch.no_grad():
        pi = mixture(clip.encode_image(x), head, gate, clip.tau)
    return mix(pi, delta)


def of_class(delta: torch.Tensor, c: torch.Tensor) -> torch.Tensor:
    """delta_c of each frame's class c [B]: [B, 3, S, S]. Not by indexing, whose gradient adds up in whatever order threads arrive."""
    return mix(F.one_hot(c, len(delta)).to(delta), delta)


# --- protocols: how a clip [N, T, 3, S, S] gets its noise; each returns clip and frame scores ---------------------------------------


def pool(features: torch.Tensor, head: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Frame embeddings [N, T, D] to scores: clip [N, C] (mean over frames, renormalised) and frame [N, T, C]."""
    return F.normalize(features.mean(1), dim=-1) @ head.T, features @ head.T


def encode_clips(clip: CLIP, x: torch.Tensor) -> torch.Tensor:
    """Embeddings [N, T, D] of [N, T, 3, S, S]."""
    return clip.encode_image(x.flatten(0, 1)).unflatten(0, x.shape[:2])


@torch.inference_mode()
def plain(clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor | None = None):
    """No noise (delta None), or one noise shared by all classes [1, 3, S, S]: one forward a frame. Label-free."""
    return pool(encode_clips(clip, x if delta is None else add(x, delta)), head)


@torch.inference_mode()
def gated(clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor, gate: torch.Tensor | None = None):
    """x' = x + sum_c pi_c(x) delta_c, pi read off each frame's own clean features by a gate: two forwards a frame. Label-free."""
    frames = x.flatten(0, 1)
    return pool(clip.encode_image(add(frames, worn(clip, head, frames, delta, gate))).unflatten(0, x.shape[:2]), head)


@torch.inference_mode()
def hypothesis(clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor, shortlist: int | None = None):
    """s_c(x + delta_c) for every class c, or for the `shortlist` best of the clean clip only: C (or 1 + k) forwards a frame. Label-free.

    Classes off the shortlist get the lowest score there is, -1.
    """
    n, c = len(x), len(head)
    listed = torch.ones(n, c, dtype=torch.bool)
    if shortlist is not None and shortlist < c:
        listed = torch.zeros(n, c, dtype=torch.bool).scatter(1, plain(clip, head, x)[0].topk(shortlist, 1).indices.cpu(), True)
    clips, frames = torch.full((n, c), -1.0), torch.full((n, x.shape[1], c), -1.0)
    for k in range(c):
        rows = listed[:, k].nonzero()[:, 0]
        if len(rows):
            clip_score, frame_score = pool(encode_clips(clip, add(x[rows], delta[k])), head[k : k + 1])
            clips[rows, k], frames[rows, :, k] = clip_score[:, 0].cpu(), frame_score[..., 0].cpu()
    return clips, frames


@torch.inference_mode()
def oracle(clip: CLIP, head: torch.Tensor, x: torch.Tensor, delta: torch.Tensor, labels: torch.Tensor):
    """x + delta_y with the true class y [N]: it USES THE LABEL, an upper bound and never a result."""
    return pool(encode_clips(clip, add(x, delta[labels][:, None])), head)


LABEL_FREE = {"plain": plain, "gated": gated, "hypothesis": hypothesis}


@torch.inference_mode()
def attacked(clip: CLIP, head: torch.Tensor, x: torch.Tensor, labels: torch.Tensor, delta: torch.Tensor) -> np.ndarray:
    """[C] counts of other classes' clips that delta_c turns into class c, and [C] how many there were: (hits, of).

    A rate near 1 means an adversarial patch, not attention.
    """
    hits, of = np.zeros(len(delta)), np.zeros(len(delta))
    for c in range(len(delta)):
        others = (labels != c).nonzero()[:, 0]
        of[c] = len(others)
        if len(others):
            hits[c] = (plain(clip, head, x[others], delta[c : c + 1])[0].argmax(1).cpu() == c).sum()
    return np.stack([hits, of])


# --- the loss ------------------------------------------------------------------------------------------------------------------------


def cross_entropy(scores: torch.Tensor, y: torch.Tensor, tau: float) -> torch.Tensor:
    """-log softmax_y(s / tau), over texts."""
    return F.cross_entropy(scores / tau, y)


def pair_term(own: torch.Tensor, wrong: torch.Tensor, y: torch.Tensor, c: torch.Tensor, tau: float, classes: int) -> torch.Tensor:
    """-log( exp(s_y(x+delta_y)/tau) / sum_c exp(s_c(x+delta_c)/tau) ), the sum estimated from one sampled negative c != y a frame.

    own, wrong: scores [B, C] of x + delta_y and x + delta_c.
    """
    positive, negative = own.gather(1, y[:, None]) / tau, wrong.gather(1, c[:, None]) / tau + np.log(classes - 1)
    return F.cross_entropy(torch.cat([positive, negative], 1), torch.zeros_like(y))


def hinge_term(clean: torch.Tensor, wrong: torch.Tensor, y: torch.Tensor, c: torch.Tensor, tau: float, margin: float) -> torch.Tensor:
    """[margin + gain]_+ where gain is what delta_c adds, on a frame of class y, to c's logit lead over y; 0 when it drags nobody."""
    lead = lambda s: (s.gather(1, c[:, None]) - s.gather(1, y[:, None])) / tau  # noqa: E731
    return F.relu(margin + lead(wrong) - lead(clean)).mean()


def confidence_term(scores: torch.Tensor, tau: float) -> torch.Tensor:
    """log C - entropy of p(x'), on frames without their actor: no action, no answer. 0 when the answer is uniform."""
    logp = F.log_softmax(scores / tau, 1)
    return (logp.exp() * logp).sum(1).mean() + np.log(scores.shape[1])


def agreement_term(a: torch.Tensor, b: torch.Tensor, tau: float) -> torch.Tensor:
    """Symmetric KL divergence between the answers to two differently masked versions of the same frames."""
    p, q = F.log_softmax(a / tau, 1), F.log_softmax(b / tau, 1)
    return ((p.exp() - q.exp()) * (p - q)).sum(1).mean() / 2


def total_variation(delta: torch.Tensor) -> torch.Tensor:
    """Mean absolute difference of neighbouring pixels over the largest possible one (2 eps is 1 per pair at eps = max|delta|)."""
    scale = delta.detach().abs().max().clamp_min(1e-8)
    return ((delta.diff(dim=-1).abs().mean() + delta.diff(dim=-2).abs().mean()) / (2 * scale)).clamp_max(2)


# --- training ------------------------------------------------------------------------------------------------------------------------


class Frames:
    """Training frames with what is needed to swap scenes and mask: uint8 frames [N, S, S, 3], labels [N], and, when regions are known,
    the region's coverage [N, S, S] (actor and prop, uint8) and clean plates [N, S, S, 3].

    ids: the clip of each frame, for the record of what was read.
    """

    def __init__(self, frames: np.ndarray, labels: np.ndarray, ids: list[str], region: np.ndarray | None = None, plates: np.ndarray | None = None):
        self.frames, self.labels, self.ids, self.region, self.plates = frames, np.asarray(labels), ids, region, plates

    def clips_a_class(self) -> int:
        """The most clips that any class has."""
        return max(len(set(np.asarray(self.ids)[self.labels == c])) for c in np.unique(self.labels))

    def fewer(self, clips: int) -> Frames:
        """The frames of the first `clips` clips of every class; the scenes that frames are swapped into are theirs alone, too."""
        kept = [name for c in np.unique(self.labels) for name in list(dict.fromkeys(np.asarray(self.ids)[self.labels == c]))[:clips]]
        index = np.flatnonzero(np.isin(self.ids, kept))
        part = lambda array: None if array is None else array[index]  # noqa: E731
        return Frames(self.frames[index], self.labels[index], [self.ids[i] for i in index], part(self.region), part(self.plates))

    def view(self, index: np.ndarray, rng: np.random.Generator, swap: float, mask: float) -> torch.Tensor:
        """Frames [B, 3, S, S] in [0, 1]; each with probability `swap` gets another frame's scene, with probability `mask` a black box."""
        x = self.frames[index].astype(np.float32) / 255
        if self.region is not None:
            ground = self.frames if self.plates is None else self.plates
            for i in np.flatnonzero(rng.random(len(index)) < swap):
                cover = self.region[index[i]].astype(np.float32)[..., None] / 255
                x[i] = cover * x[i] + (1 - cover) * (ground[rng.integers(len(ground))].astype(np.float32) / 255)
        size = x.shape[1]
        for i in np.flatnonzero(rng.random(len(index)) < mask):
            side = np.sqrt(rng.uniform(0.05, 0.5))
            h, w = np.clip(np.round(size * side * np.exp(rng.uniform(-0.4, 0.4) * np.array([1, -1]))).astype(int), 1, size)
            v, u = rng.integers(0, size - h + 1), rng.integers(0, size - w + 1)
            x[i, v : v + h, u : u + w] = 0
        if rng.random() < 0.5:
            x = x[:, :, ::-1]
        return torch.from_numpy(np.ascontiguousarray(x)).permute(0, 3, 1, 2)

    def empty(self, index: np.ndarray) -> torch.Tensor:
        """The same frames without their actor: the clean plate, or the region in black."""
        if self.plates is not None:
            x = self.plates[index].astype(np.float32) / 255
        else:
            x = self.frames[index].astype(np.float32) / 255 * (1 - self.region[index].astype(np.float32)[..., None] / 255)
        return torch.from_numpy(x).permute(0, 3, 1, 2)


def objective(clip: CLIP, head: torch.Tensor, delta: torch.Tensor, data: Frames, index: np.ndarray, config, use: str, rng: np.random.Generator,
              gate: torch.Tensor | None = None) -> dict[str, torch.Tensor]:  # fmt: skip
    """The terms of the loss on a batch of frames; a term whose weight is 0 is not computed.

    use: how the noise is worn during training: 'gated' (by `gate`), 'shared' (one for all) or 'oracle' (the naive reading: the true class's).
    """
    y = torch.from_numpy(data.labels[index]).to(clip.device)
    weight, classes, tau = config.loss, len(head), clip.tau
    empty = data.region is not None and weight.confidence > 0
    views = [data.view(index, rng, config.swap, config.mask), data.view(index, rng, config.swap, config.mask)]
    if empty:
        views.append(data.empty(index[: len(index) // 2]))
    x = torch.cat(views).to(clip.device)
    with torch.no_grad():
        clean = clip.encode_image(x) if use == "gated" or (use != "shared" and weight.hinge) else None
    if use == "shared":
        noise = delta
    elif use == "oracle":
        noise = of_class(delta, torch.cat([y, y, y[: len(x) - 2 * len(y)]]))
    else:
        noise = mix(mixture(clean, head, gate, tau), delta)
    scores = (clip.encode_image(add(x, noise)) @ head.T).split([len(y), len(y), len(x) - 2 * len(y)])
    terms = {"ce": (cross_entropy(scores[0], y, tau) + cross_entropy(scores[1], y, tau)) / 2}
    if weight.agreement:
        terms["agreement"] = agreement_term(scores[0], scores[1], tau)
    if empty:
        terms["confidence"] = confidence_term(scores[2], tau)
    if weight.tv:
        terms["tv"] = total_variation(delta)
    if use != "shared" and (weight.pair or weight.hinge):
        half = len(y) // 2
        y, x = y[:half], x[:half]
        c = (y + torch.from_numpy(rng.integers(1, classes, half)).to(clip.device)) % classes
        wrong = clip.encode_image(add(x, of_class(delta, c))) @ head.T
        if weight.pair:
            terms["pair"] = pair_term(clip.encode_image(add(x, of_class(delta, y))) @ head.T, wrong, y, c, tau, classes)
        if weight.hinge:
            terms["hinge"] = hinge_term(clean[:half] @ head.T, wrong, y, c, tau, config.margin)
    return terms


def train(clip: CLIP, head: torch.Tensor, data: Frames, config, use: str = "gated", seed: int = 0, validate: Callable[[torch.Tensor], float] | None = None,
          progress: str | None = None, gate: torch.Tensor | None = None, checkpoint: Path | None = None,
          watch: Callable[[list[dict]], None] | None = None) -> tuple[torch.Tensor, pd.DataFrame]:  # fmt: skip
    """Learn a noise by Adam on the weighted sum of terms; the best of the validated steps is returned (the last, without `validate`).

    config: a profile's noise section. gate: [C, D + 1], for the use 'gated'; the model's own posterior when None. validate: delta -> a number,
    higher is better, from validation clips only; asked every `validate_every` steps, and when `patience` answers in a row are no better, training stops.
    checkpoint: a file, named by all that matters, from which a killed training goes on to the same noise bit by bit. watch: sees the curve so far.
    Returns delta [C or 1, 3, S, S] and a table of the curves (step, one column a term, loss, val, seconds).
    """
    rng = np.random.default_rng([seed, 7])
    noise = ClassNoise(1 if use == "shared" else len(head), clip.size, config.eps / 255, config.resolution, seed, config.norm).to(clip.device)
    optimiser = torch.optim.Adam(noise.parameters(), lr=config.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    best, best_value, worse, rows = noise().detach().clone(), -np.inf, 0, []
    if checkpoint and checkpoint.exists():
        state = torch.load(checkpoint, weights_only=True, map_location=clip.device)
        for name, part in (("noise", noise), ("optimiser", optimiser), ("schedule", schedule)):
            part.load_state_dict(state[name])
        best, best_value, worse, rows = state["best"], state["best_value"], state["worse"], json.loads(state["rows"])
        rng.bit_generator.state = json.loads(state["rng"])
    scale = 1024 if clip.dtype == torch.float16 else 1  # half-precision gradients must not vanish; Adam does not see the factor
    started = saved = time.time()
    spent = rows[-1]["seconds"] if rows else 0.0
    bar = tqdm(range(len(rows) + 1, config.steps + 1), initial=len(rows), total=config.steps, desc=progress or f"noise, {use}", unit="step", leave=False)
    for step in bar:
        index = rng.choice(len(data.labels), min(config.batch // 2, len(data.labels)), replace=False)
        terms = objective(clip, head, noise(), data, index, config, use, rng, gate)
        loss = sum(getattr(config.loss, name) * value for name, value in terms.items())
        optimiser.zero_grad(set_to_none=True)
        (loss * scale).backward()
        optimiser.step()
        schedule.step()
        row = {"step": step, "loss": loss.item(), **{name: value.item() for name, value in terms.items()}, "seconds": spent + time.time() - started}
        if step % config.validate_every == 0 or step == config.steps:
            delta = noise().detach()
            value = validate(delta) if validate else float(step)
            row["val"], worse = value if validate else np.nan, worse + 1
            if value > best_value:
                best, best_value, worse = delta.clone(), value, 0
            bar.set_postfix(loss=f"{row['loss']:.3f}", val=f"{row['val']:.3f}")
        rows.append(row)
        if watch:
            watch(rows)
        if worse == config.patience:
            break
        if checkpoint and time.time() - saved > CHECKPOINT_EVERY:
            state = {"best": best, "best_value": best_value, "worse": worse, "rows": json.dumps(rows), "rng": json.dumps(rng.bit_generator.state)}
            torch.save(state | {"noise": noise.state_dict(), "optimiser": optimiser.state_dict(), "schedule": schedule.state_dict()}, checkpoint.with_suffix(".tmp"))
            checkpoint.with_suffix(".tmp").replace(checkpoint)
            saved = time.time()
    if checkpoint:
        checkpoint.unlink(missing_ok=True)
    return best, pd.DataFrame(rows)


def random_like(delta: torch.Tensor, seed: int = 0) -> torch.Tensor:
    """Random signs, scaled so that every class's noise has the L2 norm of the learned one: the control for 'any noise would do'."""
    signs = torch.randint(0, 2, delta.shape, generator=torch.Generator().manual_seed(seed)).to(delta) * 2 - 1
    rms = delta.pow(2).mean((1, 2, 3), keepdim=True).sqrt()
    return signs * rms


def save_noise(path: Path, delta: torch.Tensor, gate: torch.Tensor | None = None, **facts: object) -> None:
    """Write delta, and the gate it was trained behind, as safetensors with its facts (eps, use, seed, key) as text, aside and renamed."""
    aside, tensors = path.with_suffix(".tmp"), {"delta": delta} | ({} if gate is None else {"gate": gate})
    save_file({k: v.detach().cpu().contiguous() for k, v in tensors.items()}, aside, metadata={k: str(v) for k, v in facts.items()})
    aside.replace(path)


def load_noise(path: Path, what: str = "delta") -> torch.Tensor:
    """A saved noise [C or 1, 3, S, S], or its 'gate' [C, D + 1]."""
    return load_file(path)[what]


def saved_facts(path: Path) -> dict[str, str]:
    """What was written beside a saved noise; empty where there is none that opens."""
    try:
        with safe_open(path, "np") as file:
            return file.metadata()
    except (OSError, SafetensorError):
        return {}
