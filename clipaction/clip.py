"""CLIP, loaded and wrapped: pixels in [0, 1] in, unit embeddings out, and the zero-shot head.

Everything that masks or adds noise works on images in [0, 1] *before* normalisation (0 is black there); normalisation happens
inside `CLIP.encode_image` with the model's own constants, so black can never be drawn at the wrong place.
"""

from __future__ import annotations

import difflib
import hashlib
import logging
import os
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


def preprocessing(name: str, pretrained: str = "package") -> dict:
    """What a model's frames must look like, without loading it: size (side of its square input, px), interpolation, resize_mode."""
    register(name)
    size, tag = open_clip.get_model_config(name)["vision_cfg"]["image_size"], open_clip.get_pretrained_cfg(name, pretrained) or {}
    return {
        "size": size if isinstance(size, int) else size[0],
        "interpolation": tag.get("interpolation", "bicubic"),
        "resize_mode": tag.get("resize_mode", "shortest"),
    }


def register(name: str) -> None:
    """Make our own model known to open_clip; any other it must know already, else UserError."""
    if name == "clipaction-compact":
        from .demo import tower  # noqa: F401  (importing it registers)
    if open_clip.get_model_config(name) is None:
        near = difflib.get_close_matches(name, open_clip.list_models(), 3)
        raise UserError(f"open_clip knows no model {name}; " + (f"did you mean {' or '.join(near)}?" if near else "open_clip.list_models() lists them"))


def load_clip(name: str = "clipaction-compact", pretrained: str = "package", precision: str = "auto", device: str = "auto") -> CLIP:
    """Load any open_clip model by name, frozen and in eval mode, with the activation its weights were trained with.

    pretrained: 'package' (this project's compact CLIP), an open_clip tag such as 'openai', a weights file, or 'random' (timing only).
    $CLIPACTION_CHECKPOINT names a local file to take instead of downloading a tag's weights; the tag still says what they are.
    Raises UserError when the weights cannot be had or name nothing right; never falls back to random ones.
    """
    register(name)
    tag, checkpoint = open_clip.get_pretrained_cfg(name, pretrained), os.environ.get("CLIPACTION_CHECKPOINT")
    source = str(Path(__file__).parent / "demo" / f"{name}.safetensors") if pretrained == "package" else checkpoint if tag and checkpoint else pretrained
    if not tag and source.endswith((".safetensors", ".pt", ".bin")) or source == checkpoint:
        if not Path(source).is_file():
            raise UserError(f"no weights at {source}; " + ("mend CLIPACTION_CHECKPOINT" if source == checkpoint else "make them with `python -m clipaction.demo.train` or name another file"))
    elif not tag and source != "random":
        raise UserError(f"{name} has no weights {pretrained!r}; open_clip has {', '.join(open_clip.list_pretrained_tags_by_model(name)) or 'none'} for it, or name a file")
    device = torch.device(("cuda" if torch.cuda.is_available() else "cpu") if device == "auto" else device)
    dtype = {"auto": torch.float16 if device.type == "cuda" else torch.float32, "fp32": torch.float32, "fp16": torch.float16, "bf16": torch.bfloat16}[precision]
    options = {}
    if tag:  # a file knows neither its activation nor its colours' mean
        options = {"force_quick_gelu": bool(tag.get("quick_gelu")), "force_preprocess_cfg": {k: tag[k] for k in ("mean", "std") if k in tag}}
    logging.getLogger().setLevel(logging.ERROR)  # open_clip logs to the root logger
    try:
        if source == "random":
            torch.manual_seed(0)
        model = open_clip.create_model(name, pretrained=None if source == "random" else source, require_pretrained=source != "random", device="cpu", **options)
    except Exception as error:  # of hubs, sockets, unpicklers and state dicts alike
        if source == pretrained and tag:
            raise UserError(f"cannot download {name} with weights {pretrained!r} ({_first_line(error)}); check the network, or fetch {_address(tag)} elsewhere and set "
                            "CLIPACTION_CHECKPOINT to the file") from None  # fmt: skip
        raise UserError(f"{source} does not hold weights of {name} ({_first_line(error)}); give the right file, as .safetensors") from None
    model = model.eval().requires_grad_(False).to(device, dtype)
    stat = lambda values: torch.tensor(values, device=device).view(1, 3, 1, 1)  # noqa: E731
    size = model.visual.image_size
    clip = CLIP(
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
    if (tag or pretrained == "package") and not tells_pictures_apart(clip):
        raise UserError(f"{name} with {source} cannot tell a drawn cyclist from a drawn dog walker: these are not its weights; give the right file")
    return clip


def _first_line(error: Exception) -> str:
    lines = str(error).strip().splitlines()
    return lines[0].rstrip(":. ")[:160] if lines else type(error).__name__


def _address(tag: dict) -> str:
    """Where a tag's weights lie, for somebody who must fetch them by hand."""
    hub = tag.get("hf_hub", "").strip("/")
    return f"https://huggingface.co/{hub}/resolve/main/open_clip_model.safetensors" if hub else tag.get("url", "its weights")


def tells_pictures_apart(clip: CLIP) -> bool:
    """Self-check: of two drawings and two prompts, each is nearest to its own. Random weights pass one time in four, wrong ones seldom."""
    from .demo.portrait import portrait

    pictures = torch.stack([torch.from_numpy(portrait(action, clip.size)) for action in ("Biking", "WalkingWithDog")]).permute(0, 3, 1, 2)
    with torch.inference_mode():
        scores = clip.encode_image(pictures) @ clip.encode_text(["a photo of a person riding a bicycle.", "a photo of a person walking a dog."]).T
    return scores.argmax(0).tolist() == scores.argmax(1).tolist() == [0, 1]


def hash_weights(model: nn.Module, name: str) -> str:
    """16 hex digits of the architecture's name and every weight."""
    digest = hashlib.sha256(name.encode())
    for key, value in model.state_dict().items():
        digest.update(key.encode())
        digest.update(value.detach().float().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:16]
