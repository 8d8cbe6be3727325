"""The name of a pool in a study of Optuna that lies elsewhere, and may serve several pools."""

from __future__ import annotations

import platform
import secrets
from pathlib import Path

from lrensemble.files import read_json, to_json, write_new

FILE = "search.json"
"""File in the folder of a pool that holds its name in studies."""


def names_of(folder: Path, storage: str | None) -> tuple[str, ...]:
    """Names by which trials say that they are of a pool; new ones get the first.

    It is the same on all machines that share the pool, wherever they have its folder. A study in the pool moves with
    it, and has no other.

    Args:
        folder: of the pool.
        storage: of the study; None where it lies in the pool.

    Raises:
        StorageError: the name cannot be written, or is damaged.
    """
    if storage is None:
        return ("this",)
    path = folder / FILE
    if not path.exists():
        write_new(path, to_json({"name": secrets.token_hex(8)}).encode())  # another process may be the first
    content = read_json(path)
    name = str(content["name"]) if isinstance(content, dict) and "name" in content else folder.name
    return name, f"{platform.node()}:{folder.resolve()}"  # the second as earlier versions had it
