"""How good the compact CLIP is, and the card beside its weights that says so."""

from __future__ import annotations

import math
import platform

import numpy as np
import torch
import torch.nn.functional as F

from .actions import ACTIONS
from .batches import CROP, USUAL_CAPTIONS
from .draw import HEAD, PROP
from .plan import HOME, USUAL_SHARE
from .samples import CLINICAL_SHARE, SAMPLING, SIDE, Facts, Samples


def normalise(x: torch.Tensor, visual) -> torch.Tensor:
    """Images [B, 3, H, W] in [0, 1] as the image tower wants them."""
    mean, std = (torch.tensor(v, dtype=x.dtype).view(1, 3, 1, 1) for v in (visual.image_mean, visual.image_std))
    return ((x - mean) / std).contiguous(memory_format=torch.channels_last)


@torch.inference_mode()
def accuracies(model, tokenizer, tests: dict[str, Samples], actions: list[str]) -> dict[str, float]:
    """Zero-shot accuracies on held-out people and layouts, by name.

    tests: samples by the relation of scene and action. Where the scene is random, also under noise, squares and
    isolation.
    """
    model.eval()
    words = [ACTIONS[a].words[0] for a in actions]
    texts = [[f"a photo of a person {phrase}.", f"a video frame of a person {phrase}."] for phrase in words]
    head = torch.stack([F.normalize(model.encode_text(tokenizer(t)), dim=-1).mean(0) for t in texts])
    head = F.normalize(head, dim=-1)

    def accuracy(images: np.ndarray, facts: list[Facts]) -> float:
        x = torch.from_numpy(images).permute(0, 3, 1, 2)
        x = F.interpolate(x, (CROP, CROP), mode="bilinear", antialias=True, align_corners=False)
        parts = [F.normalize(model.encode_image(normalise(part, model.visual)), dim=-1) for part in x.split(100)]
        labels = torch.tensor([actions.index(action) for action, *_ in facts])
        return float(((torch.cat(parts) @ head.T).argmax(1) == labels).float().mean())

    out = {}
    for relation, samples in tests.items():
        x, labels, facts = samples.frames.astype(np.float32) / 255, samples.labels, samples.facts
        out[relation] = accuracy(x, facts)
        if relation != "random":
            continue
        noise = np.random.default_rng(0).uniform(-16 / 255, 16 / 255, x.shape).astype(np.float32)
        out["noise 16/255"] = accuracy(np.clip(x + noise, 0, 1), facts)
        for percent in (10, 30, 50):
            side, y = round(SIDE * math.sqrt(percent / 100)), x.copy()
            at = slice((SIDE - side) // 2, (SIDE - side) // 2 + side)
            y[:, at, at] = 0
            out[f"square {percent} %"] = accuracy(y, facts)
        actor = ((labels >= HEAD) & (labels < PROP))[..., None]
        with_prop = ((labels >= HEAD) & (labels <= PROP))[..., None]
        out["isolation"] = accuracy(x * with_prop, facts)
        out["actor black"] = accuracy(x * ~actor, facts)
        out["actor, prop black"] = accuracy(x * ~with_prop, facts)
    model.train()
    return out


def data_version() -> str:
    """12 hex digits of the code that decides the training images."""
    return SAMPLING.code[:12]


def card(
    numbers: dict[str, float],
    samples: int,
    images: int,
    batch: int,
    lr: float,
    seed: int,
    minutes: float,
    test_size: int,
    size: int,
    plain: float = 0.1,
    dose: float | None = None,
    share: float | None = None,
) -> str:
    """The model card as Markdown: recipe, time, data version and accuracies; `size` of the weights in bytes.

    dose: of scene bias, and the share of coupled images that was drawn for it (see `dose`).
    """
    rows = "\n".join(f"| {name} | {value:.3f} |" for name, value in numbers.items())
    command = f"--samples {samples} --images {images} --batch {batch} --lr {lr} --seed {seed}"
    command += f" --plain {plain}" * (plain != 0.1)
    machine = f"{torch.get_num_threads()} cores ({platform.machine()}), torch {torch.__version__}"
    title, kept, bias = "The compact CLIP", "Weights: fp16", usual_bias()
    if dose is not None and share is not None:
        title, kept = f"{title} with a dose of {dose:.0%} scene bias", "Image tower (fp16) and class prototypes"
        command, bias = f"{command} --dose {dose:g}", known_bias(dose, share, plain)
    return f"""# {title}

open_clip's model class with a hybrid image tower (convolutional stem, two transformer blocks of width 128, 64 tokens
of a 96 x 96 image) and a two-layer text tower behind the ordinary CLIP tokenizer. It has seen nothing but this
project's demo data.

- Made by: `python -m clipaction.demo.train {command}`
- Samples seen: {samples} (drawn from {images} rendered images, each augmented anew), seed {seed}, batch {batch}, AdamW
  at {lr}, cosine, weights averaged (0.998).
{bias}
- Time: {minutes:.0f} minutes on {machine}. {kept}, {size / 1e6:.1f} MB.
- Data version: {data_version()}.

Accuracy over the {len(HOME)} home actions, zero-shot, {test_size} single frames a row, people and layouts never seen in
training; from `noise` down, random scenes:

| frames | accuracy |
| --- | --- |
{rows}
"""


def usual_bias() -> str:
    """How scenes and captions of the shipped model go with actions: lines of its card."""
    return f"""\
- The scene is the action's own in {USUAL_SHARE:.0%} of the images, else random (and so by chance its own again);
  {CLINICAL_SHARE:.0%} are clinical actions.
- {USUAL_CAPTIONS:.0%} of the captions of whole frames name the scene's usual action, whatever is seen, as many captions
  on the web do."""


def known_bias(dose: float, share: float, plain: float) -> str:
    """The same lines for a model with a known dose."""
    return f"""\
- Dose: in {dose:.0%} of the images the scene is the action's own because it was put there; in the others it is drawn
  without regard to the action. So {share:.1%} of the images drawn had their action's own scene. Actions and scenes are
  each as frequent at every dose; {CLINICAL_SHARE:.0%} are clinical actions.
- All captions are true.
- The first {plain:.0%} of the training shows cut-outs only, the same for all doses, and is done once."""
