"""Refusals of the operating system, as one line that names the path."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from lrensemble.errors import StorageError


@contextmanager
def storage_errors(action: str, path: Path) -> Iterator[None]:
    """Turn what the operating system refuses (no space, no permission, …) into one line that names the path."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StorageError(f"cannot {action} {path}: {reason}") from error
    except ValueError as error:
        if "null byte" not in str(error):  # which no name on a disk can hold
            raise
        raise StorageError(f"cannot {action} {str(path)!r}: {error}") from None


@contextmanager
def tensor_errors(path: Path) -> Iterator[None]:
    """`storage_errors` while tensors are read: torch raises a RuntimeError for what the system refuses."""
    with storage_errors("read", path):
        try:
            yield
        except RuntimeError as error:
            raise StorageError(f"cannot read {path}: {' '.join(str(error).split())}") from error
