"""JSON for files that people open."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from lrensemble.errors import StorageError
from lrensemble.files.refused import storage_errors
from lrensemble.text import LARGEST_JSON, TextError, from_json, read_bounded


def to_json(record: object) -> str:
    """JSON for a file that people open: indented, keys in the order given, NaN refused."""
    return json.dumps(record, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def read_json(path: Path) -> object:
    """The content of a JSON file.

    Raises:
        StorageError: the file is missing, cannot be read, or is not JSON.
    """
    try:
        with storage_errors("read", path):
            content = read_bounded(path, LARGEST_JSON)
        found: object = from_json(content)
    except TextError as error:
        raise StorageError(f"{path} is damaged: {error}") from None
    return found


def sha256(path: Path) -> str:
    """The SHA-256 of a file's content, in hexadecimal."""
    with storage_errors("read", path), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
