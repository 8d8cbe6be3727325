"""Arrays in `.npy` and `.npz` files that others wrote: never pickle, and no room for more than a file holds."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Container, Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array_header_1_0, read_array_header_2_0, read_magic
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def read_arrays(path: Path, wanted: Container[str] | None = None, *, mapped: bool = False) -> Arrays | NDArray[Any]:
    """The array of a `.npy` file, or those of an `.npz` file that are wanted, by name; all of them unless it is said.

    Args:
        path: the file.
        wanted: names of the arrays of an `.npz` file.
        mapped: whether the array of a `.npy` file is mapped into memory, read-only, of which nothing is read yet.

    Raises:
        OSError: the file cannot be read.
        Exception: it is damaged or holds something else; of what kind depends on where numpy or zipfile stumbles.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote, or damage
        if file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
            file.seek(0)
            _check_header(file, os.fstat(file.fileno()).st_size, path.name)
            if mapped:
                return np.load(path, mmap_mode="r", allow_pickle=False)  # type: ignore[no-any-return]
        file.seek(0)
        found = np.load(file, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        return {name: _entry(found, name) for name in found.files if wanted is None or name in wanted}


def shape_of(path: Path, names: Sequence[str]) -> tuple[int, ...]:
    """Shape of the array of a `.npy` file, or of the first of these that an `.npz` file has; only headers are read.

    Raises:
        OSError: the file cannot be read.
        Exception: it is damaged or holds something else.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote, or damage
        if file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
            file.seek(0)
            return _header(file)[0]
        file.seek(0)
        archive = np.load(file, allow_pickle=False)
        name = next(each for each in names if each in archive.files)
        with archive.zip.open(_place(archive, name)) as entry:
            return _header(entry)[0]


def array_entries(path: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names of the arrays of an `.npz` file, and of its entries that are Python objects; nothing is read but headers.

    Raises:
        OSError: the file cannot be read.
        Exception: it is damaged or holds something else.
    """
    plain: list[str] = []
    objects: list[str] = []
    with path.open("rb") as opened:
        file = np.load(opened, allow_pickle=False)
        if isinstance(file, np.ndarray):
            raise ValueError("it is one array, and no archive of them")
        for name in file.files:
            (objects if _holds_objects(file, name) else plain).append(name)
    return tuple(plain), tuple(objects)


def _holds_objects(file: Any, name: str) -> bool:
    """Whether an entry's header says so; one that is damaged is refused where it is read."""
    place = _place(file, name)
    try:
        with file.zip.open(place) as entry:
            version = read_magic(entry)
            return bool((read_array_header_1_0 if version == (1, 0) else read_array_header_2_0)(entry)[2].hasobject)
    except Exception:
        return False


def _entry(file: Any, name: str) -> NDArray[Any]:
    """One array of an `.npz` file.

    Raises:
        ValueError: the entry holds no array, or fewer bytes than its header says.
    """
    archive = file.zip
    place = _place(file, name)
    with archive.open(place) as entry:
        if entry.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
            raise ValueError(f"its entry {name!r} is no array")
    with archive.open(place) as entry:
        _check_header(entry, archive.getinfo(place).file_size, name)
    return np.asarray(file[name])


def _check_header(file: IO[bytes], held: int, name: str) -> None:
    """Refuse a header that asks for more than there is, before room is made for it."""
    shape, dtype = _header(file)
    size = math.prod(shape) * dtype.itemsize
    if size > held and not dtype.hasobject:  # what pickled objects take, no header tells; they are refused anyway
        raise ValueError(f"its array {name!r} has {held:,} bytes where its header {shape} asks for {size:,}")


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], np.dtype[Any]]:
    """Shape and type of an array, by its header."""
    version = read_magic(file)
    shape, _, dtype = (read_array_header_1_0 if version == (1, 0) else read_array_header_2_0)(file)
    return shape, dtype


def _place(file: Any, name: str) -> str:
    """Name in its archive of an array of an `.npz` file."""
    return next(each for each in (f"{name}.npy", name) if each in file.zip.namelist())
