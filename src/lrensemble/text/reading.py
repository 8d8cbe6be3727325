"""The one reader for text that people write: UTF-8, of a size that is bounded, and not nested without end."""

from __future__ import annotations

import gzip
import io
import json
import re
import tomllib
from pathlib import Path
from typing import Any

LARGEST_TEXT = 16 << 20
"""Bytes of a file that people write: an experiment, a list of names."""
LARGEST_JSON = 1 << 30
"""Bytes of a file of JSON that a program wrote."""
ALWAYS_UNPACKED, TIMES = 256 << 20, 200
"""Bytes that any packed file may unpack to, and how many times its own size beyond: numbers as text shrink to a third,
what shrinks to less than this was made to fill a memory."""
NESTED = 100
"""Lists, tables and brackets within one another at most."""

_LONG_KEY = re.compile(rf"""(?<![\w."'-])(?:[\w"'-]+[ \t]*\.[ \t]*){{{NESTED}}}""")
"""A key of TOML of so many parts with dots between."""

_MARK = b"\xef\xbb\xbf"
_OTHER_MARKS = (b"\xff\xfe", b"\xfe\xff")


class TextError(ValueError):
    """Text that cannot be used; the message says why, and whoever read it says of which file."""


def read_bounded(path: Path, largest: int) -> bytes:
    """The bytes of a file.

    Raises:
        TextError: there are more than `largest`.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        content = file.read(largest + 1)  # no size is asked for: a device has none
    if len(content) > largest:
        raise TextError(f"it is larger than {largest >> 20} MiB")
    return content


def read_text(path: Path, largest: int = LARGEST_TEXT) -> str:
    """The text of a file.

    Raises:
        TextError: it is too large, or no UTF-8.
        OSError: it cannot be read.
    """
    return decoded(read_bounded(path, largest))


def decoded(content: bytes) -> str:
    """Text from bytes; the mark that some editors put in front of UTF-8 is left out.

    Raises:
        TextError: it is no UTF-8.
    """
    if content.startswith(_OTHER_MARKS):
        raise TextError("it is UTF-16; save it as UTF-8")
    try:
        return content.removeprefix(_MARK).decode()
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise TextError(f"it is not UTF-8 (line {line}, byte {content[error.start]:#04x}); save it as UTF-8") from None


def largest_unpacked(size: int) -> int:
    """Bytes that a packed file of so many may unpack to."""
    return max(ALWAYS_UNPACKED, TIMES * size)


def unpacked(content: bytes) -> bytes:
    """What gzip has packed.

    Raises:
        TextError: it unpacks to far more than text does.
        EOFError, gzip.BadGzipFile, zlib.error: it is damaged.
    """
    largest = largest_unpacked(len(content))
    with gzip.GzipFile(fileobj=io.BytesIO(content)) as file:
        found = file.read(largest + 1)
    if len(found) > largest:
        raise TextError(
            f"it unpacks to more than {largest >> 20} MiB from {max(1, len(content) >> 20)}; unpack it first"
        )
    return found


class Unpacking(gzip.GzipFile):
    """A packed file that is unpacked while it is read, as long as it does not unpack to far more than text does."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self._largest = largest_unpacked(path.stat().st_size)

    def read1(self, size: int = -1) -> bytes:
        """The next bytes, as `io.BufferedIOBase.read1`; text is read by this alone.

        Raises:
            TextError: more bytes have been unpacked than text would be.
        """
        part = super().read1(size)
        if self.tell() > self._largest:
            raise TextError(f"it unpacks to more than {self._largest >> 20} MiB; unpack it first")
        return part


def from_toml(text: str) -> dict[str, Any]:
    """Content of a TOML text.

    Raises:
        TextError: it is no TOML, or nested too deeply.
    """
    if _LONG_KEY.search(text):  # its reader takes memory by the square of the parts
        raise _too_deep()
    try:
        content = tomllib.loads(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:  # beside its own: an integer of thousands of digits
        raise TextError(f"not valid TOML: {error}") from None
    _require_shallow(content)
    return content


def from_json(content: bytes | str, *, nan: bool = False) -> Any:
    """Content of a JSON text.

    Args:
        content: the text.
        nan: take `NaN` and `Infinity`, which Python writes and JSON does not know.

    Raises:
        TextError: it is no JSON, or nested too deeply.
    """
    try:
        found = json.loads(content, parse_constant=None if nan else _refused)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as error:  # UnicodeDecodeError among them
        raise TextError(f"not JSON ({error})") from None
    _require_shallow(found)
    return found


def _refused(constant: str) -> object:
    raise ValueError(f"{constant} is no number of JSON")


def _require_shallow(content: object) -> None:
    """Refuse what is nested too deeply, level by level, so that the check itself needs no depth."""
    level = [content]
    for _ in range(NESTED):
        inner: list[object] = []
        for each in level:
            if isinstance(each, dict):
                inner += [value for value in each.values() if isinstance(value, dict | list)]
            elif isinstance(each, list):
                inner += [value for value in each if isinstance(value, dict | list)]
        if not inner:
            return
        level = inner
    raise _too_deep()


def _too_deep() -> TextError:
    return TextError(f"lists or tables are nested more than {NESTED} deep")
