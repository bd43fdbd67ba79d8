"""The modules that a module of `functions` loads, read from the source files."""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

from tests.support import ROOT

FUNCTIONS = ROOT / "functions"


@cache
def loaded_by(module: str) -> frozenset[str]:
    """Return the modules of this repository that an import of the module loads, and the module itself."""
    seen: set[str] = set()
    todo = [module]
    while todo:
        name = todo.pop()
        if name not in seen and file_of(name):
            seen.add(name)
            todo += imports_of(name)
    return frozenset(seen)


@cache
def imports_of(module: str) -> frozenset[str]:
    """Return the names that the module's statements import when it is loaded, and its packages."""
    file = file_of(module)
    found = {module.rpartition(".")[0]}
    for node in _executed(ast.parse(file.read_text()) if file else ast.Module([], [])):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return frozenset(found)


def file_of(module: str) -> Path | None:
    """Return the module's file; None if it is a library or a name in a module."""
    path = FUNCTIONS / module.replace(".", "/")
    candidates = [path.with_suffix(".py"), path / "__init__.py"] if module else []
    return next((file for file in candidates if file.exists()), None)


def _executed(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that run at import: all but the bodies of functions."""
    for child in ast.iter_child_nodes(node):
        if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            yield child
            yield from _executed(child)
