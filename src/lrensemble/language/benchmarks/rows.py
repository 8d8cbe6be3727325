"""Rows of a benchmark: of files in a folder, or of the Hugging Face hub."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from lrensemble.errors import DataError, MissingExtraError
from lrensemble.files import storage_errors
from lrensemble.language.benchmarks.base import BenchmarkFacts, Raw, Row, as_is, check_row
from lrensemble.registry.trust import let_out
from lrensemble.text import LARGEST_JSON, TextError, from_json, read_bounded
from lrensemble.text.reading import decoded

ENDINGS = (".jsonl", ".jsonl.gz")
OURS = frozenset({"question", "choices", "answer"})
"""Keys of a row in our own form."""


def read_rows(facts: BenchmarkFacts, split: str, folder: Path | None, path: Path | None = None) -> list[Row] | None:
    """Rows of a split of a benchmark; None where there is no such split.

    Args:
        facts: of the benchmark.
        split: as the hub calls it.
        folder: folder of files, which may lie in folders of it; the hub is asked unless given.
        path: the file of test rows, of a benchmark that has no names of files.

    Raises:
        DataError: a file or a set is damaged, or a row of it cannot be asked.
        StorageError: a file cannot be read.
        UntrustedError: the hub is to be asked for what nobody has asked for.
        MissingExtraError: the hub is to be asked, and `datasets` is not installed.
    """
    if path is None and folder is None:
        return _on_hub(facts, split)
    file = _file(facts, split, folder) if path is None else _beside(path, split if split not in facts.test else "")
    return None if file is None else _in_our_form(_lines(file), facts, str(file))


def read_questions(path: Path) -> list[Row]:
    """Rows of a file that are only asked: in our form, with or without the place of the right answer.

    Raises:
        DataError: another ending, a damaged file, a row that cannot be asked, or none.
        StorageError: it cannot be read.
    """
    _beside(path, "")
    rows = []
    for where, raw in _lines(path):
        try:
            answer = raw.get("answer")
            row = as_is({**raw, "answer": [] if answer is None else answer})
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise DataError(
                f"{where} cannot be read ({type(error).__name__}: {error}); give question and choices (a list of texts)"
            ) from None
        check_row(row if row.right else replace(row, right=(0,)), where)
        rows.append(row)
    if not rows:
        raise DataError(f"{path} holds no questions")
    return with_ids(rows)


def wanted_files(facts: BenchmarkFacts, split: str) -> list[str]:
    """Names, without their ending, of files that may hold a split; without any split in it, the test rows."""
    return [
        f"{file}{middle}"
        for file in facts.files
        for middle in (f".{split}", f".{split}_subset", *([""] if split == facts.test[0] else []))
    ]


def _file(facts: BenchmarkFacts, split: str, folder: Path | None) -> Path | None:
    assert folder is not None
    with storage_errors("read", folder):
        if not folder.is_dir():
            raise DataError(f"{folder} is no folder; give the one that the files of the benchmarks lie in")
        places = [folder, *sorted(each for each in folder.iterdir() if each.is_dir())]
    found = (place / f"{name}{end}" for place in places for name in wanted_files(facts, split) for end in ENDINGS)
    return next((path for path in found if path.is_file()), None)


def _beside(path: Path, split: str) -> Path | None:
    """The file of a user's own, or the one of another split beside it."""
    if not path.name.endswith(ENDINGS):
        raise DataError(f"{path} is no file of questions; give one that ends in {' or '.join(ENDINGS)}")
    ending = next(end for end in ENDINGS if path.name.endswith(end))
    if not split:
        return path
    other = path.with_name(f"{path.name.removesuffix(ending)}.{split}{ending}")
    return other if other.is_file() else None


def _lines(path: Path) -> Iterator[tuple[str, Raw]]:
    """Rows of a file, each with its place for messages; lines end at line feeds alone: texts hold others."""
    try:
        with storage_errors("read", path):
            content = read_bounded(path, LARGEST_JSON)
        text = decoded(gzip.decompress(content) if path.suffix == ".gz" else content)
    except (TextError, gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise DataError(f"{path} is damaged: {error}") from None
    for number, line in enumerate(text.split("\n"), start=1):
        if line.strip():
            where = f"{path}, line {number}"
            try:
                yield where, from_json(line)
            except TextError as error:
                raise DataError(f"{where}: {error}") from None


def _on_hub(facts: BenchmarkFacts, split: str) -> list[Row] | None:
    if not facts.repo:
        return None
    let_out(f"hub(repo={facts.repo!r})")
    try:
        import datasets
    except ImportError:
        raise MissingExtraError(
            "benchmarks of the hub need datasets; pip install 'lrensemble[hub]', or give the folder of their files"
        ) from None
    try:
        splits = datasets.get_dataset_split_names(facts.repo, facts.config)
        found = datasets.load_dataset(facts.repo, facts.config, split=split) if split in splits else None
    except Exception as error:  # of the network, the hub, a file format: whatever it raises
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(
            f"{facts.repo} of the hub cannot be had: {reason}; give the folder of its files instead"
        ) from None
    if found is None:
        return None
    rows = ((f"{facts.repo}, {split} row {place}", row) for place, row in enumerate(found))
    return _in_our_form(rows, facts, f"{facts.repo} ({split})")


def _in_our_form(given: Iterator[tuple[str, Raw]], facts: BenchmarkFacts, where: str) -> list[Row]:
    rows = []
    for place, raw in given:
        try:
            row = (as_is if raw.keys() >= OURS else facts.layout)(raw)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            has = ", ".join(map(str, raw)) if isinstance(raw, dict) else type(raw).__name__
            raise DataError(
                f"{place} cannot be read ({type(error).__name__}: {error}); it has {has}; give question, choices (a "
                "list of texts) and answer (the place of the right one)"
            ) from None
        check_row(row, place)
        rows.append(row)
    if not rows:
        raise DataError(f"{where} holds no questions")
    return with_ids(rows)


def with_ids(rows: Sequence[Row]) -> list[Row]:
    """Rows with ids that tell them apart: their own, or their places where these are missing or not unique."""
    if len({row.id for row in rows} - {""}) == len(rows):
        return list(rows)
    return [replace(row, id=str(place)) for place, row in enumerate(rows)]
