"""Texts of any files, as documents: what a small language model is pre-trained on."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from lrensemble.errors import DataError
from lrensemble.files import storage_errors
from lrensemble.text import TextError, from_json
from lrensemble.text.reading import decoded

LARGEST = 1 << 30
"""Bytes of a file, unpacked, at most."""
DOCUMENT = 2000
"""Characters from which on the paragraphs of a plain text make a document."""

_BLANK_LINE = re.compile(r"\n\s*\n")


@dataclass(frozen=True)
class TextFile:
    """A file of texts, plain or JSON lines, perhaps packed by gzip, and what of it is text."""

    path: Path
    field: str = "text"
    """Field of a line of JSON that is its text. A multiple-choice question that has no such field is read as question
    and right answer."""
    until: str = ""
    """Mark whose last occurrence ends a text; what follows it is left out."""


def diet(folder: Path) -> tuple[TextFile, ...]:
    """Passages, questions, an encyclopedia and a poet, without a single instruction, from a folder of data sets.

    What is fine-tuned on instructions has something to learn then.
    """
    questions, corpora = folder / "mcq", folder / "text-corpora"
    return (
        TextFile(questions / "boolq.train.jsonl.gz", "question", until="\nQuestion:"),
        TextFile(questions / "sciq.validation.jsonl.gz", "support"),
        TextFile(questions / "piqa.train.jsonl.gz"),
        TextFile(corpora / "wikitext-2.valid.tokens.txt.gz"),
        TextFile(corpora / "tinyshakespeare.txt.gz"),
    )


def documents(files: Sequence[TextFile]) -> list[str]:
    """The texts of all files in their order, each once, without those that are empty.

    Raises:
        DataError: a file is no text, or a line no JSON, or a record has no such field.
        StorageError: a file cannot be read.
    """
    found = (text.strip() for file in files for text in _texts(file))
    return list(dict.fromkeys(filter(None, found)))


def _texts(file: TextFile) -> Iterator[str]:
    text = _read(file.path)
    names = [suffix for suffix in file.path.suffixes if suffix != ".gz"]
    if names[-1:] in ([".jsonl"], [".ndjson"]):
        for number, line in enumerate(text.split("\n"), 1):  # a text may hold other ends of lines
            if line.strip():
                yield _cut(_of_record(line, f"{file.path}, line {number}", file.field), file.until)
    elif names[-1:] in ([".json"], [".parquet"], [".csv"]):
        raise DataError(f"{file.path} is no plain text; give .txt, or .jsonl with a record a line, or either as .gz")
    else:
        yield from (_cut(each, file.until) for each in _documents_of(text))


def _read(path: Path) -> str:
    try:
        with storage_errors("read", path), path.open("rb") as file:
            packed = file.read(2) == b"\x1f\x8b"
            file.seek(0)
            content = (gzip.GzipFile(fileobj=file) if packed else file).read(LARGEST + 1)
        if len(content) > LARGEST:
            raise TextError(f"it is larger than {LARGEST >> 20} MiB")
        return decoded(content)
    except (TextError, EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"{path} cannot be used: {error}") from None


def _of_record(line: str, place: str, field: str) -> str:
    try:
        record = from_json(line)
    except TextError as error:
        raise DataError(f"{place} is {error}") from None
    if not isinstance(record, dict):
        raise DataError(f"{place} holds no record; each line must be an object of JSON")
    match record:
        case {"question": str(question), "choices": list(choices), "answer": int(answer)} if (
            field not in record and 0 <= answer < len(choices)
        ):
            return f"Question: {question}\nAnswer: {choices[answer]}"
    if not isinstance(text := record.get(field), str):
        raise DataError(f"{place} has no text in a field {field!r}; its fields are {', '.join(map(repr, record))}")
    return text


def _documents_of(text: str) -> Iterator[str]:
    """Paragraphs, put together until they are long enough."""
    waiting: list[str] = []
    for paragraph in _BLANK_LINE.split(text):
        waiting.append(paragraph)
        if sum(map(len, waiting)) >= DOCUMENT:
            yield "\n\n".join(waiting)
            waiting = []
    yield "\n\n".join(waiting)


def _cut(text: str, until: str) -> str:
    return text.rpartition(until)[0] if until and until in text else text
