"""Decoded images kept as one array in a folder of the user, so that files are decoded once.

The folder is LRENSEMBLE_CACHE, or `lrensemble` in XDG_CACHE_HOME or `~/.cache`; it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import zlib
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO, Literal

import numpy as np

from lrensemble.data.source import Samples
from lrensemble.errors import StorageError
from lrensemble.files import discard, draft_folder, proves_itself, read_json, seal, storage_errors

logger = logging.getLogger(__name__)

FORMAT = 2
"""Raised when the same files would be decoded to other pixels."""

DESCRIPTION = "samples.json"
ARRAYS: Mapping[str, Literal["c"] | None] = {"inputs.npy": "c", "labels.npy": None}
"""Mode in which each array is mapped: inputs are large."""

PART_BYTES = 2**20
"""Bytes of a file that are read at a time."""


def cache_folder() -> Path:
    """Folder in which decoded images are kept."""
    if own := os.environ.get("LRENSEMBLE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lrensemble"


def cached(files: Sequence[Path], options: Mapping[str, object], make: Callable[[], Samples]) -> Samples:
    """Samples that `make` reads from files, or read when they were the same by names, sizes, times and options.

    A cache that cannot be read, or is not as it was written, is made again, which is said; one that cannot be written
    costs a warning and nothing else.

    Args:
        files: in the order of their rows.
        options: all else that the samples depend on, labels and classes too where the files do not hold them.
        make: reads the files.
    """
    entry = cache_folder() / _key(files, options)
    try:
        if entry.exists():
            return _read(entry)
    except (OSError, EOFError, ValueError, KeyError, TypeError, StorageError) as error:
        logger.warning("%s cannot be used (%s); the images are decoded again", entry, error)
        discard(entry)
    samples = make()
    try:
        _write(entry, samples)
    except (OSError, StorageError) as error:
        logger.warning("decoded images are not kept in %s: %s", entry.parent, error)
    return samples


def _key(files: Sequence[Path], options: Mapping[str, object]) -> str:
    states = []
    for file in files:
        with storage_errors("read", file):  # a link to nothing, or to itself
            state = file.stat()
        states.append((os.path.realpath(file), state.st_size, state.st_mtime_ns))
    return hashlib.sha256(json.dumps([FORMAT, states, dict(options)]).encode()).hexdigest()[:24]


def _read(entry: Path) -> Samples:
    described = read_json(entry / DESCRIPTION)
    if not isinstance(described, dict) or not proves_itself(described):
        raise ValueError(f"{DESCRIPTION} is damaged, or of an earlier version that kept no checksums")
    for name in ARRAYS:
        if _checksum(entry / name) != described["checksums"][name]:
            raise ValueError(f"{name} is damaged: its checksum is not that of its content")
    # Copy on write: pages are read when they are used, and nobody can change the file through the array.
    inputs, labels = (np.load(entry / name, mmap_mode=mode, allow_pickle=False) for name, mode in ARRAYS.items())
    classes, size = tuple(described["classes"]), described["image_size"]
    return Samples(inputs, labels, classes, described["test_rows"], image_size=size)


def _write(entry: Path, samples: Samples) -> None:
    checksums = {}
    with draft_folder(entry) as draft:
        for name, array in zip(ARRAYS, (samples.inputs, samples.truth), strict=True):
            with draft.file(name) as file:
                summed = _Summed(file)
                np.save(summed, array)
            checksums[name] = summed.checksum
        described = {"classes": samples.target.names, "test_rows": samples.test_rows, "checksums": checksums}
        described["image_size"] = samples.image_size
        with draft.file(DESCRIPTION) as file:
            file.write(seal(described))


class _Summed:
    """A file that is written to, and the CRC-32 of what was written."""

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.checksum = file, 0

    def write(self, content: bytes) -> int:
        """Write one part."""
        self.checksum = zlib.crc32(content, self.checksum)
        return self._file.write(content)


def _checksum(path: Path) -> int:
    """The CRC-32 of a file: it finds damage as surely as a hash does, at a third of its price."""
    found, part = 0, memoryview(bytearray(PART_BYTES))
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(part):
            found = zlib.crc32(part[:count], found)
    return found
