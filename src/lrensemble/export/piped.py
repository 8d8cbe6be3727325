"""Rows that come from standard input: a whole file, whose kind its first bytes tell."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from lrensemble.errors import DataError, LREnsembleError
from lrensemble.files import draft_file, scratch_folder

STANDARD_INPUT = Path("-")
"""Stands for standard input among files."""
NAME = Path("standard input")
"""What tables and errors call it: a spreadsheet takes a dash for the start of a formula."""

SIGNS = {
    b"PK\x03\x04": ".npz",
    b"\x93NUMPY": ".npy",
    b"PAR1": ".parquet",
    b"\xff\xd8\xff": ".jpg",
    b"\x89PNG": ".png",
    b"GIF8": ".gif",
    b"RIFF": ".webp",
    b"II*\x00": ".tif",
    b"MM\x00*": ".tif",
}
"""Suffix by the first bytes; other files are text: JSON lines if they begin with a bracket, else CSV."""

HEAD_BYTES, PART_BYTES = 512, 2**20


@contextmanager
def piped() -> Iterator[Path]:
    """A file with what comes from standard input, named as its kind asks, which goes afterwards.

    Errors about it name standard input.

    Raises:
        DataError: nothing came, or it is closed.
        StorageError: there is no room for it among the temporary files.
    """
    if sys.stdin is None:
        raise DataError("standard input is closed; pipe a file of rows to it")
    stream = sys.stdin.buffer
    if not (head := stream.read(HEAD_BYTES)):
        raise DataError("standard input is empty; pipe a file of rows to it")
    with scratch_folder() as folder:
        path = folder / f"rows{_suffix(head)}"
        with draft_file(path) as file:
            file.write(head)
            file.writelines(iter(partial(stream.read, PART_BYTES), b""))
        try:
            yield path
        except LREnsembleError as error:
            raise type(error)(str(error).replace(str(path), str(NAME))) from None


def _suffix(head: bytes) -> str:
    known = next((suffix for sign, suffix in SIGNS.items() if head.startswith(sign)), None)
    return known or (".jsonl" if head.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"[", b"{")) else ".csv")
