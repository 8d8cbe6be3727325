"""Texts of the questions that a pool's members were asked: kept beside the pool, for people to read.

```
POOL/questions.json     by split, in the order of its rows, the question and its choices
```
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated

from pydantic import Field

from lrensemble.config import Record
from lrensemble.errors import PoolError
from lrensemble.files import seal, storage_errors, write_whole
from lrensemble.language.benchmarks.base import Question, right_first
from lrensemble.pool import Pool
from lrensemble.pool.sealed import unseal

QUESTIONS = "questions.json"


class QuestionText(Record):
    """One row of a pool of multiple-choice answers, as people read it."""

    question: str
    """The question itself, without the solved examples before it."""
    choices: Annotated[tuple[str, ...], Field(strict=False)]
    """[choice] texts, in the order of the pool's predictions."""


class _Questions(Record):
    questions: dict[str, Annotated[tuple[QuestionText, ...], Field(strict=False)]]


def text_of(question: Question) -> QuestionText:
    """A question and its choices in the order of `choice_log_probs`."""
    first = question.contexts[0]
    if question.joint:
        right = "; ".join(question.answers[place] for place in question.right)
        wrong = "; ".join(text for place, text in enumerate(question.answers) if place not in question.right)
        return QuestionText(question=_last(first), choices=(right, wrong) if right_first(question) else (wrong, right))
    if len(set(question.contexts)) == 1:
        return QuestionText(question=_last(first), choices=question.answers)
    shared = _beginning(question.contexts)
    shared = shared[: shared.rfind(" ") + 1]  # answers are filled in, and may begin with the same letters
    filled = tuple(context.removeprefix(shared).strip() or context for context in question.contexts)
    return QuestionText(question=f"{_last(shared)} _{question.continuations[0]}", choices=filled)


def write_questions(folder: Path, texts: Mapping[str, Sequence[QuestionText]]) -> None:
    """Write the texts of a pool's questions, if it has none yet; one that was given none is left as it is.

    Raises:
        StorageError: it cannot be written.
    """
    path = folder / QUESTIONS
    if texts and not path.exists():
        content = {split: [each.model_dump(mode="json") for each in own] for split, own in texts.items()}
        write_whole(path, seal({"questions": content}))


def read_questions(pool: Pool) -> dict[str, tuple[QuestionText, ...]]:
    """Texts of the questions of a pool, by split; empty where none were kept.

    Raises:
        PoolError: the file is damaged, or of other rows than the pool's.
        StorageError: it cannot be read.
    """
    path = pool.folder / QUESTIONS
    with storage_errors("read", path):
        if not path.is_file():
            return {}
    found = unseal(_Questions, path).questions
    for split, texts in found.items():
        known = pool.task.splits.get(split)
        if known is None or known.size != len(texts):
            has = "no such split" if known is None else f"{known.size} rows of it"
            raise PoolError(f"{path} has {len(texts)} questions of {split}, and the pool has {has}; remove {path}")
    return found


def _beginning(texts: Sequence[str]) -> str:
    """What all texts begin with."""
    low, high = min(texts), max(texts)
    place = next((place for place, letter in enumerate(low) if high[place : place + 1] != letter), len(low))
    return low[:place]


def _last(context: str) -> str:
    """The last block of a text, which solved examples may stand before."""
    return context.strip().rpartition("\n\n")[2]
