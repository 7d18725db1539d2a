"""What a method was built with, as a digest: for keys of predictions that a method made."""

from __future__ import annotations

import hashlib
import pickle
import secrets
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from types import FunctionType, MethodType
from typing import Any

import numpy as np
import torch

from ..base.code import code_digest
from ..base.files import digest
from ..vision.clip import CLIP


def fingerprint(value: Any) -> str:
    """A digest of all that a value holds: code, tensors, networks, numbers. Of the model, which is in every key
    already, the hash of its weights.

    A value that cannot be read gives another digest every time, so that nothing is reused that may be out of date.
    """
    if isinstance(value, CLIP):
        return value.weights_hash
    if isinstance(value, torch.Tensor):
        return fingerprint(value.detach().cpu().numpy())
    if isinstance(value, np.ndarray) and not value.dtype.hasobject:
        return digest(str(value.dtype), value.shape, hashlib.sha256(np.ascontiguousarray(value).tobytes()).hexdigest())
    if isinstance(value, (str, int, float, bool, type(None), Path)):
        return repr(value)
    return digest(type(value).__qualname__, [fingerprint(part) for part in parts(value)], code_of(value))


def parts(value: Any) -> list:
    """What a value is made of."""
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, FunctionType):
        cells = [cell.cell_contents for cell in value.__closure__ or ()]
        return [*cells, value.__defaults__, value.__kwdefaults__]
    if isinstance(value, (list, tuple)):
        return list(value)
    if isinstance(value, dict):
        return [part for item in value.items() for part in item]
    if isinstance(value, torch.nn.Module):
        return [value.state_dict()]
    if is_dataclass(value) and not isinstance(value, type):
        return [getattr(value, field.name) for field in fields(value)]
    if callable(value) and hasattr(value, "__dict__") and not isinstance(value, type):
        return [vars(value)]
    if isinstance(value, type):
        return []
    try:
        return [hashlib.sha256(pickle.dumps(value)).hexdigest()]
    except Exception:  # objects refuse to be pickled in many ways
        return [secrets.token_hex()]


def code_of(value: Any) -> str:
    """The code of a function or class, or of the class of an object that can be called."""
    if isinstance(value, (FunctionType, type)):
        return code_digest(value)
    return code_digest(type(value)) if callable(value) and not isinstance(value, (partial, MethodType)) else ""
