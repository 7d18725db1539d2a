"""Finished work is reused when its key is the same. A key covers code, settings and data; a table carries its key.

    NOISE = Step("noise", train)                   # the functions that compute it, with all code that they reach
    key = NOISE.key(weights, settings, clips)      # everything else that decides the result
    table = cached_table(path, key, compute)

Functions that are chosen by name, such as a mask shape, are given to `key` as `also`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from .code import code_digest, fingerprint
from .files import digest, replacing

STEPS: dict[str, Step] = {}  # every kind of cached work, by name


class Step:
    """A kind of cached work and the functions that compute it, with all code that they reach."""

    def __init__(self, name: str, *functions: Callable):
        self.name, self.functions = name, functions
        STEPS[name] = self

    @cached_property
    def code(self) -> str:
        """64 hex digits of the code of this step."""
        return code_digest(*self.functions)

    def key(self, *parts: object, also: Iterable[Callable] = ()) -> str:
        """16 hex digits of the step's code, of the functions `also` that were chosen by name, and of all values in
        `parts`."""
        return digest(self.code, [fingerprint(function) for function in also], *parts)[:16]


def kept_table(path: Path, key: str) -> pd.DataFrame | None:
    """The table at `path` if it opens and carries `key`, else None."""
    try:
        if pq.read_schema(path).metadata[b"clipaction_key"] == key.encode():
            return pd.read_parquet(path)
    except (OSError, KeyError, TypeError, pa.ArrowInvalid):
        pass
    return None


def cached_table(path: Path, key: str, compute: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """The table at `path` if it opens and carries `key`; else computed and saved there."""
    table = kept_table(path, key)
    if table is None:
        table = compute()
        save_table(path, table, key)
    return table


def save_table(path: Path, table: pd.DataFrame, key: str = "") -> None:
    """Write a Parquet file that carries `key`."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    facts = {**(arrow.schema.metadata or {}), b"clipaction_key": key.encode()}
    with replacing(path) as temporary:
        pq.write_table(arrow.replace_schema_metadata(facts), temporary)
