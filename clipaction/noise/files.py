"""Learned noise on disk: safetensors with the facts that belong to it."""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import load_file, save_file

from ..base.files import replacing


def save_noise(path: Path, delta: torch.Tensor, gate: torch.Tensor | None = None, **facts: object) -> None:
    """Write delta, and the gate that it was trained behind, with its facts (eps, use, seed, key) as text."""
    tensors = {"delta": delta} | ({} if gate is None else {"gate": gate})
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    with replacing(path) as temporary:
        save_file(on_cpu, temporary, metadata={name: str(value) for name, value in facts.items()})


def load_noise(path: Path, what: str = "delta") -> torch.Tensor:
    """A saved noise [C or 1, 3, S, S], or its 'gate' [C, D + 1]; on the CPU."""
    return load_file(path)[what]


def saved_facts(path: Path) -> dict[str, str]:
    """What was written beside a saved noise; empty where there is none that opens."""
    try:
        with safe_open(path, "np") as file:
            return file.metadata() or {}
    except (OSError, SafetensorError):
        return {}
