"""Tensors on disk: safetensors with facts in the header, and a digest by which a damaged file is known."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file

from .code import fingerprint
from .errors import UserError
from .files import replacing

CONTENT = "content"  # the digest, among the facts


def save_tensors(path: Path, tensors: Mapping[str, torch.Tensor], **facts: object) -> None:
    """Write tensors and the facts that belong to them, as text."""
    on_cpu = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    texts = {name: str(value) for name, value in facts.items()}
    with replacing(path) as temporary:
        save_file(on_cpu, temporary, metadata=texts | {CONTENT: content_of(on_cpu, texts)})


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """What `save_tensors` wrote, on the CPU. Raises UserError where a byte has changed, FileNotFoundError where there
    is no file."""
    try:
        with safe_open(path, "pt") as file:
            facts, names = file.metadata() or {}, list(file.keys())
            tensors = {name: file.get_tensor(name) for name in names}
    except FileNotFoundError:
        raise
    except (OSError, SafetensorError, RuntimeError, TypeError, ValueError):
        raise damaged(path) from None
    written = facts.pop(CONTENT, None)
    if written not in (None, content_of(tensors, facts)):  # None: by another program
        raise damaged(path)
    return tensors, facts


def facts_of(path: Path) -> dict[str, str]:
    """The facts of a file; empty where there is none, or a damaged one."""
    try:
        return read_tensors(path)[1]
    except (OSError, UserError):
        return {}


def content_of(tensors: Mapping[str, torch.Tensor], facts: Mapping[str, str]) -> str:
    return fingerprint([[name, each[name]] for each in (tensors, facts) for name in sorted(each)])


def damaged(path: Path) -> UserError:
    return UserError(f"{path} is damaged; delete it and run again, which makes it anew")
