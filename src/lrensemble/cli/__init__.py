"""The command line: one file per verb, heavy imports inside the verbs, so that `--help` answers at once.

Exit status: 0 good, 1 ran but found failures (a member failed, say) or ended by a bug, 2 a user's mistake told in one
line, 128 + N ended by signal N, with what was trained so far saved: 130 Ctrl-C, 143 SIGTERM, 129 SIGHUP, and 141
where nobody reads what is printed any more (`| head`).
What is meant for people goes to standard error; `--json` prints one machine-readable record to standard output.
"""

from __future__ import annotations

import sys
from contextvars import copy_context
from typing import NoReturn

import typer

from lrensemble.cli.collect import collect
from lrensemble.cli.ending import ended
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


def main() -> NoReturn:
    """Run the command line, and end in one line and an exit status whatever happens."""
    goes_on = sys.argv[1:2] in (["run"], ["tune"])
    sys.exit(
        ended(
            lambda: copy_context().run(typer.main.get_command(app).main, standalone_mode=False) or 0,
            "interrupted; the same command continues where it stopped"
            if goes_on
            else "interrupted; nothing half-written is left, and the same command begins again",
        )
    )
