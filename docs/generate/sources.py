"""What the source says of itself, each file read once: its docstrings, and the text under the fields of its classes."""

from __future__ import annotations

import ast
import inspect
import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple


class Said(NamedTuple):
    """What one file says."""

    module: str
    """Docstring of the file, empty where it has none."""
    functions: tuple[str, ...]
    """Docstrings of its functions."""
    fields: dict[str, dict[str, str]]
    """What stands under each field, by the name of its class as `__qualname__` has it."""


@cache
def said_in(path: Path) -> Said:
    """Docstrings of a file of Python."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    functions = (ast.get_docstring(node) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef))
    fields = {name: _fields(node) for name, node in _classes(tree, "")}
    return Said(ast.get_docstring(tree) or "", tuple(filter(None, functions)), fields)


def _classes(node: ast.Module | ast.ClassDef, before: str) -> Iterator[tuple[str, ast.ClassDef]]:
    for inner in node.body:
        if isinstance(inner, ast.ClassDef):
            yield f"{before}{inner.name}", inner
            yield from _classes(inner, f"{before}{inner.name}.")


def _fields(node: ast.ClassDef) -> dict[str, str]:
    found = {}
    for field, under in itertools.pairwise(node.body):
        said = under.value.value if isinstance(under, ast.Expr) and isinstance(under.value, ast.Constant) else None
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name) and isinstance(said, str):
            found[field.target.id] = inspect.cleandoc(said)
    return found
