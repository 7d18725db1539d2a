"""Finished work is reused when its key is the same. A key covers code, settings and data; a table carries its key, and
checksums by which a damaged one is known and made again.

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
from .errors import UserError, short
from .files import digest, replacing

KEY, SHAPE = b"clipaction_key", b"clipaction_shape"  # in a table's metadata

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
    """The table at `path` if it opens, is as it was written and carries `key`, else None."""
    try:
        if pq.read_schema(path).metadata[KEY] == key.encode():
            return read_table(path)
    except (OSError, KeyError, TypeError, pa.ArrowException, UserError):
        pass
    return None


def read_table(path: Path) -> pd.DataFrame:
    """A table, such as `save_table` writes. Raises UserError where a byte of it has changed, FileNotFoundError where
    there is none."""
    try:
        table = pq.read_table(path, page_checksum_verification=True)
        written = (table.schema.metadata or {}).get(SHAPE)  # None: by another program, such as a reader's own
        if written in (None, shape_of(table)):
            return table.to_pandas()
        what = "its columns are not those that were written"
    except FileNotFoundError:
        raise
    except (OSError, KeyError, TypeError, ValueError, pa.ArrowException) as error:
        what = short(" ".join(str(error).split()))
    raise UserError(f"{path} is damaged ({what}); delete it and run again, which makes it anew")


def shape_of(table: pa.Table) -> bytes:
    """A digest of the rows' number and of the columns' names and types, which page checksums do not cover."""
    about = (table.schema.metadata or {}).get(b"pandas", b"").decode(errors="replace")
    # of a list its elements' type: Parquet calls the elements by another name than Arrow
    types = [str(getattr(column.type, "value_type", column.type)) for column in table.schema]
    return digest(table.num_rows, table.column_names, types, about).encode()


def cached_table(path: Path, key: str, compute: Callable[[], pd.DataFrame]) -> pd.DataFrame:
    """The table at `path` if it opens and carries `key`; else computed and saved there."""
    table = kept_table(path, key)
    if table is None:
        table = compute()
        save_table(path, table, key)
    return table


def save_table(path: Path, table: pd.DataFrame, key: str = "") -> None:
    """Write a Parquet file that carries `key`, and checksums of all that is in it."""
    arrow = pa.Table.from_pandas(table, preserve_index=False)
    facts = {**(arrow.schema.metadata or {}), KEY: key.encode(), SHAPE: shape_of(arrow)}
    with replacing(path) as temporary:
        pq.write_table(arrow.replace_schema_metadata(facts), temporary, write_page_checksum=True)
