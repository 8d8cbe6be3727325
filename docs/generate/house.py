"""The page with the tree of the house: every folder and file, with the first sentence of its docstring."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import lrensemble
from generate.docstrings import first_sentence
from generate.sources import said_in

ROOT = Path(lrensemble.__path__[0])
"""Folder of the package."""


def house_page() -> str:
    """A list of files within a list of folders."""
    lines = [f"# The house\n\n{_said(ROOT / '__init__.py')} `src/lrensemble/` holds:\n", *_lines(ROOT, 0)]
    return "\n".join(lines) + "\n"


def _lines(folder: Path, depth: int) -> Iterator[str]:
    """Files before folders, each in the order of its name."""
    for path in sorted(folder.iterdir(), key=lambda each: (each.is_dir(), each.name)):
        if path.name in ("__init__.py", "__pycache__") or (path.is_dir() and not any(path.glob("*.*"))):
            continue
        name = f"{path.name}/" if path.is_dir() else path.name
        said = _said(path / "__init__.py" if path.is_dir() else path)
        yield f"{'    ' * depth}* `{name}`{': ' if said else ''}{said}"
        if path.is_dir():
            yield from _lines(path, depth + 1)


def _said(path: Path) -> str:
    if path.suffix != ".py" or not path.exists():
        return ""
    return first_sentence(said_in(path).module)
