"""One input of the fuzzing: a folder that was prepared, a command in it, and what the command may do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Arguments = tuple[str, ...]


@dataclass(frozen=True)
class Output:
    """What a command gave, without what differs from run to run."""

    status: int
    printed: Any
    """Its JSON, or its text."""
    files: dict[str, str]
    """By name, the content of what it wrote to `out/`."""


@dataclass(frozen=True)
class Case:
    """A command in a folder of its own."""

    does: str
    """What is unusual about the input, for people."""
    arguments: Arguments
    """Of `lrensemble`; with `-` first, of a check of `tests.fuzz.checks`."""
    writes: tuple[str, ...] = ("out",)
    """Beginnings of the paths that the command may make or change; nothing else may differ afterwards."""
    wanted: Output | None = None
    """What the undisturbed command gave: the same, or a refusal. Where there is none, every answer will do."""
    unless: str = ""
    """What the command says where it does without the damaged part, and so may give something else."""
    then: tuple[Arguments, ...] = ()
    """Commands that must succeed where this one did."""
    long: bool = False
    """Whether it may be asked for more work than there is time: it is interrupted then, and must stop."""
