"""The dashboard beside a sweep, in a process of its own that ends with it."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
import sys
import threading
import webbrowser
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from lrensemble.cli.console import people

SECONDS_TO_END = 5.0
"""Seconds in which the process beside a sweep may end by itself."""


@contextmanager
def dashboard_of(folder: Path, plugins: Sequence[str] | None = None) -> Iterator[None]:
    """A block in which a process of its own serves the page of a pool: whatever becomes of it, the sweep goes on.

    Args:
        folder: folder of the pool, which may be made later.
        plugins: modules of `--plugin`.

    Raises:
        MissingExtraError: what it needs is not installed.
    """
    from lrensemble.report.live.server import check_installed

    check_installed()
    options = [word for plugin in plugins or () for word in ("--plugin", plugin)]
    command = [sys.executable, "-m", "lrensemble", "dashboard", str(folder), "--json", "--no-browser", "--while-stdin"]
    pipe = subprocess.PIPE
    with subprocess.Popen([*command, *options], stdin=pipe, stdout=pipe, stderr=pipe, text=True) as process:
        threading.Thread(target=_told, args=(process, folder), daemon=True, name="dashboard").start()
        try:
            yield
            if process.poll() is None:
                people.print(
                    f"training has ended, and the dashboard with it; lrensemble dashboard {shlex.quote(str(folder))} "
                    "shows the pool again",
                    soft_wrap=True,
                )
        finally:
            assert process.stdin is not None
            process.stdin.close()
            try:
                process.wait(SECONDS_TO_END)
            except subprocess.TimeoutExpired:
                process.kill()


def _told(process: subprocess.Popen[str], folder: Path) -> None:
    """Print the address once it is served, or why it is not, while the sweep goes on."""
    assert process.stdout is not None
    assert process.stderr is not None
    if line := process.stdout.readline():
        address = json.loads(line)["address"]
        people.print(f"{address} shows {folder} while it is trained", soft_wrap=True)
        open_browser(address)
    last = ""
    for told in process.stderr:  # read to the end: a pipe that is full would stop it
        last = told.strip() or last
    if not line and last:
        people.warn(f"there is no dashboard: {last}", soft_wrap=True)


def open_browser(address: str) -> None:
    """Open a page where people sit at a screen; a browser of text would take their terminal."""
    if people.is_terminal and (
        sys.platform in ("darwin", "win32") or {"DISPLAY", "WAYLAND_DISPLAY"} & os.environ.keys()
    ):
        webbrowser.open_new_tab(address)
