"""What a Python value is, as text: functions and classes by their source, arrays by their content. For digests."""

from __future__ import annotations

import ast
import builtins
import hashlib
import inspect
import pickle
import secrets
import sys
import textwrap
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from pathlib import Path
from types import CodeType, FunctionType, MethodType, ModuleType
from typing import Any

from .graph import version
from .source import bare_dump

PIECE = 2**26  # bytes
PLAIN = (bool, int, float, complex, str, bytes, type(None), Path)


def content(value: Any, package_digest: Callable[[Any], str], seen: dict[int, tuple[str, Any]] | None = None) -> str:
    """All that decides what a value is and what it does when it is called.

    A function from outside the package (a notebook cell, an extension file) is its source, the user's own functions and
    classes that it names, the values that it names, its defaults and what it encloses. package_digest: gives the digest
    of a function or class of the package. Libraries count by their version. What cannot be read is another text every
    time, so that nothing is reused that may be out of date.
    """
    seen = {} if seen is None else seen
    if isinstance(value, PLAIN):
        return repr(value)
    if id(value) in seen:
        return seen[id(value)][0]
    seen[id(value)] = f"the object number {len(seen)}", value  # the object is kept, so that its id stays its own
    if isinstance(value, ModuleType):
        return f"{value.__name__} {version(value.__name__.partition('.')[0])}"
    if isinstance(value, (FunctionType, type)):
        head, held = definition(value, package_digest)
    else:
        head, held = type(value).__qualname__, parts(value)
    return "\n".join([head, *(content(part, package_digest, seen) for part in held), "."])


def definition(value: FunctionType | type, package_digest: Callable[[Any], str]) -> tuple[str, list]:
    """A function or class: what it is, and what else it rests on."""
    enclosed = [cell.cell_contents for cell in getattr(value, "__closure__", None) or ()]
    top = (value.__module__ or "").partition(".")[0]
    if top == (__package__ or "").partition(".")[0]:
        defaults = [] if isinstance(value, type) else [value.__defaults__, value.__kwdefaults__]
        return package_digest(value), [*enclosed, *defaults]
    if version(top) or (top in sys.stdlib_module_names and top != "__main__"):
        return f"{value.__module__}.{value.__qualname__} {version(top)}", enclosed
    return "", list(members(value) if isinstance(value, type) else references(value))


def parts(value: Any) -> list:
    """What an object is made of."""
    own = vars(value) if hasattr(value, "__dict__") else {}
    if "weights_hash" in own:  # a model: its hash stands for its weights
        return [value.weights_hash]
    if isinstance(value, partial):
        return [value.func, value.args, value.keywords]
    if isinstance(value, MethodType):
        return [value.__func__, value.__self__]
    if isinstance(value, dict):
        return [part for item in value.items() for part in item]
    if isinstance(value, (list, tuple, set, frozenset)):
        return sorted(value, key=repr) if isinstance(value, (set, frozenset)) else list(value)
    if hasattr(value, "detach"):  # a tensor, known without importing torch
        value = value.detach().cpu().numpy()
    if hasattr(value, "tobytes"):
        return [str(value.dtype), value.shape, digest_of_bytes(value)]
    if hasattr(value, "state_dict"):  # a network: its weights, and what else it and its parts were made with
        made = [[type(part), {k: v for k, v in vars(part).items() if k[0] != "_"}] for part in value.modules()]
        return [value.state_dict(), *made]
    if is_dataclass(value):
        return [type(value), *(getattr(value, field.name) for field in fields(value))]
    if own and not version(type(value).__module__.partition(".")[0]):  # of the user's own class
        return [type(value), own]
    try:
        return [type(value), hashlib.sha256(pickle.dumps(value)).hexdigest()]
    except Exception:  # objects refuse to be pickled in many ways
        return [secrets.token_hex()]


def digest_of_bytes(array: Any) -> str:
    """SHA-256 of an array's bytes, taken in pieces, because an array on disk may not fit into memory."""
    if not array.ndim:
        return hashlib.sha256(array.tobytes()).hexdigest()
    found, rows = hashlib.sha256(), max(1, PIECE * len(array) // max(1, array.nbytes))
    for i in range(0, len(array), rows):
        found.update(array[i : i + rows].tobytes())
    return found.hexdigest()


def members(cls: type) -> Iterator[Any]:
    """The bases of a class, its methods and its values. The source of a notebook's class cannot be read as a whole."""
    yield from cls.__bases__
    for name, value in vars(cls).items():
        if isinstance(value, property):
            yield from (name, value.fget, value.fset)
            continue
        value = getattr(value, "__func__", value)  # of static methods and class methods
        if isinstance(value, FunctionType) or not name.startswith("__"):
            yield from (name, value)


def references(function: FunctionType) -> Iterator[Any]:
    """The source of a function, its defaults, and what it names outside itself."""
    code, used = function.__code__, set(outer_names(function.__code__))
    enclosed = zip(code.co_freevars, (cell.cell_contents for cell in function.__closure__ or ()))
    space = {name: value for name, value in {**function.__globals__, **dict(enclosed)}.items() if name in used}
    wrapped = getattr(function, "__wrapped__", None)
    try:
        if wrapped is not None:
            raise TypeError("the source is that of the decorated function")
        tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
        yield bare_dump(tree)
    except (OSError, TypeError, SyntaxError):  # no source of its own: its compiled form, and what it encloses
        yield from (wrapped, *(cell.cell_contents for cell in function.__closure__ or ()))
        tree = ast.parse("\n".join(sorted(filter(str.isidentifier, used))))
        yield from compiled(code)
    yield from (function.__defaults__, function.__kwdefaults__)
    nodes = [node for node in ast.walk(tree) if isinstance(node, (ast.Name, ast.Attribute))]
    named = {ast.unparse(node): look_up(node, space) for node in nodes}
    for name in sorted(named):
        if named[name] is not None and not hasattr(builtins, name):
            yield from (name, named[name])


def compiled(code: CodeType) -> Iterator[Any]:
    """The instructions and constants of a code object and of those inside it."""
    yield from (code.co_code, code.co_names)
    for constant in code.co_consts:
        yield from compiled(constant) if isinstance(constant, CodeType) else [constant]


def outer_names(code: CodeType) -> Iterator[str]:
    """The names that a code object, and those inside it, may take from outside."""
    yield from (*code.co_names, *code.co_freevars)
    for constant in code.co_consts:
        if isinstance(constant, CodeType):
            yield from outer_names(constant)


def look_up(node: ast.AST, space: dict[str, Any]) -> Any:
    """The value of a name, or of an attribute of a module; None for anything else."""
    if isinstance(node, ast.Name):
        return space.get(node.id)
    owner = look_up(node.value, space) if isinstance(node, ast.Attribute) else None
    return getattr(owner, node.attr, None) if isinstance(owner, ModuleType) else None  # type: ignore[attr-defined]
