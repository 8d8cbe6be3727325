"""The command line: one file per verb, heavy imports inside the verbs, so that `--help` answers at once.

Exit status: 0 good, 1 ran but found failures (a member failed, say), 2 a user's mistake told in one line, 128 + N
ended by signal N, with what was trained so far saved: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP.
What is meant for people goes to standard error; `--json` prints one machine-readable record to standard output.
"""

from __future__ import annotations

import sys
from contextlib import suppress

import typer

from lrensemble.cli.collect import collect
from lrensemble.cli.console import people
from lrensemble.cli.evaluate import evaluate
from lrensemble.cli.export import export
from lrensemble.cli.ls import ls
from lrensemble.cli.predict import predict
from lrensemble.cli.range_test import range_test
from lrensemble.cli.report import report
from lrensemble.cli.rm import rm
from lrensemble.cli.run import run
from lrensemble.cli.select import select
from lrensemble.cli.tune import tune
from lrensemble.errors import LREnsembleError

INTERRUPTED = (130, 143, 129, 149)
"""Exit status after Ctrl-C, which typer turns into it, and after SIGTERM, SIGHUP and Ctrl-Break: 128 + the signal."""

app = typer.Typer(
    name="lrensemble",
    help="Keep every model that a learning-rate sweep trains, and get the best ensemble out of them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for verb in (run, tune, range_test, collect, select, evaluate, report, export, predict, ls, rm):
    app.command()(verb)


@app.callback()
def _root() -> None:
    """Keep every model that a learning-rate sweep trains, and get the best ensemble out of them."""


def main() -> None:
    """Run the command line; our own errors, and only those, become one line and exit status 2."""
    sys.path.insert(0, "")  # so that package.module:function is found in the current folder, as with python -m
    try:
        status = typer.main.get_command(app).main(standalone_mode=False)
    except LREnsembleError as error:
        _fail(str(error))
    except typer.TyperException as error:
        _fail(error.format_message())
    if status in INTERRUPTED:
        goes_on = sys.argv[1:2] in (["run"], ["tune"])
        with suppress(OSError):  # the terminal may have gone with the session
            people.print(
                "interrupted; the same command continues where it stopped"
                if goes_on
                else "interrupted; nothing half-written is left, and the same command begins again"
            )
    sys.exit(status or 0)


def _fail(message: str) -> None:
    people.print(f"lrensemble: {' '.join(message.split())}", soft_wrap=True)
    sys.exit(2)
