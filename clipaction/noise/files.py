"""Learned noise on disk, with the gate that it was trained behind and the facts that belong to it."""

from __future__ import annotations

from pathlib import Path

import torch

from ..base.tensors import facts_of, read_tensors, save_tensors


def save_noise(path: Path, delta: torch.Tensor, gate: torch.Tensor | None = None, **facts: object) -> None:
    """Write delta, and the gate that it was trained behind, with its facts (eps, use, seed, key) as text."""
    save_tensors(path, {"delta": delta} | ({} if gate is None else {"gate": gate}), **facts)


def load_noise(path: Path, what: str = "delta") -> torch.Tensor:
    """A saved noise [C or 1, 3, S, S], or its 'gate' [C, D + 1]; on the CPU. UserError where the file is damaged."""
    return read_tensors(path)[0][what]


def saved_facts(path: Path) -> dict[str, str]:
    """What was written beside a saved noise; empty where there is none, or a damaged one."""
    return facts_of(path)
