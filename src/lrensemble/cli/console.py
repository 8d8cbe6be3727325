"""Output of the command line: answers on standard output, all else on standard error."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.status import Status

from lrensemble.cli.printer import answers, line_of, people, print_answer, print_json_text
from lrensemble.cli.tables import Form, Format, Table, written

if TYPE_CHECKING:
    from lrensemble.pool import Pool

__all__ = [
    "Form",
    "Format",
    "Json",
    "Plugins",
    "RawFormulas",
    "Table",
    "TableFile",
    "TrustCode",
    "answers",
    "form_of",
    "import_given",
    "names_of",
    "open_pool",
    "people",
    "percent",
    "print_json",
    "print_tables",
    "progress_of",
    "registered",
    "writable",
]

Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable record to standard output.")]


Plugins = Annotated[
    list[str] | None,
    typer.Option("--plugin", metavar="MODULE", help="A module that registers names, imported first; may be repeated."),
]


TrustCode = Annotated[
    bool,
    typer.Option(
        "--trust-code",
        help="Import code and ask hubs as the folder says: only where you know who made it.",
    ),
]


def writable(path: Path | None) -> Path | None:
    """The value of an option whose file or folder is written in the end, if it can be: for the option's `callback`.

    Raises:
        StorageError: nothing can be written there.
    """
    from lrensemble.files import check_writable

    if path is not None:
        check_writable(path)
    return path


TableFile = Annotated[
    Path | None,
    typer.Option(
        help="Write the table to this .csv or .parquet file; to standard output unless given.", callback=writable
    ),
]
RawFormulas = Annotated[
    bool,
    typer.Option("--raw-formulas", help="Leave names that a spreadsheet takes for formulas as they are, in CSV."),
]


def open_pool(folder: Path, plugins: list[str] | None = None, trust_code: bool = False) -> Pool:
    """A pool that may come from elsewhere, and the modules of `--plugin`.

    Unless it is trusted, nothing that it names is imported or asked of a hub for the rest of the command.

    Raises:
        SpecError: a plugin cannot be imported.
        PoolError: there is no pool, or it is damaged.
    """
    from lrensemble.pool import Pool
    from lrensemble.registry import close_gate

    import_given(plugins)
    if not trust_code:
        close_gate(str(folder))
    return Pool.open(folder, trust_code=trust_code)


def import_given(plugins: list[str] | None) -> None:
    """Import the modules of `--plugin`.

    Raises:
        SpecError: one of them cannot be imported.
    """
    from lrensemble.registry import import_plugins

    import_plugins(plugins or ())


def print_json(record: object) -> None:
    """One JSON record to standard output."""
    print_json_text(json.dumps(record, ensure_ascii=False, allow_nan=False))


def form_of(given: Form, json: bool) -> Form:
    """Form of an answer; `--json` is short for `--format json`."""
    return "json" if json else given


def print_tables(tables: Sequence[Table], form: Form) -> None:
    """Print tables as an answer: with a line between them on a terminal, or as CSV, Markdown or LaTeX."""
    if form not in ("table", "json"):
        print_answer(written(tables, form))
        return
    for place, each in enumerate(tables):
        if place:
            answers.print()
        answers.print(each)


@contextmanager
def progress_of(work: str) -> Iterator[None]:
    """Show the current work and the progress that the library logs: live on a terminal, else as plain lines."""
    if people.verbose:  # all of it is told, each a line
        yield
        return
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
    """Handler that shows progress in a status line; warnings, and all without a terminal, are lines of their own."""

    def __init__(self, work: str, status: Status) -> None:
        super().__init__()
        self.work, self.status = work, status

    def emit(self, record: logging.LogRecord) -> None:
        """Show one record."""
        line = f"{self.work}: {' '.join(record.getMessage().split())}"
        if record.levelno >= logging.WARNING:
            people.warn(line)
        elif people.is_terminal:
            self.status.update(line_of(line))
        else:
            people.print(line, soft_wrap=True)


def percent(fraction: float | None) -> str:
    """Fraction in percent, `97.22`; a dash where there is none."""
    return "–" if fraction is None else f"{100 * fraction:.2f}"


def names_of(load: Callable[[], list[str]]) -> Callable[[str], list[str]]:
    """Shell completion from a list that is loaded only when the shell asks."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in load() if name.startswith(incomplete)]

    return complete


def registered(plural: str) -> Callable[[str], list[str]]:
    """Shell completion of the names of a kind: `metrics`, `selectors`, …"""

    def load() -> list[str]:
        from lrensemble.registry import written_names

        return written_names(plural)

    return names_of(load)
