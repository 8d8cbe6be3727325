"""One example of an instruction set: turns that end with an answer, whatever the record that it was read from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, get_args

from lrensemble.errors import DataError
from lrensemble.text import shortened

Role = Literal["system", "user", "assistant"]

ROLES: Mapping[object, Role] = {**{role: role for role in get_args(Role)}, "human": "user", "gpt": "assistant"}
"""What records call a role, ShareGPT's names among them."""


@dataclass(frozen=True)
class Turn:
    """What one of those who talk says."""

    role: Role
    text: str
    input: str = ""
    """What an instruction is to be applied to, where the record has it apart."""

    @property
    def whole(self) -> str:
        """Text, and on a line of its own the input."""
        return f"{self.text}\n{self.input}" if self.input else self.text


@dataclass(frozen=True)
class Example:
    """Turns of which the last is the answer of the assistant."""

    turns: tuple[Turn, ...]

    @property
    def prompt(self) -> str:
        """All that stands before the last answer, a turn a line."""
        return "\n".join(turn.whole for turn in self.turns[:-1])

    @property
    def answer(self) -> str:
        """What the assistant says last."""
        return self.turns[-1].text


def example_of(record: object) -> Example:
    """The example that a record holds: messages, an instruction with its output, or a prompt with its completion.

    Raises:
        DataError: it is none of these, a text is no text, a role is unknown, the last turn is not the assistant's, or
            nothing is asked. The message begins with what is wrong, and says not where.
    """
    if not isinstance(record, Mapping):
        raise DataError(f"{shortened(record)} is no record; {ALLOWED}")
    present = [columns for columns in KINDS if all(name in record for name in columns)]
    if not present:
        raise DataError(f"a record with {', '.join(map(str, record)) or 'nothing'} is no example; {ALLOWED}")
    # A table of several kinds of records has the columns of all, and null in those of the others.
    columns = max(present, key=lambda names: sum(record[name] is not None for name in names) / len(names))
    turns = KINDS[columns](record)
    if not turns or turns[-1].role != "assistant":
        raise DataError("the last turn is not the assistant's, and so there is no answer to learn; leave it out")
    example = Example(turns)
    if not example.prompt.strip():
        raise DataError("the prompt is empty; give some text before the answer")
    return example


def fingerprint(examples: Sequence[Example]) -> str:
    """SHA-256 of all texts in their order, in hexadecimal."""
    digest = hashlib.sha256()
    for example in examples:
        turns = [[turn.role, turn.text, turn.input] for turn in example.turns]
        digest.update(json.dumps(turns, ensure_ascii=True).encode() + b"\n")
    return digest.hexdigest()


def _messages(record: Mapping[str, Any], column: str, role: str, text: str) -> tuple[Turn, ...]:
    given = record[column]
    if (
        not isinstance(given, Sequence)
        or isinstance(given, str)
        or not all(isinstance(each, Mapping) for each in given)
    ):
        raise DataError(f"{column} is {shortened(given)}; it must be a list of records with {role} and {text}")
    return tuple(Turn(_role(each.get(role)), _text(each, text)) for each in given)


def _role(given: object) -> Role:
    if not isinstance(given, str) or given not in ROLES:
        raise DataError(f"{shortened(given)} is no role; known are {', '.join(map(str, ROLES))}")
    return ROLES[given]


def _text(record: Mapping[str, Any], column: str) -> str:
    given = record.get(column)
    if not isinstance(given, str):
        raise DataError(f"{column} is {shortened(given)}; it must be a text")
    try:
        given.encode()
    except UnicodeEncodeError as error:  # JSON can hold half of a letter, "\\ud83e", and no tokenizer takes it
        raise DataError(
            f"{column} holds {given[error.start]!r} at place {error.start}, which is half of a letter; leave it out"
        ) from None
    return given


def _instruction(record: Mapping[str, Any]) -> tuple[Turn, ...]:
    more = _text(record, "input") if record.get("input") is not None else ""
    return Turn("user", _text(record, "instruction"), more), _answer(record, "output")


def _completion(record: Mapping[str, Any]) -> tuple[Turn, ...]:
    return Turn("user", _text(record, "prompt")), _answer(record, "completion")


def _answer(record: Mapping[str, Any], column: str) -> Turn:
    """The answer of a record; a null is a blank one."""
    return Turn("assistant", "" if record[column] is None else _text(record, column))


KINDS: Mapping[tuple[str, ...], Callable[[Mapping[str, Any]], tuple[Turn, ...]]] = {
    ("messages",): lambda record: _messages(record, "messages", "role", "content"),
    ("conversations",): lambda record: _messages(record, "conversations", "from", "value"),
    ("instruction", "output"): _instruction,
    ("prompt", "completion"): _completion,
}
"""Columns that a record is recognised by, in the order in which they are looked for, and how it is read."""

ALLOWED = (
    "give messages (role, content), instruction and output (and input), or prompt and completion; "
    "columns of other names are named with columns"
)
