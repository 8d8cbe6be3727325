"""File of a comparison, with a checksum."""

from __future__ import annotations

import json
from pathlib import Path

from pydantic import ValidationError

from lrensemble.config.records import reason_of
from lrensemble.errors import PoolError
from lrensemble.evaluate.study.record import FORMAT, Comparison
from lrensemble.files import if_newer, proves_itself, read_json

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
    if not proves_itself(content):
        raise PoolError(f"{path} is damaged: its checksum is not that of its content; run the study again")
    without = {key: value for key, value in content.items() if key != "checksum"}
    try:
        return Comparison.model_validate_json(json.dumps(without))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise PoolError(f"{path}: {where}: {reason_of(first)}; run the study again") from None
