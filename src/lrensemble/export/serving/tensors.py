"""Tensors of the open inference protocol: in JSON, or as raw bytes behind it (Triton's binary tensor extension)."""

from __future__ import annotations

import base64
import binascii
import itertools
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.export.serving.refused import RefusedError

DTYPES = {"UINT8": "<u1", "INT64": "<i8", "FP32": "<f4", "FP64": "<f8"}
"""Types of numbers of the ensembles' inputs and outputs, as they lie in memory; strings are `BYTES`."""

LENGTH_BYTES = 4
"""Size of the length before each element of `BYTES`."""


def datatype_of(array: NDArray[Any]) -> str:
    """Name of an array's type in the protocol."""
    if array.dtype.kind == "U":
        return "BYTES"
    return next(name for name, kind in DTYPES.items() if np.dtype(kind) == array.dtype)


def from_json(data: Sequence[Any], datatype: str, shape: Sequence[int], name: str) -> NDArray[Any]:
    """A tensor from the values of its `data`: row-major, flat or nested as its shape.

    Args:
        data: the values.
        datatype: one of `DTYPES`.
        shape: shape that it has.
        name: name of the input, for messages.

    Raises:
        RefusedError: as many values as the shape does not have, or others than its type has.
    """
    flat = _flat(data, shape, name)
    dtype = np.dtype(DTYPES[datatype])
    allowed: set[type] = {int, float} if dtype.kind == "f" else {int}
    if wrong := set(map(type, flat)) - allowed:
        found = sorted(_JSON_NAMES.get(each, "null") for each in wrong)[0]
        raise RefusedError(f"data of input {name!r} holds {found}; {datatype} takes {_taken(dtype)}")
    try:
        wide = np.array(flat, dtype=np.float64 if dtype.kind == "f" else dtype)
    except OverflowError:
        raise RefusedError(f"data of input {name!r} holds a value that {datatype} has not: {_taken(dtype)}") from None
    with np.errstate(over="ignore"):  # what becomes infinite is refused as such
        return wide.astype(dtype).reshape(shape)


_JSON_NAMES = {
    bool: "true or false",
    dict: "an object",
    float: "a number with a decimal point",
    list: "a list deeper than its shape",
    str: "a string",
}


def _taken(dtype: np.dtype[Any]) -> str:
    if dtype.kind == "f":
        return "numbers that are finite"
    least = np.iinfo(dtype)
    return f"whole numbers from {least.min} to {least.max}"


def _flat(data: Sequence[Any], shape: Sequence[int], name: str) -> Sequence[Any]:
    """The values, laid flat.

    Raises:
        RefusedError: not as many as the shape has.
    """
    axes = list(shape)
    if len(shape) > 1 and data and isinstance(data[0], list):
        if len(data) != shape[0]:
            raise RefusedError(f"data of input {name!r} holds {len(data):,} rows, and its shape {axes} {shape[0]:,}")
        for length in shape[1:]:
            if any(not isinstance(each, list) or len(each) != length for each in data):
                raise RefusedError(f"data of input {name!r} is not nested as its shape {axes}")
            data = list(itertools.chain.from_iterable(data))
    if len(data) != math.prod(shape):
        raise RefusedError(
            f"data of input {name!r} holds {len(data):,} values, and its shape {axes} {math.prod(shape):,}"
        )
    return data


def from_bytes(content: memoryview, datatype: str, shape: Sequence[int], name: str) -> NDArray[Any]:
    """A tensor from its bytes: row-major, little-endian.

    Raises:
        RefusedError: not as many bytes as the shape has.
    """
    dtype = np.dtype(DTYPES[datatype])
    if len(content) != math.prod(shape) * dtype.itemsize:
        raise RefusedError(
            f"binary_data_size of input {name!r} is {len(content):,} bytes, and {datatype} of shape {list(shape)} "
            f"{math.prod(shape) * dtype.itemsize:,}"
        )
    return np.frombuffer(content, dtype=dtype).reshape(shape)


def words_from_json(data: Sequence[Any], shape: Sequence[int], name: str) -> list[bytes]:
    """The elements of a tensor of `BYTES` from its `data`: base64 (RFC 4648), since JSON has no bytes.

    Raises:
        RefusedError: not as many as the shape has, or one that is no base64.
    """
    words = list[bytes]()
    for place, each in enumerate(_flat(data, shape, name)):
        try:
            words.append(base64.b64decode(each, validate=True))
        except (TypeError, ValueError, binascii.Error):
            raise RefusedError(f"element {place} of input {name!r} is no base64; encode the bytes as such") from None
    return words


def words_from_bytes(content: memoryview, shape: Sequence[int], name: str) -> list[bytes]:
    """The elements of a tensor of `BYTES` from its bytes: each behind its length in four bytes, little-endian.

    Raises:
        RefusedError: not as many as the shape has, or one that is cut off.
    """
    words, place, count = list[bytes](), 0, math.prod(shape)
    while place < len(content) and len(words) <= count:
        length = int.from_bytes(content[place : place + LENGTH_BYTES], "little")
        start, place = place + LENGTH_BYTES, place + LENGTH_BYTES + length
        if place > len(content):
            raise RefusedError(
                f"element {len(words)} of input {name!r} is {length:,} bytes and its length in four more, and "
                f"{len(content) - start + LENGTH_BYTES:,} bytes are left"
            )
        words.append(bytes(content[start:place]))
    if len(words) != count:
        found = f"{len(words):,}" if len(words) < count else "more"
        raise RefusedError(f"{found} elements follow for input {name!r}, and its shape {list(shape)} has {count:,}")
    return words


def to_bytes(array: NDArray[Any]) -> bytes:
    """Bytes of a tensor: row-major, little-endian; strings each behind its length in four bytes."""
    if array.dtype.kind != "U":
        return array.astype(array.dtype.newbyteorder("<")).tobytes()
    words = [str(each).encode() for each in array.ravel().tolist()]
    return b"".join(len(each).to_bytes(LENGTH_BYTES, "little") + each for each in words)
