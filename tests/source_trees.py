"""The files of the library as trees: hundreds, read once for all tests that look at them."""

import ast
from functools import cache
from pathlib import Path


@cache
def tree_of(path: Path) -> ast.Module:
    """The file as a tree, which nobody changes."""
    return ast.parse(path.read_text(encoding="utf-8"))
