"""Arrays in `.npy` and `.npz` files that others wrote: never pickle, and no room for more than a file holds."""

from __future__ import annotations

import math
import os
import struct
import warnings
import zipfile
from collections.abc import Callable, Container, Sequence
from functools import partial
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.lib.format import MAGIC_PREFIX, read_array_header_1_0, read_array_header_2_0, read_magic
from numpy.typing import NDArray

from lrensemble.errors import StorageError

Arrays = dict[str, NDArray[Any]]

Room = Callable[[int], IO[bytes]]
"""Makes a file that is open at its beginning and has room for so many bytes, or raises a StorageError."""

MAPPED_FROM = 2**20
"""Bytes of an array from which on it is mapped rather than read, where that is asked for."""

LOCAL_HEADER = struct.Struct("<26xHH")
"""What stands before an entry of a zip archive: last the lengths of its name and of a further field, which follow
(APPNOTE.TXT, section 4.3.7)."""

AT_ONCE = 2**20
"""Bytes that are read together where an entry is checked."""


def read_arrays(
    path: Path, wanted: Container[str] | None = None, *, mapped: bool = False, room: Room | None = None
) -> Arrays | NDArray[Any]:
    """The array of a `.npy` file, or those of an `.npz` file that are wanted, by name; all of them unless it is said.

    Args:
        path: the file.
        wanted: names of the arrays of an `.npz` file.
        mapped: whether large arrays that are not compressed stay in the file, read-only and mapped, which is checked
            as if it were read. They may begin at any byte: numpy reads such arrays, and other libraries refuse some.
        room: where large arrays that are compressed are unpacked and then mapped; into memory unless given, and where
            there is no room for one.

    Raises:
        OSError: the file cannot be read.
        Exception: it is damaged or holds something else; of what kind depends on where numpy or zipfile stumbles.
    """
    with path.open("rb") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of headers that Python 2 wrote, or damage
        if file.read(len(MAGIC_PREFIX)) == MAGIC_PREFIX:
            file.seek(0)
            held = os.fstat(file.fileno()).st_size
            _check_header(file, held, path.name)
            if mapped and held >= MAPPED_FROM:
                array: NDArray[Any] = np.load(path, mmap_mode="r", allow_pickle=False)
                return array
        file.seek(0)
        found = np.load(file, allow_pickle=False)
        if isinstance(found, np.ndarray):
            return found
        entry = partial(_mapped_entry, path, room) if mapped else _entry
        return {name: entry(found, name) for name in found.files if wanted is None or name in wanted}


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


def _mapped_entry(path: Path, room: Room | None, file: Any, name: str) -> NDArray[Any]:
    """One array of an `.npz` file: mapped if it is large, where it lies or where it is unpacked, else read.

    Raises:
        ValueError: as `_entry`.
        zipfile.BadZipFile: its checksum is another.
    """
    archive = file.zip
    info = archive.getinfo(_place(file, name))
    stored = info.compress_type == zipfile.ZIP_STORED
    if info.file_size < MAPPED_FROM or not (stored or room):
        return _entry(file, name)
    with archive.open(info) as entry:
        if entry.read(len(MAGIC_PREFIX)) != MAGIC_PREFIX:
            return _entry(file, name)
        entry.seek(0)
        shape, is_fortran, dtype = _check_header(entry, info.file_size, name)
        if dtype.hasobject:
            return _entry(file, name)
        begin = entry.tell()
        order: Literal["C", "F"] = "F" if is_fortran else "C"
        if room and not stored:
            try:
                return _unpacked(entry, room, dtype, shape, order)
            except StorageError:
                return _entry(file, name)
        while entry.read(AT_ONCE):  # to its end, where zipfile compares the checksum
            pass
    with path.open("rb") as opened:
        opened.seek(info.header_offset)
        header = opened.read(LOCAL_HEADER.size)
    name_length, extra_length = LOCAL_HEADER.unpack(header)
    offset = info.header_offset + LOCAL_HEADER.size + name_length + extra_length + begin
    return np.memmap(path, dtype=dtype, mode="r", offset=offset, shape=shape, order=order)


def _unpacked(
    entry: IO[bytes], room: Room, dtype: np.dtype[Any], shape: tuple[int, ...], order: Literal["C", "F"]
) -> NDArray[Any]:
    """What follows the header of an entry, some bytes at a time into a file, which is mapped.

    Raises:
        StorageError: there is no room.
        ValueError: the entry ends too early.
        zipfile.BadZipFile: its checksum is another.
    """
    size = math.prod(shape) * dtype.itemsize
    with room(size) as kept:
        left = size
        while block := entry.read(AT_ONCE):  # to its end, where zipfile compares the checksum
            kept.write(block[:left])
            left -= len(block[:left])
        if left:
            raise ValueError(f"an array of {size:,} bytes ends {left:,} too early")
        kept.flush()
        return np.memmap(kept, dtype=dtype, mode="r", shape=shape, order=order)


def _check_header(file: IO[bytes], held: int, name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """What a header says, unless it asks for more than there is: it is looked at before room is made for the array."""
    shape, is_fortran, dtype = _header(file)
    size = math.prod(shape) * dtype.itemsize
    if size > held and not dtype.hasobject:  # what pickled objects take, no header tells; they are refused anyway
        raise ValueError(f"its array {name!r} has {held:,} bytes where its header {shape} asks for {size:,}")
    return shape, is_fortran, dtype


def _header(file: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Shape of an array, whether its columns come first, and its type, by its header."""
    version = read_magic(file)
    return (read_array_header_1_0 if version == (1, 0) else read_array_header_2_0)(file)


def _place(file: Any, name: str) -> str:
    """Name in its archive of an array of an `.npz` file."""
    return next(each for each in (f"{name}.npy", name) if each in file.zip.namelist())
