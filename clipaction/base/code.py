"""Which code a result depends on, found from the source itself: change a line that a step can reach, and its key
changes.

    code_digest(function, ...)    a digest of these functions and of every definition of the package that they can reach

The package's files are parsed, not imported. A definition (function, class, constant) reaches those that its source
names, in its own module or through imports; methods are found through the classes named in annotations. Comments,
docstrings, layout and the texts of raised errors do not count. Other libraries count by their version.

What is chosen by name at run time (a mask shape, a protocol) is not reached through its registry: whoever chooses it
passes the chosen function as well. So one more shape repeats nothing. `everything=True` follows registries, for whole
notebooks.

Not followed: graph.OPAQUE, modules that decide whether something is computed and never what.
"""

from __future__ import annotations

import ast
import builtins
import hashlib
import inspect
import textwrap
from collections.abc import Callable, Iterable
from functools import cache, partial
from types import ModuleType

from .graph import Code, version
from .source import bare_dump, parse


@cache
def code() -> Code:
    """The package that is running."""
    return Code()


def code_digest(*functions: Callable, everything: bool = False) -> str:
    """64 hex digits of all code that some functions (or classes) reach, also such as a notebook cell defines."""
    roots, foreign = [], []
    for function in functions:
        while isinstance(function, partial):
            function = function.func
        module, name = getattr(function, "__module__", ""), getattr(function, "__qualname__", "").partition(".")[0]
        home = code().module(module) if module else None
        if home is not None and name in home.definitions:
            roots.append((module, name))
        else:
            foreign.append(foreign_text(function, set()))
    lines = code().lines(roots, everything)
    return hashlib.sha256("\n".join([*lines, *foreign]).encode()).hexdigest()


def notebook_digest(cells: Iterable[str]) -> str:
    """64 hex digits of all package code that a notebook's code cells reach, with everything in the registries they
    use."""
    module = parse("\n".join(cells), "notebook", "notebook")
    nodes = [*module.loose, *(node for nodes in module.definitions.values() for node in nodes)]
    symbols, libraries, _ = code().references(module, nodes)
    outside = [symbol for symbol in symbols if symbol[0] != module.name]  # the notebook's own names are among its nodes
    lines = [*code().lines(outside, everything=True), *(f"{name} {version(name)}" for name in sorted(libraries))]
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def foreign_text(function: object, seen: set[int]) -> str:
    """The source of a function from outside the package, with that of the functions and the plain values it names."""
    seen.add(id(function))
    try:
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))  # type: ignore[arg-type]
    except (OSError, TypeError, SyntaxError, IndentationError):
        body = getattr(function, "__code__", None)
        return repr((body.co_code, body.co_consts)) if body else repr(type(function))
    space, texts = getattr(function, "__globals__", {}), [bare_dump(tree)]
    for name in sorted({part.id for part in ast.walk(tree) if isinstance(part, ast.Name)}):
        value = space.get(name)
        if value is None or id(value) in seen or hasattr(builtins, name) or isinstance(value, ModuleType):
            continue
        module = getattr(value, "__module__", None) or ""
        if module.startswith("clipaction."):
            texts.append(code_digest(value) if callable(value) else "")
        elif callable(value) and module == getattr(function, "__module__", None):
            texts.append(foreign_text(value, seen))
        elif isinstance(value, (bool, int, float, str, tuple, list, dict)):
            texts.append(f"{name}={value!r}")
    return "\n".join(texts)
