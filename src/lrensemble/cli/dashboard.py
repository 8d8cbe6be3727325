"""`lrensemble dashboard`: the page of pools while they are trained."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.beside import open_browser
from lrensemble.cli.console import Json, Plugins, TrustCode, import_given, people, print_json
from lrensemble.cli.listening import address_of, listen

if TYPE_CHECKING:
    from lrensemble.train.run.session import Interrupt

PORT, TRIES = 8123, 20
"""Port that is tried first where none is asked for, and how many behind it."""

SECONDS_BETWEEN = 5.0
"""Seconds between two looks at a pool whose study is written."""


class Served(TypedDict):
    """A dashboard that is served from now on."""

    address: str
    """Address of the pool's page, or of that which compares several."""
    pools: list[str]
    """Folders of the pools."""


EXAMPLES = (
    "lrensemble dashboard pool",
    "lrensemble dashboard runs/a/pool runs/b/pool --port 9000",
    "lrensemble dashboard pool --optuna study.log",
)


def output() -> Any:
    """Address of the page, printed once it is served."""
    return Served


def dashboard(
    pool: Annotated[list[Path], typer.Argument(help="Folder of a pool, there already or yet to be made.")],
    host: Annotated[
        str, typer.Option(help="Address to listen at; 0.0.0.0 shows the page to other machines.")
    ] = "127.0.0.1",
    port: Annotated[
        int | None, typer.Option(help="Port; 8123 or the next free one unless given, 0 for any.", min=0, max=65535)
    ] = None,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Open no browser; one is opened where this is a terminal on a screen.")
    ] = False,
    optuna: Annotated[
        Path | None,
        typer.Option(
            help="Write the pool as a study to this file, for optuna-dashboard, as long as it is trained, and end."
        ),
    ] = None,
    while_stdin: Annotated[bool, typer.Option("--while-stdin", hidden=True)] = False,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Serve the page of a pool while it is trained; read-only, for this machine alone unless told otherwise."""
    from lrensemble.cli.tune import terminated
    from lrensemble.registry import close_gate
    from lrensemble.report.live import serve
    from lrensemble.train.execution.signals import deferred_interrupt

    import_given(plugin)
    if optuna is not None:
        with terminated(), deferred_interrupt() as interrupt:
            _write_study(pool, optuna, interrupt, trust_code=trust_code)
        return
    if not trust_code:
        close_gate(", ".join(map(str, pool)))
    ports = range(PORT, PORT + TRIES) if port is None else (port,)
    with terminated(), deferred_interrupt() as interrupt, listen(host, ports) as listening:
        address = f"{address_of(listening)}/"
        if json:
            print_json(Served(address=address, pools=list(map(str, pool))))
        else:
            people.print(f"{address} shows {', '.join(map(str, pool))}; Ctrl-C ends it", soft_wrap=True)
        if not no_browser:
            open_browser(address)
        left_alone = beside_a_sweep() if while_stdin else lambda: False
        serve(listening, pool, host, lambda: interrupt.pending or left_alone(), trust_code=trust_code)
        if interrupt.pending:
            raise interrupt.error()


def _write_study(pools: list[Path], path: Path, interrupt: Interrupt, *, trust_code: bool) -> None:
    """Write the study of a pool, and again whenever the pool changes, as long as somebody trains in it.

    Raises:
        ConfigError: several pools.
    """
    from lrensemble.cli.console import open_pool
    from lrensemble.errors import ConfigError
    from lrensemble.report.live.course import is_at_work
    from lrensemble.report.live.watched import signature_of
    from lrensemble.report.study_file import write_study
    from lrensemble.train.status import status

    if len(pools) > 1:
        raise ConfigError(f"--optuna takes one pool, and {len(pools)} are given; write a file for each")
    seen, told = None, ""
    while True:
        opened = open_pool(pools[0], None, trust_code)
        under_way = is_at_work(status(opened))
        now = signature_of(pools[0])  # afterwards, or the last member could come in between and be left out
        if now != seen:
            count = write_study(opened, path)
            trials, them = ("1 trial", "it") if count == 1 else (f"{count:,} trials", "them")
            seen, told = now, f"{path} holds {trials}; optuna-dashboard {path} shows {them}"
            people.print(f"{told}{', and those to come; Ctrl-C ends it' if under_way else ''}", soft_wrap=True)
        if not under_way:
            return
        due = time.monotonic() + SECONDS_BETWEEN
        while time.monotonic() < due and not interrupt.pending:
            time.sleep(0.1)
        if interrupt.pending:
            raise interrupt.error()


def beside_a_sweep() -> Callable[[], bool]:
    """Give way to who trains; the function says whether standard input has ended, as it does with the sweep."""
    ended = threading.Event()

    def read() -> None:
        while os.read(0, 4096):
            pass
        ended.set()

    if hasattr(os, "nice"):
        os.nice(10)
    threading.Thread(target=read, daemon=True, name="stdin").start()
    return ended.is_set
