"""Files with checksums: JSON that holds its own, and arrays mapped from safetensors.

A checksum finds damage (a flipped bit, a cut, a file in the wrong place), not forgery.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import SafetensorError, safe_open

from lrensemble.config import Record, to_record
from lrensemble.config.records import NO_SUCH_KEY, reason_of
from lrensemble.errors import ConfigError, PoolError
from lrensemble.files import (
    BY_A_NEWER,
    FORMAT,
    OLDER,
    allow_many_files,
    if_newer,
    proves_itself,
    read_json,
    sha256,
    storage_errors,
    tensor_errors,
)
from lrensemble.text import from_json

if TYPE_CHECKING:
    import torch

SEAL_KEYS = ("format", "checksum")
"""Keys of a sealed file that do not belong to its record."""

R = TypeVar("R", bound=Record)


def damaged(path: Path, reason: str) -> PoolError:
    """Error for a file whose content has changed since it was written; the message says how to make it again."""
    unit = path.parent if path.parent.parent.name == "members" else path
    return PoolError(f"{path} is damaged: {reason}; remove {unit} and run the command that made it again")


def unseal(kind: type[R], path: Path) -> R:
    """The record in a sealed JSON file.

    Raises:
        StorageError: the file cannot be read or is not JSON.
        PoolError: another format, or a content that does not match its checksum.
    """
    content = read_json(path)
    if not isinstance(content, dict) or "format" not in content:
        raise PoolError(f"{path} is no file of a pool: it has no format")
    if content["format"] not in (FORMAT, *OLDER):
        known = " and ".join(map(str, (*OLDER, FORMAT)))
        what = if_newer(content["format"], FORMAT)
        raise PoolError(f"{path} has format {content['format']!r}; this version of lrensemble reads {known}{what}")
    if not proves_itself(content):
        raise damaged(path, "its checksum is not that of its content")
    try:
        return to_pool_record(kind, {key: value for key, value in content.items() if key not in SEAL_KEYS}, path)
    except PoolError as error:
        if NO_SUCH_KEY not in str(error):
            raise
        raise PoolError(f"{error}; the file is whole: {BY_A_NEWER}") from None


def to_pool_record(kind: type[R], content: object, path: Path) -> R:
    """Check a file's content against a record.

    Raises:
        PoolError: a key or value that is refused.
    """
    try:
        return to_record(kind, content, str(path))
    except ConfigError as error:
        raise PoolError(str(error)) from None


def record_in(kind: type[R], content: Mapping[str, object], path: Path, again: str, *, sealed: bool = True) -> R:
    """The record in the content of a JSON file that is made anew where it is damaged.

    Args:
        kind: of the record.
        content: all of it.
        path: of the file, for messages.
        again: what makes it.
        sealed: whether it must have a checksum; formats of earlier versions had none.

    Raises:
        PoolError: a content that does not match its checksum, that is no such record, or has keys of a newer version.
    """
    if sealed and not proves_itself(content):
        raise PoolError(f"{path} is damaged: its checksum is not that of its content; {again}")
    rest = {key: value for key, value in content.items() if key != "checksum"}
    try:
        return kind.model_validate_json(json.dumps(rest))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        if sealed and first["type"] == "extra_forbidden":
            raise PoolError(f"{path}: {where}: {NO_SUCH_KEY}; the file is whole: {BY_A_NEWER}, or {again}") from None
        raise PoolError(f"{path}: {where}: {reason_of(first)}; {again}") from None


def check_file(path: Path, expected: str) -> None:
    """Refuse a file that is missing or has another SHA-256; it is hashed once while it stays unchanged.

    Raises:
        PoolError: it is missing, damaged or another file.
        StorageError: it cannot be read.
    """
    if not path.is_file():
        raise damaged(path, "it is missing")
    with storage_errors("read", path):
        state = path.stat()
    found = _hash(path, (state.st_ino, state.st_size, state.st_mtime_ns))
    if found != expected:
        raise damaged(path, f"its SHA-256 is {found[:12]}… where {expected[:12]}… was noted")


@lru_cache(maxsize=4096)
def _hash(path: Path, _state: tuple[int, int, int]) -> str:
    return sha256(path)


def map_arrays(path: Path) -> dict[str, NDArray[Any]]:
    """The arrays of a safetensors file, read-only and memory-mapped: nothing is read until it is used.

    The safetensors library checks the file but copies what it reads; so the arrays are placed here, by the header: its
    length as little-endian uint64, then JSON with type, shape and place of each array.

    Raises:
        PoolError: the file is not safetensors, or holds a type that numpy does not know.
        StorageError: it cannot be read.
    """
    with storage_errors("read", path):
        try:
            with safe_open(path, framework="np"):
                pass
        except SafetensorError as error:
            raise damaged(path, f"not safetensors ({error})") from None
        with path.open("rb") as file:
            (length,) = struct.unpack("<Q", file.read(8))
            header = from_json(file.read(length))
        return {name: _map(path, entry, 8 + length) for name, entry in header.items() if name != "__metadata__"}


def load_tensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file, on the CPU.

    Raises:
        PoolError: the file is not safetensors.
        StorageError: it cannot be read.
    """
    import safetensors.torch

    try:
        with tensor_errors(path):
            if is_text(path):
                return safetensors.torch.load_file(path)
            return safetensors.torch.load(path.read_bytes())  # its own reader opens no path that is not UTF-8
    except SafetensorError as error:
        raise damaged(path, f"not safetensors ({error})") from None


def is_text(path: Path) -> bool:
    """Whether a path is UTF-8; on some systems names are bytes of any kind."""
    try:
        str(path).encode()
    except UnicodeEncodeError:
        return False
    return True


def _map(path: Path, entry: Mapping[str, Any], start: int) -> NDArray[Any]:
    if entry["dtype"] not in _TYPES:
        raise PoolError(f"{path} holds numbers of type {entry['dtype']}; allowed are {', '.join(_TYPES)}")
    dtype, shape = np.dtype(_TYPES[entry["dtype"]]), tuple(entry["shape"])
    if 0 in shape:
        return np.empty(shape, dtype)
    allow_many_files()
    return np.asarray(np.memmap(path, dtype, "r", start + entry["data_offsets"][0], shape))


_TYPES = {"F16": "<f2", "F32": "<f4", "F64": "<f8"} | {
    f"{letter}{8 * size}": f"<{letter.lower()}{size}" for letter in "IU" for size in (1, 2, 4, 8)
}
