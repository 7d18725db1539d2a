"""A frozen CLIP: images in [0, 1] to unit embeddings, sentences to unit embeddings, class phrases to a zero-shot head.

Masks and noise work on images in [0, 1] *before* normalisation, where black is 0. Only `CLIP.encode_image` normalises,
with the model's own mean and standard deviation.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from tqdm.auto import tqdm

EMBEDDED = Counter(frames=0, learned=0)  # images that this process has embedded, and how many of them with gradients
COUNTING = Lock()
TEMPLATES = ("a photo of a person {}.", "a video frame of a person {}.", "an image of someone {}.", "a person {}.")


@dataclass
class CLIP:
    """A frozen CLIP in evaluation mode.

    model: any open_clip model (it has `encode_image`, `encode_text`, `visual`). tokenizer: sentences -> token ids [N,
    L]. size: side of the square input, pixels. mean, std: [1, 3, 1, 1]. tau: softmax temperature, p = softmax(cosine /
    tau). weights_hash: identifies architecture and weights in cache keys.
    """

    model: Any
    tokenizer: Callable[[list[str]], torch.Tensor]
    name: str
    size: int
    mean: torch.Tensor
    std: torch.Tensor
    tau: float
    weights_hash: str
    device: torch.device
    dtype: torch.dtype
    remembered: dict[bytes, torch.Tensor] | None = field(default=None, repr=False, compare=False)

    def encode_image(self, images: torch.Tensor) -> torch.Tensor:
        """Unit embeddings [B, D] float32 of images [B, 3, size, size] in [0, 1]; differentiable in the images. Inside
        `remembering`, those of images that were embedded before are looked up."""
        if self.remembered is None or torch.is_grad_enabled() or images.device.type != "cpu":
            return self._encode(images)
        pixels = images.permute(0, 2, 3, 1).contiguous()  # no copy of images in channels-last memory
        key = hashlib.sha256(pixels.numpy().data).digest()  # in hardware
        if key not in self.remembered:
            self.remembered[key] = self._encode(images)
        return self.remembered[key]

    @property
    def identity(self) -> tuple[str, str, str]:
        """What of a model decides its answers: weights, precision, kind of device. For cache keys."""
        return self.weights_hash, str(self.dtype), self.device.type

    @contextmanager
    def remembering(self) -> Iterator[None]:
        """Several methods that look at the same images embed them once: on a CPU, embeddings are kept by the images'
        content until the block ends."""
        before, self.remembered = self.remembered, {}
        try:
            yield
        finally:
            self.remembered = before

    def _encode(self, images: torch.Tensor) -> torch.Tensor:
        x = self.normalise(images.to(self.device, torch.float32)).to(self.dtype)
        with COUNTING:
            EMBEDDED.update(frames=len(x), learned=len(x) * images.requires_grad)
        return F.normalize(self.model.encode_image(x).float(), dim=-1)

    def normalise(self, images: torch.Tensor) -> torch.Tensor:
        """(images - mean) / std in channels-last memory, a row of pixels at a time: by pixel, three numbers at a time,
        it costs four times as much."""
        rows = images.contiguous(memory_format=torch.channels_last).permute(0, 2, 3, 1).flatten(2)
        mean, std = (value.flatten().repeat(images.shape[-1]) for value in (self.mean, self.std))
        return ((rows - mean) / std).unflatten(2, (-1, 3)).permute(0, 3, 1, 2)

    @torch.inference_mode()
    def encode_text(self, texts: list[str]) -> torch.Tensor:
        """Unit embeddings [N, D] float32 of sentences."""
        tokens = self.tokenizer(texts).to(self.device)
        return F.normalize(self.model.encode_text(tokens).float(), dim=-1)

    @torch.inference_mode()
    def encode_frames(
        self, frames: np.ndarray | torch.Tensor, batch: int = 64, progress: str | None = None
    ) -> torch.Tensor:
        """Unit embeddings [N, D] of uint8 frames [N, size, size, 3], `batch` at a time."""
        starts = range(0, len(frames), batch)
        bar = tqdm(starts, desc=progress, unit="batch", disable=progress is None, leave=False)
        return torch.cat([self.encode_image(to_input(frames[i : i + batch], self.device)) for i in bar])

    def head(self, phrases: Sequence[str], templates: Sequence[str] = TEMPLATES) -> torch.Tensor:
        """Zero-shot class prototypes [C, D]: each phrase in every template, embedded, averaged, renormalised.

        Source: Radford et al. 2021, arXiv:2103.00020, section 3.1.4.
        """
        texts = [template.format(phrase) for phrase in phrases for template in templates]
        embedded = self.encode_text(texts).view(len(phrases), len(templates), -1)
        # the clone is an ordinary tensor: autograd refuses tensors made in inference mode
        return F.normalize(embedded.mean(1), dim=-1).clone()


def to_input(frames: np.ndarray | torch.Tensor, device: torch.device | None = None) -> torch.Tensor:
    """uint8 frames [B, H, W, 3] to float32 [B, 3, H, W] in [0, 1], in channels-last memory, on a device (where they
    are when None). Bytes travel: they are a quarter of the floats."""
    return on_device(frames, device).permute(0, 3, 1, 2).float().div_(255)


def clips_to_input(frames: np.ndarray | torch.Tensor, device: torch.device | None = None) -> torch.Tensor:
    """`to_input` for uint8 clips [N, T, S, S, 3]: float32 [N, T, 3, S, S] in [0, 1]."""
    return to_input(frames.reshape(-1, *frames.shape[2:]), device).unflatten(0, frames.shape[:2])


def on_device(values: np.ndarray | torch.Tensor, device: torch.device | None) -> torch.Tensor:
    """The same numbers on a device (where they are when None). Those that go to a GPU pass through pinned memory, so
    that the host goes on while they are copied."""
    tensor = torch.from_numpy(np.ascontiguousarray(values)) if isinstance(values, np.ndarray) else values
    if device is not None and device.type == "cuda" and tensor.device.type == "cpu":
        return tensor.pin_memory().to(device, non_blocking=True)
    return tensor.to(device)
