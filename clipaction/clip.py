"""CLIP, loaded and wrapped: pixels in [0, 1] in, unit embeddings out, and the zero-shot head.

Everything that masks or adds noise works on images in [0, 1] *before* normalisation (0 is black there); normalisation happens
inside `CLIP.encode_image` with the model's own constants, so black can never be drawn at the wrong place.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import open_clip
import torch
import torch.nn as nn
import torch.nn.functional as F
from tqdm.auto import tqdm

from .errors import UserError

TEMPLATES = ("a photo of a person {}.", "a video frame of a person {}.", "an image of someone {}.", "a person {}.")


@dataclass
class CLIP:
    """A frozen CLIP in eval mode.

    size: side of its square input, px. tau: the model's softmax temperature. dim: embedding size.
    weights_hash identifies weights and architecture in cache keys.
    """

    model: nn.Module
    tokenizer: object
    name: str
    size: int
    mean: torch.Tensor
    std: torch.Tensor
    tau: float
    weights_hash: str
    device: torch.device
    dtype: torch.dtype

    def encode_image(self, images: torch.Tensor) -> torch.Tensor:
        """Unit embeddings [B, D] float32 of images [B, 3, size, size] in [0, 1]; differentiable in the images."""
        x = (images.to(self.device, torch.float32) - self.mean) / self.std
        x = x.to(self.dtype).contiguous(memory_format=torch.channels_last)
        return F.normalize(self.model.encode_image(x).float(), dim=-1)

    @torch.inference_mode()
    def encode_text(self, texts: list[str]) -> torch.Tensor:
        """Unit embeddings [N, D] float32 of sentences."""
        tokens = self.tokenizer(texts).to(self.device)
        return F.normalize(self.model.encode_text(tokens).float(), dim=-1)

    @torch.inference_mode()
    def encode_frames(self, frames: np.ndarray | torch.Tensor, batch: int = 64, progress: str | None = None) -> torch.Tensor:
        """Unit embeddings [N, D] of uint8 frames [N, size, size, 3], batched."""
        parts = []
        for i in tqdm(range(0, len(frames), batch), desc=progress, unit="batch", disable=progress is None, leave=False):
            parts.append(self.encode_image(to_input(frames[i : i + batch])))
        return torch.cat(parts)

    def head(self, phrases: list[str], templates=TEMPLATES) -> torch.Tensor:
        """Zero-shot class prototypes t_c [C, D]: each phrase in every template, embedded, averaged, renormalised (Radford et al. 2021)."""
        texts = [template.format(phrase) for phrase in phrases for template in templates]
        embedded = self.encode_text(texts).view(len(phrases), len(templates), -1)
        return F.normalize(embedded.mean(1), dim=-1).clone()  # a clone may take part in autograd; an inference tensor may not


def to_input(frames: np.ndarray | torch.Tensor) -> torch.Tensor:
    """uint8 frames [B, H, W, 3] to float32 [B, 3, H, W] in [0, 1], in channels-last memory (no copy but the conversion)."""
    if isinstance(frames, np.ndarray):
        frames = torch.from_numpy(np.ascontiguousarray(frames))
    return frames.permute(0, 3, 1, 2).float().div_(255)


def clips_to_input(frames: np.ndarray) -> torch.Tensor:
    """`to_input` for uint8 clips [N, T, S, S, 3]: float32 [N, T, 3, S, S] in [0, 1]."""
    return to_input(frames.reshape(-1, *frames.shape[2:])).unflatten(0, frames.shape[:2])


def input_size(name: str) -> int:
    """Side of the square images that an open_clip model takes, px, without loading it."""
    register(name)
    size = open_clip.get_model_config(name)["vision_cfg"]["image_size"]
    return size if isinstance(size, int) else size[0]


def register(name: str) -> None:
    """Make our own model known to open_clip; any other it knows already."""
    if name == "clipaction-compact":
        from .demo import tower  # noqa: F401  (importing it registers)


def load_clip(name: str = "clipaction-compact", pretrained: str = "package", precision: str = "auto", device: str = "auto") -> CLIP:
    """Load any open_clip model by name, frozen and in eval mode.

    pretrained: 'package' (this project's compact CLIP), an open_clip tag such as 'openai', a weights file, or 'random' (timing only).
    Raises UserError when the weights cannot be had; never falls back to random ones.
    """
    register(name)
    if pretrained == "package":
        pretrained = str(Path(__file__).parent / "demo" / f"{name}.safetensors")
    device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    dtype = {"auto": torch.float16 if device.type == "cuda" else torch.float32, "fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
    if pretrained.endswith((".safetensors", ".pt", ".bin")) and not Path(pretrained).is_file():
        raise UserError(f"no weights at {pretrained}; make them with `python -m clipaction.demo.train` or name another file")
    logging.getLogger().setLevel(logging.ERROR)  # open_clip logs to the root logger
    try:
        if pretrained == "random":
            torch.manual_seed(0)
        model = open_clip.create_model(name, pretrained=None if pretrained == "random" else pretrained, require_pretrained=pretrained != "random", device="cpu")
    except (RuntimeError, OSError, ValueError) as error:
        raise UserError(f"cannot load {name} with weights {pretrained!r}: {str(error).splitlines()[0]}; check the name, or the network for a download") from None
    model = model.eval().requires_grad_(False).to(device, dtype)
    stat = lambda values: torch.tensor(values, device=device).view(1, 3, 1, 1)  # noqa: E731
    size = model.visual.image_size
    return CLIP(
        model=model,
        tokenizer=open_clip.get_tokenizer(name),
        name=name,
        size=size[0] if isinstance(size, (tuple, list)) else size,
        mean=stat(model.visual.image_mean),
        std=stat(model.visual.image_std),
        tau=1 / float(model.logit_scale.exp()),
        weights_hash=hash_weights(model, name),
        device=device,
        dtype=dtype,
    )


def hash_weights(model: nn.Module, name: str) -> str:
    """16 hex digits of the architecture's name and every weight."""
    digest = hashlib.sha256(name.encode())
    for key, value in model.state_dict().items():
        digest.update(key.encode())
        digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
