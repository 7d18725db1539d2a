"""Things that can be added by name: mask shapes, region sources, methods, figures, tables.

A room declares `SHAPES = Registry("mask shape")` and a decorator that fills it. Whoever imports the room, a notebook
cell too, adds an entry with that decorator; everything that offers or checks names asks the registry."""

from __future__ import annotations

import difflib
from typing import TypeVar

from .errors import UserError

T = TypeVar("T")


class Registry(dict[str, T]):
    """Entries by name, in the order in which they were added. An unknown name is a UserError that lists the known ones.

    Adding a name again replaces the entry, so that a notebook cell can be run twice.
    """

    def __init__(self, what: str):
        super().__init__()
        self.what = what

    def __missing__(self, name: str) -> T:
        near = difflib.get_close_matches(name, self, 1)
        hint = f'did you mean "{near[0]}"?' if near else f"choose one of {', '.join(self)}"
        raise UserError(f'unknown {self.what} "{name}"; {hint}')
