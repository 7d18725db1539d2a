"""The package's definitions as a graph: which reaches which, read from the source without importing it."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Iterator
from functools import cache, cached_property
from importlib import metadata
from pathlib import Path

from .files import digest_of
from .source import Module, bare_dump, imported, parse

PACKAGE = Path(__file__).resolve().parents[1]
OPAQUE = (
    "base.alone",
    "base.errors",
    "base.cache",
    "base.code",
    "base.content",
    "base.graph",
    "base.source",
    "base.storage",
    "base.files",
    "base.paths",
    "base.registry",
    "base.tensors",
    "base.words",
    "masking.regions.kept",
    "profiles",
)
DATA_SUFFIXES = (".yaml", ".json", ".html", ".safetensors")

Symbol = tuple[str, str]  # module, and the name of a definition in it; "" for its loose statements


class Code:
    """The definitions of a package's source folder, and what each reaches."""

    def __init__(self, folder: Path = PACKAGE, name: str = "clipaction"):
        self.folder, self.name = folder, name
        # Read at once: the code that runs is the code as it was imported, whatever is edited meanwhile.
        self.texts = {path: path.read_text() for path in sorted(folder.rglob("*.py"))}
        self.modules: dict[str, Module | None] = {}
        self.hashes: dict[Symbol, str] = {}
        self.found: dict[Symbol, tuple[frozenset[Symbol], frozenset[str], frozenset[str]]] = {}

    def module(self, name: str) -> Module | None:
        """The module of that dotted name; None where the package has no such file."""
        if name not in self.modules:
            self.modules[name] = None
            if name == self.name or name.startswith(f"{self.name}."):
                path = self._path(name)
                text = self.texts.get(path) or self.texts.get(path / "__init__.py")
                if text is not None:
                    self.modules[name] = parse(text, name, self._package(name))
        return self.modules[name]

    def locate(self, module: str, symbol: str) -> Symbol | str | None:
        """Where an imported name is defined: a symbol, a module of the package, or None for other libraries."""
        if not symbol:
            return module if self.module(module) else None
        if self.module(f"{module}.{symbol}"):
            return f"{module}.{symbol}"
        home = self.module(module)
        if home is None:
            return None
        if symbol in home.definitions:
            return module, symbol
        return self.locate(*home.imports[symbol]) if symbol in home.imports else None

    def references(
        self, module: Module, nodes: Iterable[ast.AST]
    ) -> tuple[frozenset[Symbol], frozenset[str], frozenset[str]]:
        """What some statements name: symbols of the package, other libraries, and packaged data files."""
        symbols: set[Symbol] = set()
        libraries: set[str] = set()
        files: set[str] = set()
        package = self._package(module.name)
        for node in nodes:
            inside = dict(imported(node, package))
            names, used = module.imports | inside, {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}
            for name in inside.keys() - used:  # imported for its effect
                where = self.locate(*inside[name])
                symbols |= {(where, ""), *self.all_of(where)} if isinstance(where, str) else set()
            for part in ast.walk(node):
                if isinstance(part, ast.Constant) and isinstance(part.value, str):
                    files |= self._data_files(part.value, module)
                if not isinstance(part, ast.Name):
                    continue
                if part.id in names:
                    where = self.locate(*names[part.id])
                    if where is None:
                        libraries.add(names[part.id][0].partition(".")[0])
                    elif isinstance(where, tuple):
                        symbols.add(where)
                    else:
                        symbols |= self._through(where, node, part.id)
                elif part.id in module.definitions:
                    symbols.add((module.name, part.id))
        return frozenset(symbols), frozenset(libraries), frozenset(files)

    def _path(self, name: str) -> Path:
        """The file, or folder, of a module."""
        path = self.folder.joinpath(*name.split(".")[1:])
        return path if path.is_dir() else path.with_suffix(".py")

    def _package(self, name: str) -> str:
        """Where a module's relative imports start."""
        inside = name == self.name or name.startswith(f"{self.name}.")
        return name if inside and self._path(name).is_dir() else name.rpartition(".")[0]

    def _data_files(self, text: str, module: Module) -> set[str]:
        """The packaged files that a string names; '.json' alone (of f"{name}.json") is every one beside the module."""
        if text in DATA_SUFFIXES:
            return {path.name for path in self._path(module.name).parent.glob(f"*{text}")}
        return {text.rpartition("/")[2]} if text.endswith(DATA_SUFFIXES) else set()

    def _through(self, module: str, node: ast.AST, name: str) -> set[Symbol]:
        """The symbols that a statement takes from a module it imported as `name`; all of them where it is used as a
        whole."""
        taken: set[Symbol] = set()
        uses = sum(isinstance(part, ast.Name) and part.id == name for part in ast.walk(node))
        for part in ast.walk(node):
            if isinstance(part, ast.Attribute) and isinstance(part.value, ast.Name) and part.value.id == name:
                uses -= 1
                where = self.locate(module, part.attr)
                taken |= {where} if isinstance(where, tuple) else set(self.all_of(where)) if where else set()
        return taken | (set(self.all_of(module)) if uses else set())

    def all_of(self, module: str) -> list[Symbol]:
        found = self.module(module)
        return [(module, name) for name in found.definitions] if found else []

    def direct(self, symbol: Symbol) -> tuple[frozenset[Symbol], frozenset[str], frozenset[str]]:
        """What one definition names, itself and through the loose statements of its module."""
        if symbol not in self.found:
            module = self.module(symbol[0])
            assert module is not None
            nodes = module.loose if not symbol[1] else module.definitions[symbol[1]]
            self.found[symbol] = self.references(module, nodes)
        return self.found[symbol]

    def reach(self, roots: Iterable[Symbol], everything: bool = False) -> tuple[set[Symbol], set[str], set[str]]:
        """All symbols, libraries and data files that the roots can reach; with `everything`, what registries hold,
        too."""
        todo, seen = list(roots), set()
        libraries: set[str] = set()
        files: set[str] = set()
        while todo:
            symbol = todo.pop()
            if symbol in seen or any(symbol[0].startswith(f"{self.name}.{name}") for name in OPAQUE):
                continue
            seen.add(symbol)
            symbols, other, data = self.direct(symbol)
            libraries |= other
            files |= data
            todo += symbols
            module = self.module(symbol[0])
            if symbol[1] and module is not None and module.loose:
                todo.append((symbol[0], ""))
            if everything:
                todo += self.registered.get(symbol, ())
        return seen, libraries, files

    @cached_property
    def registered(self) -> dict[Symbol, list[Symbol]]:
        """Registry -> the definitions that a decorator or an assignment puts into it, in all modules of the package."""
        found: dict[Symbol, list[Symbol]] = {}
        for path in self.texts:
            parts = path.relative_to(self.folder).with_suffix("").parts
            name = ".".join([self.name, *(parts[:-1] if parts[-1] == "__init__" else parts)])
            module = self.module(name)
            if module is None:
                continue
            for defined, nodes in module.definitions.items():
                for registry in self._registries(module, defined, nodes):
                    found.setdefault(registry, []).append((name, defined))
        return found

    def _registries(self, module: Module, defined: str, nodes: list[ast.AST]) -> set[Symbol]:
        """The registries that a definition is put into; `REGISTRY[name] = ...` also defines an imported REGISTRY."""
        decorators = [part for node in nodes for part in getattr(node, "decorator_list", ())]
        filled = {found for symbol in self.references(module, decorators)[0] for found in self._filled(symbol)}
        where = self.locate(*module.imports[defined]) if defined in module.imports else None
        return filled | ({where} if isinstance(where, tuple) and self._is_registry(where) else set())

    def _filled(self, decorator: Symbol) -> Iterator[Symbol]:
        """The registries that a decorator names, or that another decorator fills whose call it returns."""
        yield from (symbol for symbol in self.direct(decorator)[0] if self._is_registry(symbol))
        module = self.module(decorator[0])
        for node in module.definitions.get(decorator[1], ()) if module else ():
            returned = [part.value for part in ast.walk(node) if isinstance(part, ast.Return)]
            calls = [value.func for value in returned if isinstance(value, ast.Call)]
            for symbol in self.references(module, calls)[0] if module else ():
                yield from self._filled(symbol) if symbol != decorator else ()

    def _is_registry(self, symbol: Symbol) -> bool:
        module = self.module(symbol[0])
        nodes = module.definitions.get(symbol[1], ()) if module else ()
        calls = [getattr(node, "value", None) for node in nodes]
        return any(isinstance(c, ast.Call) and "Registry" in ast.dump(c.func) for c in calls)

    def hash(self, symbol: Symbol) -> str:
        """Of one definition's own source, without what cannot change a result."""
        if symbol not in self.hashes:
            module = self.module(symbol[0])
            assert module is not None
            nodes = module.loose if not symbol[1] else module.definitions[symbol[1]]
            text = "".join(bare_dump(node) for node in nodes)
            self.hashes[symbol] = hashlib.sha256(text.encode()).hexdigest()
        return self.hashes[symbol]

    def lines(self, roots: Iterable[Symbol], everything: bool = False) -> list[str]:
        """What decides a digest: a line a definition, a library and a data file that the roots reach."""
        symbols, libraries, files = self.reach(roots, everything)
        found = [f"{module}:{name} {self.hash((module, name))}" for module, name in sorted(symbols)]
        found += [f"{name} {version(name)}" for name in sorted(libraries)]
        packaged = {path.name: path for path in self.folder.rglob("*") if path.suffix in DATA_SUFFIXES} if files else {}
        return found + [f"{name} {digest_of(packaged[name])}" for name in sorted(files & packaged.keys())]


@cache
def version(library: str) -> str:
    """The installed version of the library with this import name; '' for Python's own."""
    names = distributions().get(library, ())
    return metadata.version(names[0]) if names else ""


@cache
def distributions() -> dict[str, list[str]]:
    return dict(metadata.packages_distributions())
