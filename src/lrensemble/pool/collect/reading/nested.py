"""JSON as named arrays: records, one a line or in a list, and lists under names."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from lrensemble.errors import PredictionsError
from lrensemble.files import storage_errors
from lrensemble.pool.collect.reading.roles import role_of
from lrensemble.pool.collect.reading.tables import Arrays, from_cells
from lrensemble.text import TextError, from_json
from lrensemble.text.reading import LARGEST_JSON, decoded, read_bounded, unpacked


def read_json_file(path: Path) -> tuple[Arrays, bool]:
    """Arrays of a JSON file by name, and whether they are the columns of a table.

    Raises:
        PredictionsError: it is no JSON, or of another shape.
        StorageError: it cannot be read.
    """
    try:
        with storage_errors("read", path):
            content = read_bounded(path, LARGEST_JSON)
        text = decoded(unpacked(content) if path.suffix == ".gz" else content)
        lines = {".jsonl", ".ndjson"} & set(path.suffixes)
        given = (
            [from_json(line, nan=True) for line in text.splitlines() if line.strip()]
            if lines
            else from_json(text, nan=True)
        )
        return arrays_of(given)
    except (TextError, gzip.BadGzipFile, zlib.error, EOFError) as error:
        raise PredictionsError(f"{path} cannot be read: {error}") from None
    except (ValueError, TypeError, OverflowError, PredictionsError) as error:
        raise PredictionsError(
            f"{path} holds JSON of another shape ({error}); give a list of records, or lists of one length under names"
        ) from None


def arrays_of(given: Any) -> tuple[Arrays, bool]:
    """Arrays by name of what JSON holds, and whether they are columns of a table."""
    if isinstance(given, list):
        if given and all(isinstance(each, Mapping) for each in given):
            return _records(given), True
        return {"predictions": np.asarray(given)}, False
    if not isinstance(given, Mapping) or not given:
        raise ValueError("no records and no names")
    records = [key for key, each in given.items() if isinstance(each, list) and each and _all(each, Mapping)]
    if len(records) == 1:
        found = _records(given[records[0]])
        return _with_classes(found, given.get("classes")), True
    if _all(given.values(), Mapping):
        return _by_key(given)
    if _all(given.values(), list) and len({len(each) for each in given.values()}) == 1:
        rows = len(next(iter(given.values())))
        if rows < len(given) and not any(role_of(str(key)) for key in given) and rows <= 1000:
            return {"ids": np.array(list(map(str, given))), "predictions": np.asarray(list(given.values()))}, False
    arrays = {str(key): np.asarray(_plain(each)) for key, each in given.items() if isinstance(each, list)}
    return {key: array for key, array in arrays.items() if array.dtype.kind != "O"}, False


def _all(given: Any, kind: type) -> bool:
    return all(isinstance(each, kind) for each in given)


def _plain(given: list[Any]) -> Any:
    """A list in which what is missing is NaN."""
    return from_cells(given) if any(each is None for each in given) else given


def _records(given: list[Mapping[str, Any]]) -> Arrays:
    found: Arrays = {}
    for key in dict.fromkeys(key for each in given for key in each):
        column = from_cells([each.get(key) for each in given])
        if isinstance(column, dict):
            found |= {f"{key}_{inner}": array for inner, array in column.items()}
        else:
            found[str(key)] = column
    return found


def _by_key(given: Mapping[str, Any]) -> tuple[Arrays, bool]:
    """Records by id; or columns, each by the place of its rows, as pandas writes them."""
    if any(role_of(str(key)) for key in given):
        rows = list(dict.fromkeys(key for each in given.values() for key in each))
        return {str(key): from_cells([each.get(row) for row in rows]) for key, each in given.items()} | (
            {} if rows == [str(place) for place in range(len(rows))] else {"index": np.array(rows)}
        ), True
    return {"id": np.array(list(map(str, given))), **_records(list(given.values()))}, True


def _with_classes(found: Arrays, classes: Any) -> Arrays:
    """Columns, those of a list of probabilities named by the classes."""
    lists = [name for name, array in found.items() if array.ndim == 2]
    if not isinstance(classes, list) or len(lists) != 1 or found[lists[0]].shape[1] != len(classes):
        return found
    array = found.pop(lists[0])
    return found | {f"p:{name}": array[:, place] for place, name in enumerate(classes)}
