"""The one printer: whatever is printed for people passes here, and no character of anybody's text acts on the terminal.

Names of members, classes and files come from strangers. What acts in them is written out before the text is measured
for a table, and once more where the lines are made of parts; colours and the moving line of progress are added later.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.status import Status
from rich.text import Text

from lrensemble.errors import StorageError
from lrensemble.text import escaped_json, visible


class UnheardError(Exception):
    """Whoever read what we print is gone: a broken pipe, as of `| head`."""


class Printer(Console):
    """Prints for people, on standard error."""

    def __init__(self) -> None:
        super().__init__(stderr=True, highlight=False, markup=False, emoji=False)  # brackets are lists, colons paths

    def render_str(self, text: str, **options: Any) -> Text:
        """Text as it is shown and measured: of one line."""
        return super().render_str(visible(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """The parts that lines are made of; those that move the cursor are the printer's own."""
        for part in super().render(renderable, options):
            yield part if part.control else Segment(visible(part.text, keep="\n"), part.style)

    def status(self, status: RenderableType, **options: Any) -> Status:
        """A line that tells what is being done; brackets in it are no markup."""
        return super().status(line_of(status) if isinstance(status, str) else status, **options)

    def on_broken_pipe(self) -> None:
        """Nobody reads this any more.

        Raises:
            UnheardError: always.
        """
        raise UnheardError


def line_of(text: str) -> Text:
    """Anybody's text as a part of a line that changes."""
    return Text(visible(text))


people = Printer()


def print_answer(text: str) -> None:
    """What was asked for, to standard output: CSV or JSON.

    Raises:
        StorageError: it cannot be written, on a full disk, say.
        UnheardError: nobody reads it any more.
    """
    if sys.stdout is None:
        raise StorageError("cannot write to standard output: it is closed")
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        raise UnheardError from None
    except OSError as error:
        raise StorageError(f"cannot write to standard output: {error.strerror or error}") from None


def print_json_text(text: str) -> None:
    """A record to standard output, in which no character acts and every one can be encoded.

    Raises:
        StorageError, UnheardError: as `print_answer` does.
    """
    print_answer(escaped_json(text, getattr(sys.stdout, "encoding", None)) + "\n")
