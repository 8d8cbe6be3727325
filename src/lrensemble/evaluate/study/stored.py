"""File of a comparison, with a checksum."""

from __future__ import annotations

from pathlib import Path

from lrensemble.errors import PoolError
from lrensemble.evaluate.study.record import FORMAT, Comparison
from lrensemble.files import if_newer, read_json
from lrensemble.pool.sealed import record_in

STUDY = "study.json"
"""Name of the file in the folder of a study."""


def is_study(folder: Path) -> bool:
    """Whether a comparison lies in the folder."""
    return (folder / STUDY).is_file()


def read_comparison(folder: Path) -> Comparison:
    """Comparison in the folder of a study.

    Raises:
        PoolError: another format, a content that does not match its checksum, or none of a comparison.
        StorageError: it is missing, cannot be read, or is not JSON.
    """
    path = folder / STUDY
    content = read_json(path)
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        known = content.get("format") if isinstance(content, dict) else None
        what = if_newer(known, FORMAT) or "; run the study again"
        raise PoolError(f"{path} has format {known!r}; this version of lrensemble reads {FORMAT}{what}")
    return record_in(Comparison, content, path, "run the study again")
