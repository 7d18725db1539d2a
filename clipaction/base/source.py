"""A Python file as a table of definitions: what each defines and imports, and its structure without what cannot
matter."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass
class Module:
    """A parsed file: its top-level definitions, what it imports under which name, and statements that define
    nothing."""

    name: str
    definitions: dict[str, list[ast.AST]] = field(default_factory=dict)
    imports: dict[str, tuple[str, str]] = field(default_factory=dict)  # name -> (module, symbol in it or "")
    loose: list[ast.AST] = field(default_factory=list)


def imported(node: ast.AST, package: str) -> Iterator[tuple[str, tuple[str, str]]]:
    """(name, (module, symbol)) of the import statements inside a node; `package` is where relative ones start."""
    for statement in ast.walk(node):
        if isinstance(statement, ast.Import):
            for alias in statement.names:
                yield (
                    alias.asname or alias.name.partition(".")[0],
                    (alias.name if alias.asname else alias.name.partition(".")[0], ""),
                )
        elif isinstance(statement, ast.ImportFrom):
            base = package.split(".")[: len(package.split(".")) - statement.level + 1] if statement.level else []
            module = ".".join([*base, *([statement.module] if statement.module else [])])
            for alias in statement.names:
                yield alias.asname or alias.name, (module, alias.name)


def parse(source: str, name: str, package: str) -> Module:
    """The module table of a source text; `package` is the package that the file belongs to."""
    module = Module(name)
    for node in ast.parse(source).body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            module.imports.update(imported(node, package))
            continue
        module.imports.update(imported(node, package) if not isinstance(node, (ast.FunctionDef, ast.ClassDef)) else ())
        names = list(bound(node))
        for defined in names:
            module.definitions.setdefault(defined, []).append(node)
        if not names and not (isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)):
            module.loose.append(node)
    return module


def bound(node: ast.AST) -> Iterator[str]:
    """The names that a top-level statement defines or changes."""
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        yield node.name
    elif isinstance(node, (ast.Assign, ast.AnnAssign, ast.AugAssign)):
        for target in node.targets if isinstance(node, ast.Assign) else [node.target]:
            for part in target.elts if isinstance(target, (ast.Tuple, ast.List)) else [target]:
                while isinstance(part, (ast.Subscript, ast.Attribute, ast.Starred)):
                    part = part.value
                if isinstance(part, ast.Name):
                    yield part.id
    elif isinstance(node, (ast.If, ast.Try, ast.With, ast.For)):
        for child in ast.iter_child_nodes(node):
            yield from bound(child)


class Bare(ast.NodeTransformer):
    """Takes out what cannot change a result: docstrings and the texts of errors."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        return None if isinstance(node.value, ast.Constant) else self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return ast.Raise(exc=None, cause=None)


def bare_dump(node: ast.AST) -> str:
    """A node's structure as text, without comments, layout, docstrings and the texts of errors. The node is left as
    it is."""
    copy = ast.parse(ast.unparse(node))
    return ast.dump(Bare().visit(copy))
