"""Which code a result depends on, found from the source itself: change a line that a step can reach, and its key
changes.

    code_digest(function, ...)    a digest of these functions and of every definition of the package that they can reach
    fingerprint(value)            a digest of a value: of a method with all that it was built with

The package's files are parsed, not imported. A definition (function, class, constant) reaches those that its source
names, in its own module or through imports; methods are found through the classes named in annotations. Comments,
docstrings, layout and the texts of raised errors do not count. Other libraries count by their version.

What is chosen by name at run time (a mask shape, a protocol) is not reached through its registry: whoever chooses it
passes the chosen function as well. So one more shape repeats nothing. `everything=True` follows registries, for whole
notebooks.

Not followed: graph.OPAQUE, modules that decide whether something is computed and never what.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from functools import cache, partial
from threading import RLock
from typing import Any

from .content import content
from .graph import Code, Symbol, version
from .source import parse

LOCK = RLock()  # what is found in the sources is noted while it is looked for; several threads make keys


@cache
def code() -> Code:
    """The package that is running."""
    return Code()


code()  # reads the sources now, when they are imported


def symbol_of(function: Callable) -> Symbol | None:
    """The definition of the package that a function (a method, a class) is or belongs to; None for one from outside."""
    module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "").partition(".")[0]
    home = code().module(module) if module else None
    return (module, name) if home is not None and name in home.definitions else None


def code_digest(*functions: Callable, everything: bool = False) -> str:
    """64 hex digits of all code that some functions (or classes) reach, also such as a notebook cell defines."""
    roots, foreign = [], []
    with LOCK:
        for function in functions:
            while isinstance(function, partial):
                function = function.func
            symbol = symbol_of(function)
            if symbol is None:
                foreign.append(content(function, code_digest))
            else:
                roots.append(symbol)
        lines = code().lines(roots, everything)
    return hashlib.sha256("\n".join([*lines, *foreign]).encode()).hexdigest()


def fingerprint(value: Any) -> str:
    """64 hex digits of all that a value holds: of a method, for example, its code, tensors, networks and numbers."""
    return hashlib.sha256(content(value, code_digest).encode()).hexdigest()


def notebook_digest(cells: Iterable[str]) -> str:
    """64 hex digits of all package code that a notebook's code cells reach, with everything in the registries they
    use."""
    symbols, libraries = notebook_symbols(cells)
    lines = [*code().lines(symbols, everything=True), *(f"{name} {version(name)}" for name in sorted(libraries))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def notebook_symbols(cells: Iterable[str]) -> tuple[set[Symbol], frozenset[str]]:
    """The definitions of the package, and the libraries, that code cells name."""
    module = parse("\n".join(cells), "notebook", "notebook")
    nodes = [*module.loose, *(node for nodes in module.definitions.values() for node in nodes)]
    symbols, libraries, _ = code().references(module, nodes)
    return {symbol for symbol in symbols if symbol[0] != module.name}, libraries  # its own names are among its nodes
