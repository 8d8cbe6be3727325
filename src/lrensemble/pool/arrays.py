"""Named arrays from files that other programs wrote: `.npz`, `.npy` and `.safetensors`, never pickle."""

from __future__ import annotations

from collections.abc import Container, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PoolError, PredictionsError, StorageError
from lrensemble.files import allow_many_files, is_mapped, release, scratch_array, scratch_file, storage_errors
from lrensemble.numpy_files import array_entries, read_arrays
from lrensemble.pool.sealed import map_arrays

SUFFIXES = (".npz", ".npy", ".safetensors")

Arrays = dict[str, NDArray[Any]]

TURNED_AT_ONCE = 2**26
"""Bytes of an array that are turned together: long enough pieces of the longest axis on both sides."""


def load(path: Path, wanted: Container[str]) -> Arrays:
    """Arrays of a file by name, limited to those wanted; the array of a `.npy` file is named after the file.

    Large arrays stay in the file, mapped; those that are compressed, or lie column by column, in a temporary one.

    Raises:
        PredictionsError: another kind of file, a damaged one, or one that holds pickled objects.
        StorageError: it cannot be read.
    """
    if path.suffix.lower() not in SUFFIXES:
        raise PredictionsError(f"{path} is no file of predictions; give {', '.join(SUFFIXES)}, or a folder of them")
    if path.suffix.lower() == ".safetensors":
        try:
            return {name: array for name, array in map_arrays(path).items() if name in wanted}
        except PoolError as error:
            raise PredictionsError(str(error)) from None
    with storage_errors("read", path):
        try:
            return _load_numpy(path, wanted)
        except OSError:
            raise
        except (
            Exception
        ) as error:  # damaged files make numpy and zipfile raise almost anything: TokenError, MemoryError
            raise PredictionsError(f"{path} cannot be read: {_reason(error)}") from None


def entries(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the arrays of a `.npz` or `.npy` file, and of what there is of Python objects, without reading them.

    Raises:
        PredictionsError: it is damaged.
        StorageError: it cannot be read.
    """
    if path.suffix.lower() != ".npz":
        return (path.stem,), ()
    with storage_errors("read", path):
        try:
            return array_entries(path)
        except OSError:
            raise
        except Exception as error:
            raise PredictionsError(f"{path} cannot be read: {_reason(error)}") from None


def _load_numpy(path: Path, wanted: Container[str]) -> Arrays:
    allow_many_files()
    found = read_arrays(path, wanted, mapped=True, room=scratch_file)
    arrays = found if isinstance(found, dict) else {path.stem: found}
    return {name: as_text(row_by_row(array)) for name, array in arrays.items()}


def as_text(array: NDArray[Any]) -> NDArray[Any]:
    """Texts that were written as bytes of UTF-8; all else as it is, other bytes too."""
    if array.dtype.kind != "S":
        return array
    try:
        return np.char.decode(array, "utf-8")
    except UnicodeDecodeError:
        return array


def row_by_row(array: NDArray[Any]) -> NDArray[Any]:
    """A mapped array whose first axis is the slowest: turned in a temporary file where it lies column by column.

    One member of many, or some rows, are then pages of their own, where they would be a few bytes of every page. An
    array in memory stays as it is, and so does one for which the disk of temporary files has no room.
    """
    if not isinstance(array, np.memmap) or array.flags.c_contiguous:
        return array
    try:
        turned = scratch_array(array.shape, array.dtype)
    except StorageError:
        return array
    axis = int(np.argmax(array.shape))
    length = array.shape[axis]
    step = max(1, TURNED_AT_ONCE * length // array.nbytes)
    for start in range(0, length, step):
        part = (*[slice(None)] * axis, slice(start, start + step))
        turned[part] = array[part]
        release((array, turned))
    turned.flags.writeable = False
    return turned


def stacked(arrays: Sequence[NDArray[Any]]) -> NDArray[Any]:
    """Arrays of one shape along a new first axis; mapped ones in a temporary file, one after another."""
    if not all(map(is_mapped, arrays)):
        return np.stack(arrays)
    try:
        found = scratch_array((len(arrays), *arrays[0].shape), np.result_type(*arrays))
    except StorageError:
        return np.stack(arrays)
    for place, array in enumerate(arrays):
        found[place] = array
        release((array, found))
    found.flags.writeable = False
    return found


def _reason(error: Exception) -> str:
    if "allow_pickle" in str(error) or "pickled" in str(error):
        return (
            "it is damaged, or holds Python objects (pickle), which are never read; save plain arrays, "
            "and names as np.array(names, dtype=str)"
        )
    return f"it is damaged ({' '.join(str(error).split())})"
