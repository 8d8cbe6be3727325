"""Whether a folder is a pool, may become one, or is something else of ours."""

from __future__ import annotations

from pathlib import Path

from lrensemble.errors import LREnsembleError, PoolError
from lrensemble.files import read_json, storage_errors

BUNDLES = {"config.json": "lrensemble ensemble", "ensemble.json": "lrensemble language ensemble"}
"""File by which an exported ensemble is known, and the kind that it says."""


def is_pool(folder: Path) -> bool:
    """Whether a pool lies in the folder.

    Raises:
        StorageError: the folder cannot be looked into.
    """
    with storage_errors("read", folder):
        return (folder / "pool.json").exists()


def no_pool(folder: Path) -> PoolError:
    """The error where there is no pool: what is there instead, and what to do."""
    if _is_bundle(folder):
        return PoolError(f"{folder} is an exported ensemble and no pool; lrensemble show {folder} prints what it is")
    if folder.is_file():
        return PoolError(f"no pool at {folder}: it is a file; a pool is a folder that lrensemble tune or collect makes")
    return PoolError(f"no pool at {folder}: it has no pool.json; make one with lrensemble tune or collect")


def check_may_become_pool(folder: Path) -> None:
    """Refuse a folder that is an exported ensemble: it would be both.

    Raises:
        PoolError: it is one.
    """
    if _is_bundle(folder):
        raise PoolError(f"{folder} is an exported ensemble; name another folder for the pool")


def _is_bundle(folder: Path) -> bool:
    return any(_kind(folder / name) == kind for name, kind in BUNDLES.items())


def _kind(path: Path) -> object:
    """The kind that a file of an ensemble says; None where it is none."""
    try:
        content = read_json(path) if path.is_file() else None
    except (LREnsembleError, OSError):
        return None
    return content.get("kind") if isinstance(content, dict) else None
