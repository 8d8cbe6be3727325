"""Paths of what tools left: how they are recognised and read."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from contextlib import closing
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


def begins_with(given: Any, *heads: bytes | re.Pattern[bytes]) -> bool:
    """Whether something is the path of a file that begins so, by its first 64 bytes."""
    if not isinstance(given, str | os.PathLike) or not Path(given).is_file():
        return False
    try:
        with Path(given).open("rb") as file:
            first = file.read(64)
    except OSError:
        return False
    return any(first.startswith(head) if isinstance(head, bytes) else bool(head.match(first)) for head in heads)


def require_database(url: str) -> None:
    """Refuse a database in a file that is not there: opening it would make an empty one.

    Raises:
        AdoptError: there is no such file.
    """
    path = _file_of(url)
    if path is not None and not path.is_file():
        raise AdoptError(f"{url} names no database: there is no file {path}; give sqlite:///FOLDER/FILE.db")


def copy_of_database(url: str, folder: Path) -> str:
    """URL of a copy of a database in a file; of any other the URL itself.

    Args:
        url: of the database, which is read as it stands, whoever writes to it meanwhile.
        folder: where the copy goes.

    Raises:
        AdoptError: it cannot be read, or is none.
    """
    path, copy = _file_of(url), folder / "copy.db"
    if path is None:
        return url
    import sqlite3  # a part that some builds of Python do without

    try:
        with (
            closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as source,
            closing(sqlite3.connect(copy)) as target,
        ):
            source.backup(target)
    except sqlite3.Error as error:
        raise AdoptError(f"{url} cannot be read: {error}; give sqlite:///FOLDER/FILE.db") from None
    return f"sqlite:///{copy}"


def _file_of(url: str) -> Path | None:
    """File of a database of SQLite; None of any other."""
    head, begin, rest = url.partition(":///")
    return Path(rest.partition("?")[0]) if begin and rest and head.split("+")[0] == "sqlite" else None
