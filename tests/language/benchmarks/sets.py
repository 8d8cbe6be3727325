"""Small files of questions, in the form that the shared ones have."""

import gzip
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

WORDS = ("the", "other", "thing", "is", "in", "and", "one", "to", "or", "ten")


def rows_of(count: int, *, answers: int = 3, first: int = 0, uneven: bool = False) -> list[dict[str, Any]]:
    """Questions of words, no two alike, whose right answers are in every place."""
    found = []
    for number in range(first, first + count):
        many = answers - (number % 2 if uneven else 0)
        choices = [f"{WORDS[(number + 3 * place) % 10]} {number + place}" for place in range(many)]
        question = f"what is {WORDS[number % 10]} {number}?"
        found.append({"id": f"q{number}", "question": question, "choices": choices, "answer": number % many})
    return found


def write(path: Path, rows: Sequence[Mapping[str, Any]]) -> Path:
    """Write rows as JSON lines, compressed where the name says so."""
    text = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in rows)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path
