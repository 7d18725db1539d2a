"""Whether a file that carries its own digest is whole."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from ..base.cache import read_table
from ..base.errors import UserError
from ..base.files import read_json
from ..base.tensors import read_arrays, read_state, read_tensors

READERS: dict[str, Callable[[Path], Any]] = {  # by suffix; None or a UserError: damaged
    ".parquet": read_table,
    ".safetensors": read_tensors,
    ".npz": read_arrays,
    ".json": read_json,
    ".ipynb": read_json,
    ".checkpoint": read_state,
}


def is_whole(path: Path) -> bool:
    """Whether a file is there and opens as it was written; False where its suffix has no reader."""
    try:
        return path.suffix in READERS and READERS[path.suffix](path) is not None
    except (OSError, UserError):
        return False
