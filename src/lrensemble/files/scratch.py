"""Room for work that nobody keeps: folders and arrays among the system's temporary files."""

from __future__ import annotations

import errno
import math
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from lrensemble.errors import StorageError
from lrensemble.files.drafts import clear_once, draft_of, erase
from lrensemble.files.refused import storage_errors

if TYPE_CHECKING:
    from numpy.typing import DTypeLike, NDArray

BLOCK = bytes(2**20)


@contextmanager
def scratch_folder() -> Iterator[Path]:
    """A folder of one's own that goes when it is done with, or, of a process that is killed, when the next begins.

    Raises:
        StorageError: there is no room for one.
    """
    folder = draft_of(_place() / "lrensemble")
    clear_once(folder.parent, None)
    with storage_errors("write", folder):
        folder.mkdir(mode=0o700)
    try:
        yield folder
    finally:
        erase(folder)


def private_folder(name: str) -> Path | None:
    """A folder among the temporary files that stays, and that nobody else can write to; None where there is none.

    Args:
        name: what it is for; the user's number is added.
    """
    user = getattr(os, "getuid", lambda: 0)()
    try:
        folder = _place() / f"lrensemble-{name}-{user}"
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except (OSError, StorageError):
        return None
    private = os.name != "posix" or (found.st_uid == user and not stat.S_IMODE(found.st_mode) & 0o077)
    return folder if stat.S_ISDIR(found.st_mode) and private else None


def scratch_file(size: int) -> IO[bytes]:
    """A temporary file without a name, open at its beginning, with room for so many bytes; it goes when it is closed.

    Raises:
        StorageError: the disk of temporary files is too small.
    """
    with storage_errors("write", _place()):
        file = tempfile.TemporaryFile()  # noqa: SIM115 – the caller closes it
        try:
            reserve(file, size)
        except BaseException:
            file.close()
            raise
        file.seek(0)
        return file


def scratch_array(shape: tuple[int, ...], dtype: DTypeLike = "float32") -> NDArray[Any]:
    """An array in a temporary file without a name, mapped into memory as far as the system finds room.

    Raises:
        StorageError: the disk of temporary files is too small.
    """
    import numpy as np

    with scratch_file(np.dtype(dtype).itemsize * math.prod(shape)) as file:
        return np.memmap(file, dtype=dtype, mode="r+", shape=shape)


def reserve(file: IO[bytes], size: int) -> None:
    """Make an empty file so long, and sure of its room: a full disk is met now, and not half-way.

    Raises:
        OSError: the disk is too small.
    """
    try:
        os.posix_fallocate(file.fileno(), 0, size)
        return
    except AttributeError:  # macOS and Windows have no such call
        pass
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP):  # of file systems that cannot
            raise
    for start in range(0, size, len(BLOCK)):
        file.write(BLOCK[: size - start])
    file.flush()


def _place() -> Path:
    """The folder of temporary files.

    Raises:
        StorageError: there is none that can be written to.
    """
    with storage_errors("find a folder for", Path("temporary files")):
        return Path(tempfile.gettempdir())
