"""Ground truth of a rendered clip: what every pixel shows, and the scene without the actor. Lossless and small."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np

from ..base.files import replacing

# numpy reads an array's header with the ast module, which some Python 3.11 releases break when threads use it at once
# ("AST constructor recursion depth mismatch", CPython issue 106905)
ONE_AT_A_TIME = threading.Lock()


def save_truth(path: Path, labels: np.ndarray, plate: np.ndarray, offset: np.ndarray) -> None:
    """Write labels [F, H, W] uint8 (codes of draw.PARTS), the plate [H', W', 3] uint8 and its crops [F, 2] (v, u)."""
    with replacing(path) as temporary, open(temporary, "wb") as file:
        np.savez_compressed(file, labels=labels, plate=plate, offset=offset.astype(np.int16))


def load_truth(path: Path, indices) -> tuple[np.ndarray, np.ndarray]:
    """Label maps [T, H, W] and clean plates [T, H, W, 3], both uint8, of the frames with these indices.

    Raises OSError, ValueError, LookupError or zipfile.BadZipFile for a missing or damaged file.
    """
    with ONE_AT_A_TIME, np.load(path, allow_pickle=False) as file:
        labels, plate, offset = file["labels"], file["plate"], file["offset"]
    h, w = labels.shape[1:]
    plates = [plate[v : v + h, u : u + w] for v, u in offset[list(indices)]]
    return labels[list(indices)], np.stack(plates)
