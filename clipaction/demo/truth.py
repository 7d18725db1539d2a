"""Ground truth of a rendered clip: what every pixel shows and how the scene looks without the actor, lossless and small."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np


def save_truth(path: Path, labels: np.ndarray, plate: np.ndarray, offset: np.ndarray) -> None:
    """Write label maps [F, H, W] uint8 (codes of draw.PARTS), the plate's canvas [H', W', 3] uint8 and its crops [F, 2] int16 (v, u)."""
    aside = path.with_suffix(".tmp")
    with open(aside, "wb") as file:
        np.savez_compressed(file, labels=labels, plate=plate, offset=offset.astype(np.int16))
    os.replace(aside, path)


def load_truth(path: Path, indices) -> tuple[np.ndarray, np.ndarray]:
    """Label maps [T, H, W] and clean plates [T, H, W, 3], both uint8, of the frames with these indices."""
    with np.load(path, allow_pickle=False) as file:
        labels, plate, offset = file["labels"], file["plate"], file["offset"]
    h, w = labels.shape[1:]
    plates = [plate[v : v + h, u : u + w] for v, u in offset[list(indices)]]
    return labels[list(indices)], np.stack(plates)
