"""What a benchmark is: rows as their authors publish them, questions as a language model is asked, and the registry."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Self

from lrensemble.config.benchmarks import Normalisation
from lrensemble.errors import DataError
from lrensemble.registry import Call, Registry


@dataclass(frozen=True)
class Row:
    """One question as a file or a hub has it, in the one form that benchmarks read."""

    question: str
    choices: tuple[str, ...]
    right: tuple[int, ...]
    """Places of the right answers: one, or several where answers are judged together."""
    id: str = ""
    subject: str = ""


@dataclass(frozen=True)
class Question:
    """One question as a language model is asked: it is scored on each continuation, given the context before it."""

    id: str
    contexts: tuple[str, ...]
    """[answer] texts before the answers: one and the same, but where an answer is filled into the question."""
    continuations: tuple[str, ...]
    """[answer] texts whose log-likelihood is the answer's, with the blank before them."""
    right: tuple[int, ...]
    """Places of the right answers."""
    joint: bool = False
    """Whether answers are judged together, all right ones against all wrong ones."""
    preamble: str = ""
    """What stands before the first of the solved examples, or before the question itself."""
    part: str = ""
    """Name of the part of the benchmark that is a test set of its own; empty where it is one as a whole."""

    @property
    def answers(self) -> tuple[str, ...]:
        """[answer] texts of the answers, without the blank before them."""
        return tuple(text.removeprefix(" ") for text in self.continuations)

    @property
    def example(self) -> str:
        """The question with its right answer, for a prompt with solved examples."""
        return self.contexts[self.right[0]] + self.continuations[self.right[0]]

    def after(self, examples: str) -> Self:
        """The question with its preamble and solved examples before it."""
        before = self.preamble + examples
        return replace(self, preamble="", contexts=tuple(before + context for context in self.contexts))


def asked(row: Row, context: str, answers: tuple[str, ...] = (), **more: Any) -> Question:
    """Question of a row, with the answers behind one context.

    Args:
        row: the row.
        context: text before the answers.
        answers: texts that are scored; the row's choices unless given.
        more: further fields of the question.
    """
    continuations = tuple(f" {answer}" for answer in answers or row.choices)
    return Question(row.id, (context,) * len(continuations), continuations, row.right, **more)


LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"


def listed(row: Row) -> str:
    """The answers of a row by letters, a line each."""
    return "\n".join(f"{letter}. {choice}" for letter, choice in zip(LETTERS, row.choices, strict=False))


def lettered(row: Row, context: str, **more: Any) -> Question:
    """Question of a row whose answers are listed in the prompt: their letters are scored.

    Raises:
        DataError: more answers than letters.
    """
    if len(row.choices) > len(LETTERS):
        raise DataError(f"question {row.id} has {len(row.choices)} answers; {len(LETTERS)} can be listed by letters")
    return asked(row, context, tuple(LETTERS[: len(row.choices)]), **more)


Raw = Mapping[str, Any]
"""A row as a file or a hub has it."""


def as_is(raw: Raw) -> Row:
    """Row of a file in our own form: `question`, `choices`, and `answer`, the place of the right one.

    `id` and `subject` where it has them.
    """
    answer = raw["answer"]
    return Row(
        question=raw["question"],
        choices=tuple(raw["choices"]),
        right=tuple(answer) if isinstance(answer, list) else (answer,),
        id=str(raw.get("id", "")),
        subject=str(raw.get("subject", "")),
    )


@dataclass(frozen=True)
class BenchmarkFacts:
    """A benchmark says where its rows are, which of them are for what, and how its answers are compared."""

    normalisation: Normalisation = "sum"
    """How the answers' log-likelihoods are compared, unless asked otherwise."""
    files: tuple[str, ...] = ()
    """Beginnings of the names of its files; where there are none, its argument `path` is the file."""
    repo: str = ""
    """Name on the Hugging Face hub; empty where it has none."""
    config: str | None = None
    """Configuration there, of a set that has several."""
    layout: Callable[[Raw], Row] = field(default=as_is)
    """Its rows in our form, from those of the hub or of its authors."""
    test: tuple[str, ...] = ("test",)
    """Splits that may be the test rows: the first that there is."""
    val: tuple[str, ...] = ("validation",)
    """Splits that may be the validation rows: the first that there is, and that are not the test rows."""
    examples: tuple[str, ...] = ("train",)
    """Splits that solved examples may come from; none where its prompt has examples already."""


BENCHMARKS: Registry[Question | None, BenchmarkFacts] = Registry("benchmark", BenchmarkFacts, call=Call(("row",)))
"""Functions of (row, *, …own arguments) that return the question, or None for a row that is left out."""


def check_row(row: Row, where: str) -> None:
    """Refuse a row that nobody can be asked.

    Raises:
        DataError: no question, fewer than two answers, an empty one, or no right one among them.
    """
    if not (isinstance(row.question, str) and row.question.strip()):
        raise DataError(f"{where} has an empty question; give the text that is asked")
    if len(row.choices) < 2 or not all(isinstance(each, str) and each.strip() for each in row.choices):
        raise DataError(f"{where} has the answers {list(row.choices)}; give two texts or more, none of them empty")
    places = range(len(row.choices))
    if not row.right or not all(isinstance(place, int) and place in places for place in row.right):
        given = ", ".join(map(str, row.right)) or "none"
        raise DataError(
            f"{where} has no right answer ({given}); give the place of one, 0 to {len(row.choices) - 1} (some sets "
            "keep those of their test rows secret)"
        )


def right_first(question: Question) -> bool:
    """Whether the right answers are the first choice: of half of the questions, so that their place says nothing."""
    return hashlib.sha256(question.example.encode()).digest()[0] % 2 == 0
