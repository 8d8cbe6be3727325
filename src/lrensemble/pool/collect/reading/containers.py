"""Anything that holds predictions, opened: files by their suffix, and objects in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from lrensemble.errors import MissingExtraError, PredictionsError
from lrensemble.pool.arrays import as_text, entries, load
from lrensemble.pool.collect.names import placed
from lrensemble.pool.collect.reading.held import Arrays, Held
from lrensemble.pool.collect.reading.nested import read_json_file
from lrensemble.pool.collect.reading.tables import columns_of, from_cells, need_pandas, read_table
from lrensemble.pool.collect.reading.tensors import as_array, safetensors_arrays, torch_file
from lrensemble.rows import unmasked

TABLES = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet", ".feather")
JSON = (".json", ".jsonl", ".ndjson", ".json.gz", ".jsonl.gz")
ARRAYS = (".npz", ".npy", ".safetensors", ".pt", ".pth")
SUFFIXES = (*ARRAYS, *TABLES, *JSON)
PICKLES = (".pkl", ".pickle", ".joblib", ".p", ".dill", ".pkl.gz")

IN_WORDS = ".csv, .tsv, .parquet, .json, .jsonl, .npz, .npy, .safetensors, .pt"


def suffix_of(path: Path) -> str:
    """Suffix of a file's name in lower case, `.csv.gz` as one; empty where it is none that is known."""
    name = path.name.lower()
    return max((each for each in (*SUFFIXES, *PICKLES) if name.endswith(each)), key=len, default="")


def stem_of(path: Path) -> str:
    """A file's name without its suffix."""
    suffix = suffix_of(path)
    return path.name[: -len(suffix)] if suffix else path.stem


def open_file(path: Path, wanted: Callable[[str], bool] | None = None) -> Held:
    """What a file holds.

    Args:
        path: of the file.
        wanted: names of an `.npz` file that are read; all that are arrays unless given.

    Raises:
        PredictionsError: another kind of file, a damaged one, or a pickle.
        StorageError: it cannot be read.
        MissingExtraError: what reads it is not installed.
    """
    suffix = suffix_of(path)
    if suffix in PICKLES:
        raise PredictionsError(
            f"{path} is a pickle, which runs whatever its writer wanted, and is never read; save the numbers instead: "
            "np.savez('predictions.npz', probs=probs, labels=labels), or frame.to_csv('predictions.csv')"
        )
    if not suffix:
        raise PredictionsError(f"{path} is no file of predictions; give {IN_WORDS}, or a folder of them")
    if suffix in TABLES:
        return Held(path, _at_row(path, lambda: read_table(path)), table=True)
    if suffix in JSON:
        arrays, table = read_json_file(path)
        return Held(path, arrays, table)
    if suffix == ".safetensors":
        return Held(path, safetensors_arrays(path))
    if suffix in (".pt", ".pth"):
        return in_memory(torch_file(path), path)
    names, unread = entries(path)
    chosen = [name for name in names if wanted is None or wanted(name)]
    chosen += [name for name in unread if placed(name) is not None]  # which is refused, with the reason
    arrays = load(path, chosen) if suffix == ".npz" else {stem_of(path): load(path, names)[path.stem]}
    if undecoded := [name for name, array in arrays.items() if array.dtype.kind == "S"]:
        where = f"{path}: {undecoded[0]}"
        raise PredictionsError(f"{where} are bytes that are no UTF-8; save texts, np.array(names, dtype=str)")
    return Held(path, arrays, unread=unread)


def _at_row(path: Path, read: Callable[[], Arrays]) -> Arrays:
    try:
        return read()
    except PredictionsError as error:
        raise error if str(path) in str(error) else PredictionsError(f"{path}: {error}") from None


