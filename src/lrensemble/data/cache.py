"""Decoded images kept as one array in a folder of the user, so that files are decoded once.

The folder is LRENSEMBLE_CACHE, or `lrensemble` in XDG_CACHE_HOME or `~/.cache`; it may be deleted at any time.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import secrets
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.data.source import Samples
from lrensemble.errors import StorageError
from lrensemble.files import write_whole

logger = logging.getLogger(__name__)

FORMAT = 1
"""Raised when the same files would be decoded to other pixels."""


def cache_folder() -> Path:
    """Where decoded images are kept."""
    if own := os.environ.get("LRENSEMBLE_CACHE"):
        return Path(own)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "lrensemble"


def cached(files: Sequence[Path], options: Mapping[str, object], make: Callable[[], Samples]) -> Samples:
    """What `make` reads from files, or what it read when they were the same: by names, sizes, times and options.

    A cache that cannot be read is made again; one that cannot be written costs a warning and nothing else.

    Args:
        files: in the order of their rows.
        options: all else that the samples depend on, labels and classes too where the files do not hold them.
        make: reads the files.
    """
    entry = cache_folder() / _key(files, options)
    try:
        if entry.exists():
            return _read(entry)
    except (OSError, EOFError, ValueError, KeyError, TypeError) as error:
        logger.warning("%s cannot be used (%s); the images are decoded again", entry, error)
        shutil.rmtree(entry, ignore_errors=True)
    samples = make()
    try:
        _write(entry, samples)
    except (OSError, StorageError) as error:
        logger.warning("decoded images are not kept in %s: %s", entry.parent, error)
    return samples


def _key(files: Sequence[Path], options: Mapping[str, object]) -> str:
    states = [(str(file.resolve()), (state := file.stat()).st_size, state.st_mtime_ns) for file in files]
    return hashlib.sha256(json.dumps([FORMAT, states, dict(options)]).encode()).hexdigest()[:24]


def _read(entry: Path) -> Samples:
    described = json.loads((entry / "samples.json").read_bytes())
    # Copy on write: pages are read when they are used, and nobody can change the file through the array.
    inputs = np.load(entry / "inputs.npy", mmap_mode="c", allow_pickle=False)
    labels = np.load(entry / "labels.npy", allow_pickle=False)
    if [list(inputs.shape), len(labels)] != described["shapes"]:
        raise ValueError("its arrays are not those that it describes")
    return Samples(inputs, labels, tuple(described["classes"]), described["test_rows"])


def _write(entry: Path, samples: Samples) -> None:
    """As a folder that is there whole or not at all, also after a crash."""
    draft = entry.with_name(f".draft-{secrets.token_hex(4)}-{entry.name}")
    try:
        draft.mkdir(parents=True)
        _save(draft / "inputs.npy", samples.inputs)
        _save(draft / "labels.npy", samples.labels)
        described = {"classes": samples.classes, "test_rows": samples.test_rows}
        described |= {"shapes": [list(samples.inputs.shape), len(samples.labels)]}
        write_whole(draft / "samples.json", json.dumps(described).encode())
        try:
            draft.rename(entry)
        except OSError:
            if not entry.is_dir():  # else another process was faster
                raise
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _save(path: Path, array: NDArray[Any]) -> None:
    with path.open("wb") as file:
        np.save(file, array)
        file.flush()
        os.fsync(file.fileno())
