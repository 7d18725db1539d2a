"""Random numbers that depend on names, never on order: the n-th clip draws the same whoever came before it."""

from __future__ import annotations

import hashlib

import numpy as np


def stable_hash(name: str) -> int:
    """A 64-bit hash of a string that is the same in every process (Python's own is salted)."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "little")


def rng(seed: int, *names: object) -> np.random.Generator:
    """A generator for (seed, names): e.g. rng(0, clip.id, condition)."""
    return np.random.default_rng([seed, *(stable_hash(str(name)) for name in names)])
