"""Named arrays from files that other programs wrote: `.npz`, `.npy` and `.safetensors`, never pickle."""

from __future__ import annotations

from collections.abc import Container
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from lrensemble.errors import PoolError, PredictionsError
from lrensemble.files import storage_errors
from lrensemble.numpy_files import array_entries, read_arrays
from lrensemble.pool.sealed import map_arrays

SUFFIXES = (".npz", ".npy", ".safetensors")

Arrays = dict[str, NDArray[Any]]


def load(path: Path, wanted: Container[str]) -> Arrays:
    """Arrays of a file by name, limited to those wanted; the array of a `.npy` file is named after the file.

    Large arrays stay in the file, mapped, unless they are compressed.

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
    found = read_arrays(path, wanted, mapped=True)
    return found if isinstance(found, dict) else {path.stem: found}


def _reason(error: Exception) -> str:
    if "allow_pickle" in str(error) or "pickled" in str(error):
        return (
            "it is damaged, or holds Python objects (pickle), which are never read; save plain arrays, "
            "and names as np.array(names, dtype=str)"
        )
    return f"it is damaged ({' '.join(str(error).split())})"
