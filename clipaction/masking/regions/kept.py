"""What motion finds, kept in a file beside the frames: the next notebook finds it there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from ...base.cache import Step
from ...base.errors import UserError
from ...base.files import replacing
from ...base.tensors import read_arrays
from .motion import FOUND, LOCK, motion

MOVES = Step("what moves", motion)


@contextmanager
def kept_in(folder: Path) -> Iterator[None]:
    """What motion finds inside the block is kept in the folder of a frame store, with all that it found before.
    Nothing is kept where there is no such folder, as for frames in memory. Raises StorageError as `replacing` does."""
    path = folder / f"motion-{MOVES.key()}.npz"
    with LOCK:
        FOUND.update(read(path))
        before = len(FOUND)
    yield
    if len(FOUND) > before and folder.is_dir():
        with LOCK, replacing(path) as temporary:
            masks: dict[str, Any] = {key.hex(): np.frombuffer(packed, np.uint8) for key, packed in FOUND.items()}
            np.savez(temporary, **masks)


@cache
def read(path: Path) -> dict[bytes, bytes]:
    """What `kept_in` wrote; nothing where there is no file, or a damaged one, which is removed: where nothing new is
    found, none is written in its place. Read once a process."""
    try:
        return {bytes.fromhex(name): packed.tobytes() for name, packed in read_arrays(path).items()}
    except FileNotFoundError:
        return {}
    except (ValueError, TypeError, UserError):
        with suppress(OSError):
            path.unlink()
        return {}
