"""Training batches of the compact CLIP: images, disturbed more and more strongly, with captions."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from ..masking.masks import shape_mask
from .actions import ACTIONS
from .draw import HEAD, PROP
from .grammar import Caption, caption, matches
from .samples import Samples

CROP = 96  # what the model sees of an image, pixels
USUAL_CAPTIONS = 0.2  # share of captions of whole home scenes that name the usual action there, whatever is seen
USUAL = {action.scene: name for name, action in ACTIONS.items() if not action.clinical}


@dataclass(frozen=True)
class Curriculum:
    """What a batch consists of: the share of cut-outs, and how strongly images are disturbed (both 0 to 1)."""

    cut: float
    strength: float

    @classmethod
    def at(cls, progress: float, plain: float = 0.1) -> Curriculum:
        """progress: share of the training done, 0 to 1; plain: the share of it that shows cut-outs only."""
        cut = float(np.interp(progress, (plain, plain + 0.2, 0.8), (1, 0.45, 0.1)))
        return cls(cut, float(np.interp(progress, (plain / 2, plain + 0.25), (0, 1))))


def draw(rng: np.random.Generator, count: int, size: int, weights: np.ndarray | None = None) -> np.ndarray:
    """Which of `count` images a batch shows, sorted [size]; weights [count]: how often each is drawn, sums to 1."""
    return np.sort(rng.choice(count, size, replace=False, p=weights))


def batch_of(
    samples: Samples,
    rng: np.random.Generator,
    size: int,
    stage: Curriculum,
    weights: np.ndarray | None = None,
    usual_captions: float = USUAL_CAPTIONS,
) -> tuple[torch.Tensor, list[Caption], torch.Tensor]:
    """A training batch: images [B, 3, 96, 96] in [0, 1], captions, and [B, B] bool: is caption j true of image i?

    weights: see `draw`; all images alike when None. usual_captions: see USUAL_CAPTIONS. Cut-outs lie on plain ground or
    on another image's plate. Five in a hundred images are empty plates.
    """
    index = draw(rng, len(samples.frames), size, weights)
    x, y = (a[index].astype(np.float32) / 255 for a in (samples.frames, samples.plates))
    label = samples.labels[index]
    facts, captions = [], []
    actor = ((label >= HEAD) & (label <= PROP))[..., None]
    for i, (action, scene, person) in enumerate(samples.facts[k] for k in index):
        kind, say = rng.random(), None
        if kind < stage.cut:
            if rng.random() > 0.5 * stage.strength:
                colour = rng.random(3) if rng.random() < stage.strength else rng.uniform(0, 0.8)
                ground, scene = colour * (rng.random() < 0.6), ""
            else:
                j = rng.integers(size)
                ground, scene = y[j], samples.facts[index[j]][1]
            x[i] = np.where(actor[i], x[i], ground)
            say = (True, scene != "" and rng.random() < 0.3)
        elif kind < stage.cut + 0.05:
            x[i], action, person = y[i], "", ""
        elif rng.random() < usual_captions:
            action = USUAL.get(scene, action)
        facts.append((action, scene, person))
        captions.append(caption(rng, action or None, scene or None, person or None, say))
    images = augment(torch.from_numpy(x).permute(0, 3, 1, 2), rng, stage.strength)
    return images, captions, torch.from_numpy(matches(facts, captions))


def augment(x: torch.Tensor, rng: np.random.Generator, strength: float = 1.0) -> torch.Tensor:
    """Random crop and mirror of [B, 3, 120, 120] in [0, 1] and, by `strength`, colour, blur, noise and erasing.

    Returns [B, 3, 96, 96].
    """
    b = len(x)

    def draw(low: float, high: float, *shape: int) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(low, high, (b, *shape)).astype(np.float32))

    def factor(low: float, high: float, *shape: int) -> torch.Tensor:  # nearer to 1 for a smaller strength
        return 1 + strength * (draw(low, high, *shape) - 1)

    scale, mirror = draw(0.82, 1.0), torch.from_numpy(rng.choice([-1.0, 1.0], b).astype(np.float32))
    theta = torch.zeros(b, 2, 3)
    theta[:, 0, 0], theta[:, 1, 1] = scale * mirror, scale * draw(0.95, 1.05)
    theta[:, 0, 2], theta[:, 1, 2] = draw(-0.12, 0.12), draw(-0.12, 0.12)
    grid = F.affine_grid(theta, [b, 3, CROP, CROP], align_corners=False)
    x = F.grid_sample(x, grid, padding_mode="reflection", align_corners=False)
    grey = x.mean(1, keepdim=True)
    x = grey + factor(0.6, 1.3, 1, 1, 1) * (draw(0, 1, 1, 1, 1) > 0.08 * strength) * (x - grey)
    mean = x.mean((1, 2, 3), keepdim=True)
    x = ((x - mean) * factor(0.7, 1.25, 1, 1, 1) + mean * factor(0.7, 1.25, 1, 1, 1)) * factor(0.93, 1.07, 3, 1, 1)
    blurred = F.avg_pool2d(F.pad(x, (1, 1, 1, 1), mode="reflect"), 3, 1)
    x = torch.lerp(x, blurred, draw(0, 1, 1, 1, 1) * (draw(0, 1, 1, 1, 1) < 0.4 * strength))
    noise = torch.from_numpy(rng.standard_normal((b, 3, CROP, CROP), dtype=np.float32))
    x = (x + noise * draw(0, 0.08, 1, 1, 1) * (draw(0, 1, 1, 1, 1) < 0.5 * strength)).clamp(0, 1)
    return erase(x, rng, strength)


def erase(x: torch.Tensor, rng: np.random.Generator, strength: float) -> torch.Tensor:
    """Fill random boxes and shapes in some of the images [B, 3, 96, 96], in place."""
    b = len(x)
    for i in np.flatnonzero(rng.random(b) < 0.45 * strength):
        fill = 0.0 if rng.random() < 0.7 else torch.from_numpy(rng.random((3, 1, 1)).astype(np.float32))
        for _ in range(rng.integers(1, 4)):
            area, aspect = rng.uniform(0.02, 0.3) * CROP**2, math.exp(rng.uniform(-1, 1))
            h, w = min(int(math.sqrt(area * aspect)) + 1, CROP), min(int(math.sqrt(area / aspect)) + 1, CROP)
            v, u = rng.integers(0, CROP - h + 1), rng.integers(0, CROP - w + 1)
            x[i, :, v : v + h, u : u + w] = fill
    for i in np.flatnonzero(rng.random(b) < 0.15 * strength):
        shape = str(rng.choice(("stripes", "patches", "border")))
        x[i, :, shape_mask(shape, rng.uniform(5, 40), (CROP, CROP), 1, rng, "random")[0]] = 0
    return x
