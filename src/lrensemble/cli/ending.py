"""Ending of the command line, whatever happens: one line for people, an exit status, and a traceback in a file."""

from __future__ import annotations

import contextlib
import logging
import os
import platform
import sys
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import typer

from lrensemble.cli.loudness import Lines, be_usual
from lrensemble.cli.printer import OutputClosedError, people, print_answer
from lrensemble.errors import LREnsembleError, StorageError
from lrensemble.files import keep_somewhere
from lrensemble.text import visible

BUG, MISTAKE, BROKEN_PIPE = 1, 2, 141
"""Exit statuses; the last is what a shell reports of a program that a broken pipe has ended."""

USUAL_COLUMNS = 80
"""Width of what is no terminal, or does not say how wide it is."""

CTRL_C = 130
OUT_OF_TIME = 124
"""Exit status after `--hours`, which is that of the `timeout` of GNU."""
INTERRUPTED = (CTRL_C, 143, 129, 149)
"""Exit status after Ctrl-C, which typer turns into it, and after SIGTERM, SIGHUP and Ctrl-Break: 128 + the signal."""

STATUSES = {
    0: "Good.",
    BUG: "It found failures (a member failed, a method without a team), or was ended by a bug or the system.",
    MISTAKE: "A mistake in what was asked for, told in one line.",
    CTRL_C: "Interrupted by Ctrl-C; what was trained so far is saved.",
    OUT_OF_TIME: "The hours are over and runs are missing; what was begun is saved, and the same command goes on.",
    143: "Ended by SIGTERM; what was trained so far is saved.",
    129: "Ended by SIGHUP, as when a terminal is closed; what was trained so far is saved.",
    149: "Ended by Ctrl-Break, on Windows; what was trained so far is saved.",
    BROKEN_PIPE: "Nobody reads what is printed any more (`| head`).",
}
"""The meaning of every exit status, for the reference."""


def ended(run: Callable[[], int], after_interrupt: str) -> int:
    """Exit status of a run; where it did not end well, one line on standard error says why.

    Args:
        run: function that returns an exit status.
        after_interrupt: line that is printed after Ctrl-C.
    """
    try:
        with surroundings():
            status = _status_of(run)
            if sys.stdout is not None and status not in INTERRUPTED:  # the terminal may have gone with the session
                print_answer("")  # flushed here, where a failure can still be reported
    except OutputClosedError:
        status = BROKEN_PIPE
    except KeyboardInterrupt:
        status = CTRL_C
    except LREnsembleError as error:
        status = _print_line(str(error), MISTAKE)
    except typer.TyperException as error:
        status = _print_line(_of_usage(error), MISTAKE)
    except BaseException as error:  # of ours, of a library, of the system: nothing is shown in twenty lines
        status = _print_line(_unexpected_error(error), BUG)
    if status in INTERRUPTED:
        _print_line(after_interrupt, status, "")
    if status:
        _discard_unwritten()
    return status


def _status_of(run: Callable[[], int]) -> int:
    streams = sys.stdout, sys.stderr
    try:
        return run()
    except KeyboardInterrupt:
        return CTRL_C
    except typer.Abort as stop:
        if isinstance(stop.__cause__, EOFError):  # of a damaged file, say: nobody was asked anything
            raise stop.__cause__ from None
        return BUG
    except OSError as error:
        if (answer := _of_help(error)) is error:
            raise
        raise answer from None
    except SystemExit as stop:
        if isinstance(stop.__context__, OSError) and streams != (sys.stdout, sys.stderr):
            # Typer takes every broken pipe for ours, and puts something in the place of the streams.
            sys.stdout, sys.stderr = streams
            raise _of_help(stop.__context__) from None
        if isinstance(stop.__context__, BrokenPipeError):  # how rich ends where nobody reads the help
            raise OutputClosedError from None
        return stop.code if isinstance(stop.code, int) else int(stop.code is not None)


def _of_help(error: OSError) -> Exception:
    """What an error is where typer was writing the help, which is an answer as well; else the error itself."""
    if not {frame.name for frame in traceback.extract_tb(error.__traceback__)} & {"get_help", "show_help"}:
        return error
    if isinstance(error, BrokenPipeError):
        return OutputClosedError()
    return StorageError(f"cannot write to standard output: {error.strerror or error}")


