"""The command line: one file per verb, heavy imports inside the verbs, so that `--help` answers at once.

Exit statuses are told in `ending`: 0 good, 1 failures, 2 a user's mistake told in one line, 128 + N ended by signal N.
What is meant for people goes to standard error; `--json` prints one machine-readable record to standard output.
"""

from __future__ import annotations

import atexit
import gc
import signal
import sys
from contextvars import copy_context
from functools import cache
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Any, NoReturn

import typer
from rich.markup import escape

from lrensemble.cli.ending import ended
from lrensemble.cli.loudness import Quiet, Verb, Verbose
from lrensemble.cli.printer import print_answer

VERBS = (
    "run",
    "tune",
    "study",
    "range_test",
    "pretrain",
    "collect",
    "adopt",
    "select",
    "evaluate",
    "benchmark",
    "report",
    "dashboard",
    "export",
    "predict",
    "serve",
    "generate",
    "combine",
    "ls",
    "status",
    "show",
    "plot",
    "reproduce",
    "rename",
    "rm",
    "slim",
    "merge",
)
"""A verb is a file with a function of its name, a function `output` that gives the type of what `--json` prints, and
`EXAMPLES`, commands that `--help` ends with."""

_GOES_ON = "interrupted; the same command continues where it stopped"
AFTER_INTERRUPT = dict.fromkeys(("run", "tune", "study"), _GOES_ON) | {
    "dashboard": "interrupted; the dashboard has ended, and the pools are as they were"
}
"""Last line after Ctrl-C or SIGTERM, by verb; of the others that nothing is left half-done."""

app = typer.Typer(
    name="lrensemble",
    help="Keep every model that a learning-rate sweep trains, and get the best ensemble out of them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _add(verb: str) -> None:
    module = import_module(f"{__name__}.{verb}")
    examples = "\n".join(f"$ {escape(line)}" for line in module.EXAMPLES)
    app.command(cls=Verb, epilog=f"[bold]Examples[/bold]\n{examples}")(getattr(module, verb))


for each in VERBS:
    _add(each)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_answer(f"lrensemble {version('lrensemble')}\n")
        raise typer.Exit


@app.callback()
def _root(
    _quiet: Quiet = False,
    _verbose: Verbose = False,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version and end.")
    ] = False,
) -> None:
    """Keep every model that a learning-rate sweep trains, and get the best ensemble out of them."""


@cache
def program() -> Any:
    """All verbs, read from their functions: once in a process, for that takes as long as most commands."""
    return typer.main.get_command(app)


COLLECTIONS = 100
"""Collections of younger objects for each one of all that there is, ten times Python's own number: what is imported
stays, and to look through torch again and again took a tenth of a short command's time."""


def main() -> NoReturn:
    """Run the command line, and end in one line and an exit status whatever happens."""
    gc.set_threshold(*gc.get_threshold()[:2], COLLECTIONS)
    verb_given = next((word for word in sys.argv[1:] if not word.startswith("-")), "")
    status = ended(
        lambda: copy_context().run(program().main, standalone_mode=False) or 0,
        AFTER_INTERRUPT.get(verb_given, "interrupted; nothing half-written is left, and the same command begins again"),
    )
    atexit.unregister(_let_interrupts_end)
    atexit.register(_let_interrupts_end)  # the last is called first
    sys.exit(status)


def _let_interrupts_end() -> None:
    """Let Ctrl-C end the process at once, without a traceback, when nothing is left to do but what libraries do at
    exit: Ray waits for half a second and then for its processes.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
