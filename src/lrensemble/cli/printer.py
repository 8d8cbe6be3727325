"""The printers, one for answers and one for all else: no control character of a foreign text reaches the terminal.

Names of members, classes and files come from strangers. Control characters are escaped before text is measured for a
table, and once more where lines are put together; colours and the line of progress are added later.
"""

from __future__ import annotations

import io
import os
import re
import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.measure import Measurement
from rich.segment import Segment
from rich.status import Status
from rich.text import Text

from lrensemble.errors import StorageError
from lrensemble.text import escaped_json, visible

_AROUND_SIGNS = re.compile(r"(?<=\S) (?=(?:[=<>≤≥±×] |%))|(?<= [=<>≤≥±×]) (?=\S)")
"""Spaces inside `p = 0.03`, `2 × 10` and `95 %`."""
_UNBROKEN = "\ufdd0"
"""What stands for such a space until the lines are made: Rich breaks at every character that is a space for Python, the
no-break space too. Unicode assigns no character to it, now or ever."""


class OutputClosedError(Exception):
    """The reader of standard output is gone: a broken pipe, as of `| head`."""


class Printer(Console):
    """Prints for people, on standard error unless another file is given."""

    def __init__(self, **options: Any) -> None:
        # Brackets are lists, and colons are paths.
        super().__init__(stderr=True, highlight=False, markup=False, emoji=False, **options)
        self.verbose = False
        """Whether what the library notes for itself is told too."""

    def warn(self, *objects: Any, **options: Any) -> None:
        """Print what is told also where little is asked for: warnings, failures, errors."""
        quiet, self.quiet = self.quiet, False
        try:
            self.print(*objects, **options)
        finally:
            self.quiet = quiet

    def render_str(self, text: str, **options: Any) -> Text:
        """Text of one line, with control characters escaped before it is measured, that is not broken at signs."""
        return super().render_str(_AROUND_SIGNS.sub(_UNBROKEN, visible(text)), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Segments of the lines; those that move the cursor are the printer's own."""
        for part in super().render(renderable, options):
            text = part.text.replace(_UNBROKEN, " ")
            yield part if part.control else Segment(visible(text, keep="\n"), part.style)

    def status(self, status: RenderableType, **options: Any) -> Status:
        """Line with the current work; brackets in it are no markup."""
        return super().status(line_of(status) if isinstance(status, str) else status, **options)

    def on_broken_pipe(self) -> None:
        """Raise instead of ending the process.

        Raises:
            OutputClosedError: always.
        """
        raise OutputClosedError


def line_of(text: str) -> Text:
    """Foreign text as a part of a line of progress."""
    return Text(visible(text))


class Answers:
    """Prints what a command was asked for, on standard output."""

    def print(self, *objects: Any, **options: Any) -> None:
        """Print as `Console.print` does; in a pipe or a file no table is folded, and no line ends in spaces.

        Raises:
            StorageError, OutputClosedError: as `print_answer` does.
        """
        terminal = sys.stdout is not None and sys.stdout.isatty()
        text = io.StringIO()
        printer = Printer(file=text, force_terminal=terminal or None)
        if not terminal and "COLUMNS" not in os.environ and len(objects) == 1 and hasattr(objects[0], "__rich__"):
            widest = printer.options.update(width=WIDEST)
            options.setdefault("width", Measurement.get(printer, widest, objects[0]).maximum)
        printer.print(*objects, **options)
        print_answer(text.getvalue() if terminal else re.sub(r" +$", "", text.getvalue(), flags=re.MULTILINE))

    @property
    def encoding(self) -> str:
        """Encoding of standard output."""
        return (getattr(sys.stdout, "encoding", None) or "utf-8").lower()


WIDEST = 10_000
"""Columns that a line of a table in a pipe has at most."""


people = Printer()
"""Progress, notes and errors: what nobody asked for."""


def print_answer(text: str) -> None:
    """Write an answer (CSV or JSON) to standard output.

    Raises:
        StorageError: it cannot be written, on a full disk, say.
        OutputClosedError: the reader is gone.
    """
    if sys.stdout is None:
        raise StorageError("cannot write to standard output: it is closed")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise OutputClosedError from None
    except OSError as error:
        raise StorageError(f"cannot write to standard output: {error.strerror or error}") from None


def print_json_text(text: str) -> None:
    """Write a record to standard output, control characters and those that cannot be encoded escaped.

    Raises:
        StorageError, OutputClosedError: as `print_answer` does.
    """
    print_answer(escaped_json(text, getattr(sys.stdout, "encoding", None)) + "\n")


answers = Answers()
"""What a command was asked for."""