def _print_line(message: str, status: int, prefix: str = "lrensemble: ") -> int:
    """One line to standard error, where there is one."""
    with contextlib.suppress(OutputClosedError, OSError, ValueError):
        if message:  # where no verb is given, all is said in the help
            people.warn(f"{prefix}{' '.join(message.split())}", soft_wrap=True)
    return status


def _of_usage(error: typer.TyperException) -> str:
    """Line on what was not given as it must be, with the command that says how, where nothing else does."""
    said, context = error.format_message(), getattr(error, "ctx", None)
    if not said or context is None or said.endswith("?") or said.startswith("Invalid value"):
        return said
    verb = f" {context.info_name}" if context.parent is not None else ""
    return f"{said.rstrip('.')}; see lrensemble{verb} --help"


def _unexpected_error(error: BaseException) -> str:
    """Line on an unexpected error, with the file of its traceback."""
    kind = type(error).__name__
    message = " ".join(str(error).split())
    what = "out of memory" if isinstance(error, MemoryError) else f"{kind}: {message}" if message else kind
    if people.verbose:
        with contextlib.suppress(OutputClosedError, OSError, ValueError):
            people.print("".join(traceback.format_exception(error)), soft_wrap=True)
    kept = keep_traceback(error)
    if kept is None:
        frames = traceback.extract_tb(error.__traceback__)
        place = f" ({frames[-1].filename}, line {frames[-1].lineno})" if frames else ""
        return f"ended by {what}{place}; there is no room for a file with the traceback"
    outside = isinstance(error, OSError | MemoryError)
    return f"ended by {what}; the traceback is in {kept}" + ("" if outside else "; please report it, it is a bug")


def keep_traceback(error: BaseException) -> Path | None:
    """A new file with the traceback, not in the current folder, which may be a pool; None where there is no room."""
    lines = [
        f"lrensemble {_version()}, Python {platform.python_version()}, {platform.platform()}\n",
        f"{sys.argv}\n\n",
        *traceback.format_exception(error),
    ]
    content = visible("".join(lines), keep="\n").encode()
    return keep_somewhere(content, "lrensemble-traceback-", ".txt")


def _version() -> str:
    from importlib import metadata

    try:
        return metadata.version("lrensemble")
    except metadata.PackageNotFoundError:
        return "of unknown version"


def _discard_unwritten() -> None:
    """Discard what is buffered for a stream that cannot be written, so that Python does not try again at exit."""
    for stream, descriptor in ((sys.stdout, 1), (sys.stderr, 2)):
        try:
            if stream is not None:
                stream.flush()
        except (OSError, ValueError):
            with contextlib.suppress(OSError):
                nowhere = os.open(os.devnull, os.O_WRONLY)
                os.dup2(nowhere, descriptor)
                os.close(nowhere)


def _forget_no_columns() -> None:
    """Take `COLUMNS=0`, as some terminals of containers have it, for no width: Rich would print nothing at all."""
    if not os.environ.get("COLUMNS", "").strip("0") and os.environ.pop("COLUMNS", ""):
        people.width = USUAL_COLUMNS
        with contextlib.suppress(OSError, ValueError, AttributeError):  # closed, or no terminal
            people.width = os.get_terminal_size(sys.stderr.fileno()).columns or USUAL_COLUMNS


@contextmanager
def surroundings() -> Iterator[None]:
    """Context of a command: warnings of libraries pass the printer, and every character can be printed."""
    _take_closed_descriptors()
    _forget_no_columns()
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    last, safe_path = logging.lastResort, os.environ.get("PYTHONSAFEPATH")
    logging.lastResort = Lines(people)
    os.environ["PYTHONSAFEPATH"] = "1"  # nor do processes that we start import from the current folder
    try:
        with warnings.catch_warnings():
            warnings.showwarning = _show_warning
            yield
    finally:
        logging.lastResort = last
        be_usual()
        if safe_path is None:
            os.environ.pop("PYTHONSAFEPATH", None)


def _take_closed_descriptors() -> None:
    """Open os.devnull for closed streams: else a file of a pool could get their descriptor, and what is printed."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            with contextlib.suppress(OSError):
                os.open(os.devnull, os.O_RDWR)


def _show_warning(
    message: Warning | str,
    category: type[Warning],
    filename: str,  # noqa: ARG001
    lineno: int,  # noqa: ARG001
    file: TextIO | None = None,  # noqa: ARG001
    line: str | None = None,  # noqa: ARG001
) -> None:
    people.warn(f"{category.__name__}: {' '.join(str(message).split())}", soft_wrap=True)
