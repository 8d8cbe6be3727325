"""Where the command line writes: people read standard error, programs standard output."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

people = Console(stderr=True, highlight=False, markup=False)  # brackets are lists here

Json = Annotated[bool, typer.Option("--json", help="Print one machine-readable record to standard output.")]


def print_json(record: object) -> None:
    """One JSON record to standard output."""
    sys.stdout.write(json.dumps(record, ensure_ascii=False, allow_nan=False) + "\n")


def table(title: str, columns: Mapping[str, str]) -> Table:
    """An empty table; `columns` maps each heading to `left` or `right`."""
    made = Table(title=title, title_justify="left", title_style="bold", box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading, side in columns.items():
        made.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
    return made


def percent(fraction: float | None) -> str:
    """A fraction as people read it: `97.22`; a dash where there is none."""
    return "–" if fraction is None else f"{100 * fraction:.2f}"


def names_of(load: Callable[[], list[str]]) -> Callable[[str], list[str]]:
    """Shell completion from a list that is loaded only when the shell asks."""

    def complete(incomplete: str) -> list[str]:
        return [name for name in load() if name.startswith(incomplete)]

    return complete
