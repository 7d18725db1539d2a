"""Tensors and arrays on disk, and how a damaged file is known: by a digest, or by the checksums of a zip file."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from pathlib import Path

import numpy as np
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


def kept_tensors(path: Path, key: str) -> dict[str, torch.Tensor] | None:
    """The tensors at `path` if they open and carry `key` among their facts, else None."""
    try:
        tensors, facts = read_tensors(path)
    except (OSError, UserError):
        return None
    return tensors if facts.get("key") == key else None


def facts_of(path: Path) -> dict[str, str]:
    """The facts of a file; empty where there is none, or a damaged one."""
    try:
        return read_tensors(path)[1]
    except (OSError, UserError):
        return {}


def save_state(path: Path, state: Mapping[str, object]) -> None:
    """Write what a training goes on from: 32 bytes of SHA-256, and then what torch.save writes."""
    buffer = io.BytesIO()
    torch.save(dict(state), buffer)
    with replacing(path) as temporary:
        temporary.write_bytes(hashlib.sha256(buffer.getvalue()).digest() + buffer.getvalue())


def read_state(path: Path, device: torch.device | str = "cpu") -> dict | None:
    """What `save_state` wrote; None where there is no file, or a damaged one. torch does not look at checksums."""
    try:
        whole = path.read_bytes()
        if hashlib.sha256(whole[32:]).digest() == whole[:32]:
            return torch.load(io.BytesIO(whole[32:]), weights_only=True, map_location=device)
    except OSError:
        pass
    return None


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """The arrays of an .npz file. Raises UserError where a byte has changed, FileNotFoundError where there is none."""
    try:
        with np.load(path, allow_pickle=False) as file:
            return {name: file[name] for name in file.files}
    except FileNotFoundError:
        raise
    except Exception:  # numpy and zipfile raise a dozen kinds for damaged files
        raise damaged(path) from None


def mapped(path: Path) -> np.memmap:
    """An .npy file as a read-only memory map. Raises UserError where it does not open as one, FileNotFoundError where
    there is none. Its values are not read: `files.checked_content` is for them."""
    try:
        return np.load(path, mmap_mode="r", allow_pickle=False)
    except FileNotFoundError:
        raise
    except Exception:  # an EOFError where the file is empty, many kinds where its header is damaged
        raise damaged(path) from None


def content_of(tensors: Mapping[str, torch.Tensor], facts: Mapping[str, str]) -> str:
    return fingerprint([[name, each[name]] for each in (tensors, facts) for name in sorted(each)])


def damaged(path: Path) -> UserError:
    return UserError(f"{path} is damaged; delete it and run again, which makes it anew")
