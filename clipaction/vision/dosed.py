"""The compact CLIPs with known doses of scene bias: an image tower, and the prototypes of the demo's classes.

Their text towers are not kept, so they know the demo's phrases in the package's templates and no other sentences.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import open_clip
import torch
import torch.nn as nn
from safetensors import safe_open
from safetensors.torch import load_file

from ..base.errors import UserError
from ..demo.dose import dose_path
from ..demo.tower import NAME
from .clip import CLIP, TEMPLATES
from .load import PRECISIONS, be_quiet, hash_weights, use_full_precision


class ImageTower(nn.Module):
    """An image tower with its temperature and its prototypes [C, D]: what `CLIP` needs of an open_clip model."""

    def __init__(self, visual: nn.Module, logit_scale: torch.Tensor, prototypes: torch.Tensor):
        super().__init__()
        self.visual, self.logit_scale = visual, nn.Parameter(logit_scale)
        self.register_buffer("prototypes", prototypes)

    def encode_image(self, images: torch.Tensor) -> torch.Tensor:
        return self.visual(images)


@dataclass(kw_only=True)
class DosedCLIP(CLIP):
    """A CLIP without a text tower. dose: of scene bias, 0 to 1; phrases: of the classes that it has prototypes of."""

    dose: float
    phrases: tuple[str, ...]

    def head(self, phrases: Sequence[str], templates: Sequence[str] = TEMPLATES) -> torch.Tensor:
        """The kept prototypes [C, D] of these phrases. UserError for other phrases or templates."""
        if tuple(templates) != TEMPLATES or (unknown := set(phrases) - set(self.phrases)):
            what = "other templates" if tuple(templates) != TEMPLATES else f'no prototype of "{min(unknown)}"'
            raise UserError(f"{self.name}: {what}; it knows only the demo's classes, in the package's templates")
        return self.model.prototypes[[self.phrases.index(phrase) for phrase in phrases]].float().clone()


def refuse_text(name: str, texts: list[str]) -> torch.Tensor:
    """In place of a tokenizer."""
    raise UserError(f"{name} has no text tower; train it anew to embed other sentences")


def load_dosed(dose: float, device: str = "auto", precision: str = "fp32", path: Path | None = None) -> DosedCLIP:
    """The compact CLIP with a dose of scene bias, frozen; `path` when it is not a shipped one. UserError where there is
    no such file."""
    path = dose_path(dose) if path is None else path
    if not path.is_file():
        raise UserError(f"no weights at {path}; make them with `python -m clipaction.demo.train --dose {dose:g}`")
    tensors = load_file(path)
    with safe_open(path, "pt") as file:
        facts = file.metadata()
    if json.loads(facts["templates"]) != list(TEMPLATES):
        raise UserError(f"{path} was made with other templates; train it anew")
    be_quiet()
    visual: Any = open_clip.create_model(NAME, device="cpu").visual
    start = "visual."
    visual.load_state_dict({name.removeprefix(start): t for name, t in tensors.items() if name.startswith(start)})
    model = ImageTower(visual, tensors["logit_scale"], tensors["head"]).eval().requires_grad_(False)
    place = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    if precision == "auto":
        precision = "fp16" if place.type == "cuda" else "fp32"
    if precision == "fp32":
        use_full_precision()
    name = f"{NAME} with a dose of {float(facts['dose']):.0%}"
    mean, std = (torch.tensor(v, device=place).view(1, 3, 1, 1) for v in (visual.image_mean, visual.image_std))
    return DosedCLIP(
        model=model.to(place, PRECISIONS[precision]),
        tokenizer=partial(refuse_text, name),
        name=name,
        size=visual.image_size if isinstance(visual.image_size, int) else visual.image_size[0],
        mean=mean,
        std=std,
        tau=1 / float(model.logit_scale.exp()),
        weights_hash=hash_weights(model, name),
        device=place,
        dtype=PRECISIONS[precision],
        dose=float(facts["dose"]),
        phrases=tuple(json.loads(facts["phrases"])),
    )
