"""`lrensemble dashboard`: the page of pools while they are trained."""

from __future__ import annotations

import os
import sys
import threading
import webbrowser
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typing_extensions import TypedDict

from lrensemble.cli.console import Json, Plugins, TrustCode, import_given, people, print_json


class Served(TypedDict):
    """A dashboard that is served from now on."""

    address: str
    """Address of the first pool's page."""
    pools: list[str]
    """Folders of the pools."""


EXAMPLES = (
    "lrensemble dashboard pool",
    "lrensemble dashboard runs/a/pool runs/b/pool --port 9000",
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
    while_stdin: Annotated[bool, typer.Option("--while-stdin", hidden=True)] = False,
    plugin: Plugins = None,
    trust_code: TrustCode = False,
    json: Json = False,
) -> None:
    """Serve the page of a pool while it is trained; read-only, for this machine alone unless told otherwise."""
    from lrensemble.cli.tune import terminated
    from lrensemble.registry import close_gate
    from lrensemble.report.live import listen, serve
    from lrensemble.report.live.server import address_of
    from lrensemble.train.execution.signals import deferred_interrupt

    import_given(plugin)
    if not trust_code:
        close_gate(", ".join(map(str, pool)))
    with terminated(), deferred_interrupt() as interrupt, listen(host, port) as listening:
        address = address_of(listening)
        if json:
            print_json(Served(address=address, pools=list(map(str, pool))))
        else:
            people.print(f"{address} shows {', '.join(map(str, pool))}; Ctrl-C ends it", soft_wrap=True)
        if not no_browser:
            open_browser(address)
        parent = stdin_ends() if while_stdin else lambda: False
        serve(listening, pool, host, lambda: interrupt.pending or parent(), trust_code=trust_code)
        if interrupt.pending:
            raise interrupt.error()


def open_browser(address: str) -> None:
    """Open a page where people sit at a screen; a browser of text would take their terminal."""
    if people.is_terminal and (
        sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    ):
        webbrowser.open_new_tab(address)


def stdin_ends() -> Callable[[], bool]:
    """Whether standard input has ended, as it does with the process that holds its other end."""
    ended = threading.Event()

    def read() -> None:
        while os.read(0, 4096):
            pass
        ended.set()

    threading.Thread(target=read, daemon=True, name="stdin").start()
    return ended.is_set
