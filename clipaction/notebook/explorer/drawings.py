"""A drawn mask becomes a mask shape: from then on it is a condition like any other, shape:<name>:<percent>:..."""

from __future__ import annotations

import base64
import re
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy.ndimage import distance_transform_edt, zoom

from ...base.errors import UserError
from ...base.files import write_text
from ...masking.shapes import SHAPES, Grid, shape

EXTENSION = '''"""A mask that was drawn in the explorer. `extensions` of a profile takes this file."""

from clipaction.notebook.explorer.drawings import add, unpacked

add("{name}", unpacked({size}, "{text}"))
'''


@dataclass(frozen=True)
class Drawn:
    """The field of a drawn mask, `size` pixels wide: the distance to its edge, negative inside. The lowest pixels are
    the drawing itself at its own area; with more of them it grows, with fewer it shrinks."""

    size: int
    text: str

    def __call__(self, grid: Grid) -> np.ndarray:
        bits = unpacked(self.size, self.text)
        field = np.where(bits, 0.5 - distance_transform_edt(bits), distance_transform_edt(~bits) - 0.5)
        if field.shape == grid.size:
            return field
        return zoom(field, np.divide(grid.size, field.shape), order=1, mode="nearest", grid_mode=True)


def packed(bits: np.ndarray) -> str:
    """A mask bool [S, S] as a short text."""
    return base64.b64encode(zlib.compress(np.packbits(bits).tobytes(), 9)).decode()


def unpacked(size: int, text: str) -> np.ndarray:
    """The mask bool [size, size] that `packed` made a text of."""
    bits = np.unpackbits(np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8), count=size * size)
    return bits.reshape(size, size).astype(bool)


def percent_of(bits: np.ndarray) -> float:
    """The area of a mask bool [S, S] in per cent, exact enough to name every number of pixels."""
    return round(100 * float(bits.mean()), 3)


def add(name: str, bits: np.ndarray) -> str:
    """Registers a drawn mask bool [S, S] as a shape; the name of its condition. Raises UserError for an unfit name, a
    name that another shape has, and a mask that is empty or full."""
    if not re.fullmatch(r"[a-z][a-z0-9-]*", name):
        raise UserError(f"a mask cannot be called '{name}'; use small letters, digits and hyphens")
    known = SHAPES.get(name)
    if known is not None and not isinstance(known.field, Drawn):
        raise UserError(f"there is a shape called '{name}' already; choose another name")
    if bits.all() or not bits.any():
        raise UserError("the drawn mask hides everything or nothing; draw over a part of the frame")
    shape(name, colour="brown", marker="x")(Drawn(len(bits), packed(bits)))
    return f"shape:{name}:{percent_of(bits):g}:centre:still"


def save(folder: Path, name: str, bits: np.ndarray) -> Path:
    """A drawn mask as a Python file that registers it, an extension for profiles; the file's path."""
    folder.mkdir(parents=True, exist_ok=True)
    write_text(folder / f"{name}.py", EXTENSION.format(name=name, size=len(bits), text=packed(bits)))
    return folder / f"{name}.py"
