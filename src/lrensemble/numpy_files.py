"""Arrays in `.npy` and `.npz` files that others wrote: never pickle, and no room for more than a file holds."""

from __future__ import annotations

import math
import os
import warnings
from collections.abc import Container
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array_header_1_0, read_array_header_2_0, read_magic
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]


def read_arrays(path: Path, wanted: Container[str] | None = None) -> Arrays | NDArray[Any]:
    """The array of a `.npy` file, or those of an `.npz` file that are wanted, by name; all of them unless it is said.

    Raises:
        OSError: the file cannot be read.
        Exception: it is damaged or holds something else; of what kind depends on where numpy or zipfile stumbles.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote, or damage
        if file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
            file.seek(0)
            _check_header(file, os.fstat(file.fileno()).st_size, path.name)
        file.seek(0)
        found = np.load(file, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        return {name: _entry(found, name) for name in found.files if wanted is None or name in wanted}


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
    place = next(each for each in (f"{name}.npy", name) if each in file.zip.namelist())
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
    place = next(each for each in (f"{name}.npy", name) if each in archive.namelist())
    with archive.open(place) as entry:
        if entry.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
            raise ValueError(f"its entry {name!r} is no array")
    with archive.open(place) as entry:
        _check_header(entry, archive.getinfo(place).file_size, name)
    return np.asarray(file[name])


def _check_header(file: IO[bytes], held: int, name: str) -> None:
    """Refuse a header that asks for more than there is, before room is made for it."""
    version = read_magic(file)
    shape, _, dtype = (read_array_header_1_0 if version == (1, 0) else read_array_header_2_0)(file)
    size = math.prod(shape) * dtype.itemsize
    if size > held and not dtype.hasobject:  # what pickled objects take, no header tells; they are refused anyway
        raise ValueError(f"its array {name!r} has {held:,} bytes where its header {shape} asks for {size:,}")
