"""Paths of what tools left: how they are recognised and read."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lrensemble.errors import AdoptError
from lrensemble.files import storage_errors


def has_suffix(*suffixes: str) -> Callable[[Any], bool]:
    """A test whether something is a path with one of these suffixes."""

    def takes(given: Any) -> bool:
        return isinstance(given, str | os.PathLike) and Path(given).suffix.lower() in suffixes

    return takes


def is_made_by(given: Any, *libraries: str) -> bool:
    """Whether the class of an object, or one that it is derived from, is of one of these libraries."""
    return any(each.__module__.partition(".")[0] in libraries for each in type(given).__mro__)


def is_of_ray(folder: Path) -> bool:
    """Whether a folder is a trial of Ray Tune, whose checkpoints may hold files of any tool."""
    return (folder / "params.json").is_file() and (folder / "result.json").is_file()


def content_of(path: Path) -> bytes:
    """Content of a file.

    Raises:
        AdoptError: there is none.
        StorageError: it cannot be read.
    """
    if not path.is_file():
        raise AdoptError(f"{path} is no file; name the one that the tool wrote")
    with storage_errors("read", path):
        return path.read_bytes()
