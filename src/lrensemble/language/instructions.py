"""Instruction sets: examples from files of JSON, JSON lines and parquet, and from the Hugging Face hub by name."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lrensemble.data.arrow import parquet_table
from lrensemble.errors import DataError, MissingExtraError
from lrensemble.files import storage_errors, warn_once
from lrensemble.language.examples import Example, example_of
from lrensemble.registry.trust import let_out
from lrensemble.text import LARGEST_JSON, TextError, from_json
from lrensemble.text.reading import decoded

SUFFIXES = (".json", ".jsonl", ".json.gz", ".jsonl.gz", ".parquet")


@dataclass(frozen=True, eq=False)
class Instructions:
    """The examples of an instruction set."""

    source: str
    """Where they were read."""
    examples: tuple[Example, ...]
    without_answer: int = 0
    """Records that were left out: their answer is blank."""


def read_instructions(
    path: str | Path, *, columns: Mapping[str, str] | None = None, limit: int | None = None
) -> Instructions:
    """The examples of a file; records whose answer is blank are left out, which is said.

    Args:
        path: `.json` (a list of records), `.jsonl` (a record a line), either of them `.gz`, or `.parquet`.
        columns: what columns are called here, by what they are called elsewhere: `{"output": "response"}`.
        limit: only so many records, the first; all unless given.

    Raises:
        DataError: another ending, a damaged file, a record that is no example (the message says which), or no answer.
        StorageError: the file cannot be read.
        MissingExtraError: pyarrow is not installed, and the file is parquet.
    """
    path = Path(path)
    suffix = next((each for each in SUFFIXES if path.name.lower().endswith(each)), None)
    if suffix is None:
        raise DataError(f"{path} is no file of instructions; its name must end with {', '.join(SUFFIXES)}")
    if suffix == ".parquet":
        records: Sequence[object] = parquet_table(path).to_pylist()
    else:
        records = _json_records(path, lines="jsonl" in suffix)
    return _instructions(records[:limit], str(path), columns or {})


def hub_instructions(
    repo: str,
    *,
    config: str | None = None,
    split: str = "train",
    columns: Mapping[str, str] | None = None,
    limit: int | None = None,
) -> Instructions:
    """The examples of a split of a set of the Hugging Face hub.

    Args:
        repo: `owner/name` on the hub, or a local folder in a layout that `datasets` reads.
        config: of a set that has several.
        split: which of its splits.
        columns: as in `read_instructions`.
        limit: as in `read_instructions`.

    Raises:
        DataError: the set cannot be loaded, has no such split, or a record is no example.
        UntrustedError: a folder from elsewhere names it, and nobody has asked for it.
        MissingExtraError: `datasets` is not installed.
    """
    if not Path(repo).is_dir():
        let_out(f"instructions(repo={repo!r})")
    try:
        import datasets
    except ImportError:
        raise MissingExtraError("sets of the hub need datasets; pip install 'lrensemble[hub]'") from None
    try:
        found = datasets.load_dataset(repo, config)
    except Exception as error:  # of the network, the hub, a file format: whatever it raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"instruction set {repo!r} cannot be loaded: {reason}") from None
    if split not in found:
        raise DataError(f"instruction set {repo!r} has no split {split!r}; its splits are {', '.join(map(str, found))}")
    rows = found[split]
    records = list(rows if limit is None else rows.select(range(min(limit, len(rows)))))
    return _instructions(records, f"{repo}, {split}", columns or {})


def _json_records(path: Path, *, lines: bool) -> Sequence[object]:
    try:
        text = decoded(_content(path))
        if lines:  # of a line feed alone: texts may hold other separators of lines
            parts = [(number, line) for number, line in enumerate(text.split("\n"), 1) if line.strip()]
            return [_line(line, number) for number, line in parts]
        records = from_json(text)
    except TextError as error:
        raise DataError(f"{path} cannot be used: {error}") from None
    if not isinstance(records, list):
        raise DataError(f"{path} must hold a list of records; for a record a line, call it .jsonl")
    return records


def _line(line: str, number: int) -> Any:
    try:
        return from_json(line)
    except TextError as error:
        raise TextError(f"line {number}: {error}") from None


def _content(path: Path) -> bytes:
    """Bytes of a file, unpacked; no more than what is bounded, however small it was packed."""
    try:
        with storage_errors("read", path), path.open("rb") as file:
            packed = path.name.lower().endswith(".gz")
            content = (gzip.GzipFile(fileobj=file) if packed else file).read(LARGEST_JSON + 1)
    except (EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged: {' '.join(str(error).split())}") from None
    if len(content) > LARGEST_JSON:
        raise DataError(f"{path} is larger than {LARGEST_JSON >> 20} MiB; divide it, or write it as parquet")
    return content


def _instructions(records: Iterable[object], source: str, columns: Mapping[str, str]) -> Instructions:
    examples, blank = list[Example](), 0
    for row, record in enumerate(records):
        try:
            example = example_of(_renamed(record, columns))
        except DataError as error:
            raise DataError(f"{source}, record {row}: {error}") from None
        if example.answer.strip():
            examples.append(example)
        else:
            blank += 1
    if not examples:
        raise DataError(f"{source} holds no answer to learn; {blank} of {blank} records have a blank one")
    if blank:
        warn_once(f"{source}: {blank} of {blank + len(examples)} records have no answer and are left out")
    return Instructions(source, tuple(examples), blank)


def _renamed(record: object, columns: Mapping[str, str]) -> object:
    """A record whose columns are called as elsewhere."""
    if not columns or not isinstance(record, Mapping):
        return record
    missing = [theirs for theirs in columns.values() if theirs not in record]
    if missing:
        raise DataError(f"there is no column {missing[0]!r}; it has {', '.join(map(str, record))}")
    kept = {name: value for name, value in record.items() if name not in columns.values()}
    return kept | {ours: record[theirs] for ours, theirs in columns.items()}