def in_memory(given: Any, path: Path) -> Held:
    """What an object holds: an array, a tensor, a frame, or several of them by name.

    Args:
        given: the object.
        path: what messages call it.

    Raises:
        PredictionsError: it is nothing of the kind.
    """
    if hasattr(given, "to_pandas") and hasattr(given, "columns"):  # a frame of polars, a table of pyarrow
        given = _frame_of_pandas(given)
    if hasattr(given, "iloc") and hasattr(given, "columns"):
        return Held(path, columns_of(given), table=True)
    if isinstance(given, list | tuple):
        given = _of_batches(given)
    if isinstance(given, Mapping):
        found = {str(name): array for name, each in given.items() if (array := array_of(each)) is not None}
        return Held(path, found, unread=tuple(str(name) for name in given if str(name) not in found))
    if isinstance(given, list | tuple) and len({np.shape(each) for each in given if hasattr(each, "shape")}) > 1:
        found = {f"arr_{place}": part for place, each in enumerate(given) if (part := array_of(each)) is not None}
        return Held(path, found)
    array = array_of(given)
    if array is None:
        raise PredictionsError(
            f"{path} is of type {type(given).__name__}; give an array, a tensor, a frame, a dict of them by name, "
            "or a file"
        )
    return Held(path, {"predictions": array, **_ids_of(given)})


def _of_batches(given: Sequence[Any]) -> Any:
    """What a loop gathered batch by batch, put together: dicts of arrays, or arrays of which the last is shorter."""
    if len(given) > 1 and all(isinstance(each, Mapping) and set(each) == set(given[0]) for each in given):
        parts = {name: [array_of(each[name]) for each in given if np.ndim(each[name])] for name in given[0]}
        whole = {name: each for name, each in parts.items() if each and all(isinstance(a, np.ndarray) for a in each)}
        if any(all(np.array_equal(each[0], part) for part in each) for each in whole.values()):
            return given  # of the same rows: models, and no batches
        return {str(name): np.concatenate(each) for name, each in whole.items()}
    shapes = [tuple(each.shape) for each in given if hasattr(each, "shape")]
    if len(shapes) < max(2, len(given)) or min(map(len, shapes)) < 2 or len({shape[1:] for shape in shapes}) > 1:
        return given
    full, last = {shape[0] for shape in shapes[:-1]}, shapes[-1][0]
    return np.concatenate([array_of(each) for each in given]) if len(full) == 1 and last < min(full) else given


def _ids_of(column: Any) -> Arrays:
    """Ids of the rows of a column of pandas: its index, where that is more than the place of a row."""
    index: Any = getattr(column, "index", None)
    if not hasattr(column, "iloc") or not getattr(index, "is_unique", False) or index.nlevels > 1:
        return {}
    if index.name is None and type(index).__name__ == "RangeIndex" and index.step == 1:  # backwards it is an order
        return {}
    ids = array_of(index)
    return {"ids": ids} if ids is not None and ids.dtype.kind in "iuU" else {}


def _frame_of_pandas(given: Any) -> Any:
    """A frame of another library as one of pandas.

    Raises:
        MissingExtraError: pandas or pyarrow is not installed.
    """
    need_pandas()
    try:
        return given.to_pandas()
    except ImportError:
        kind = f"{type(given).__module__.partition('.')[0]}.{type(given).__name__}"
        raise MissingExtraError(f"a {kind} needs pyarrow; pip install 'lrensemble[tables]'") from None


def array_of(given: Any) -> Any:
    """An array of what is one, or can be one; None of anything else."""
    if hasattr(given, "detach"):
        return as_array(given)
    if isinstance(given, np.ndarray):
        given = np.asarray(unmasked(given, "arrays"))
        return as_text(given) if given.dtype.kind != "O" else _of_cells(given.tolist())
    if hasattr(given, "to_numpy"):  # a column of pandas or polars
        return _of_cells(list(given))
    if isinstance(given, Sequence) and not isinstance(given, str | bytes) and len(given):
        parts = [as_array(each) if hasattr(each, "detach") else each for each in given]
        return _of_cells(parts) if not isinstance(parts[0], np.ndarray) or parts[0].ndim < 2 else np.stack(parts)
    return None


def _of_cells(given: list[Any]) -> Any:
    try:
        found = from_cells(given)
    except ValueError:  # parts of different lengths
        return None
    return None if isinstance(found, dict) or found.dtype.kind == "O" else found
