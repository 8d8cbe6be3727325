"""Where the command line writes: people read standard error, programs standard output."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Annotated

import typer
from rich.console import Console
from rich.status import Status
from rich.table import Table

people = Console(stderr=True, highlight=False, markup=False)  # brackets are lists here

Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable record to standard output.")]


Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="MODULE", help="A module that registers names, imported first; may be repeated."),
]


def import_given(plugins: list[str] | None) -> None:
    """Import the modules of `--plugin`.

    Raises:
        SpecError: one of them cannot be imported.
    """
    from lrensemble.registry import import_plugins

    import_plugins(plugins or ())


def print_json(record: object) -> None:
    """One JSON record to standard output."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")


def table(title: str, columns: Mapping[str, str]) -> Table:
    """An empty table; `columns` maps each heading to `left` or `right`."""
    made = Table(
        title=title or None, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0)
    )
    for heading, side in columns.items():
        made.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    return made


@contextmanager
def progress_of(work: str) -> Iterator[None]:
    """Show what is being done, and what the library logs of its progress: live on a terminal, else as plain lines."""
    with people.status(work) as status:
        handler = _Progress(work, status)
        logger = logging.getLogger("lrensemble")
        level = logger.level
        logger.setLevel(logging.INFO)
        logger.addHandler(handler)
        try:
            yield
        finally:
            logger.removeHandler(handler)
            logger.setLevel(level)


class _Progress(logging.Handler):
    """Hands on progress to a status line; warnings, and all where there is no terminal, are lines of their own."""

    def __init__(self, work: str, status: Status) -> None:
        super().__init__()
        self.work, self.status = work, status

    def emit(self, record: logging.LogRecord) -> None:
        """One message."""
        if people.is_terminal and record.levelno < logging.WARNING:
            self.status.update(f"{self.work}: {record.getMessage()}")
        else:
            people.print(f"{self.work}: {record.getMessage()}")


def percent(fraction: float | None) -> str:
    """A fraction as people read it: `97.22`; a dash where there is none."""
    return "–" if fraction is None else f"{100 * fraction:.2f}"


def names_of(load: Callable[[], list[str]]) -> Callable[[str], list[str]]:
    """Shell completion from a list that is loaded only when the shell asks."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in load() if name.startswith(incomplete)]

    return complete


def registered(plural: str) -> Callable[[str], list[str]]:
    """Shell completion of the names of a kind: `metrics`, `selectors`, …"""

    def load() -> list[str]:
        from lrensemble.registry import registry_of

        return registry_of(plural).names()

    return names_of(load)
