"""Results as they come: a line of JSON each, and a page of Markdown made from all lines so far.

Nothing but Python is imported: the page is written also where a library is missing.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

LINES, PAGE, LOG = "results.jsonl", "gpu.md", "log.txt"
Cells = Mapping[str, object]


def begin(folder: Path) -> None:
    """Make the folder, without what an earlier time has left there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in (LINES, PAGE, LOG):
        (folder / name).unlink(missing_ok=True)


def add(folder: Path, kind: str, content: Cells) -> None:
    """Append a line; it is on disk when the function returns."""
    with (folder / LINES).open("a", encoding="utf-8") as file:
        file.write(json.dumps({"kind": kind, **content}) + "\n")


def add_row(folder: Path, table: str, row: Cells) -> None:
    """Append a row of a table."""
    add(folder, "row", {"table": table, "row": dict(row)})


def read(folder: Path) -> list[dict[str, Any]]:
    """All lines so far; none where nothing was written."""
    path = folder / LINES
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []


def rows_of(folder: Path, table: str) -> list[dict[str, Any]]:
    """Rows of one table so far."""
    return [line["row"] for line in read(folder) if line["kind"] == "row" and line["table"] == table]


def write_page(folder: Path) -> Path:
    """Write all of it as Markdown: machine, tables, and how every step ended."""
    lines = read(folder)
    machine = {key: value for line in lines if line["kind"] == "machine" for key, value in line["facts"].items()}
    parts = ["# First day on a GPU", "", *(f"* {key}: {value}" for key, value in machine.items())]
    tables = dict.fromkeys(line["table"] for line in lines if line["kind"] == "row")
    for table in tables:
        parts += ["", f"## {table}", "", *_table(rows_of(folder, table))]
    steps = [
        {key: line[key] for key in ("step", "status", "seconds", "end")} for line in lines if line["kind"] == "step"
    ]
    parts += ["", "## Steps", "", *_table(steps)]
    (folder / PAGE).write_text("\n".join(parts) + "\n", encoding="utf-8")
    return folder / PAGE


def _table(rows: list[dict[str, Any]]) -> Iterator[str]:
    headings = list(dict.fromkeys(name for row in rows for name in row))
    for cells in (headings, ["---"] * len(headings)):
        yield f"| {' | '.join(cells)} |"
    for row in rows:
        yield f"| {' | '.join(_text(row.get(name, '')) for name in headings)} |"


def _text(value: object) -> str:
    if isinstance(value, float):
        return f"{value:,.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    return str(value).replace("|", "\\|").replace("\n", " ")
