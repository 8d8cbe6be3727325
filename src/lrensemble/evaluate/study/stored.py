"""File of a comparison, with a checksum."""

from __future__ import annotations

from pathlib import Path

from lrensemble.evaluate.study.record import Comparison
from lrensemble.pool.sealed import unseal

STUDY = "study.json"
"""Name of the file in the folder of a study."""


def is_study(folder: Path) -> bool:
    """Whether a comparison lies in the folder."""
    return (folder / STUDY).is_file()


def read_comparison(folder: Path) -> Comparison:
    """Comparison in the folder of a study.

    Raises:
        PoolError: another format, or a content that does not match its checksum.
        StorageError: it is missing, cannot be read, or is not JSON.
    """
    return unseal(Comparison, folder / STUDY)
