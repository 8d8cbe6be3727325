"""Tables of answers: on a terminal, and as CSV, Markdown or LaTeX for what comes after it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import compress
from typing import Annotated, Literal

import typer
from rich.console import Group, RenderableType
from rich.styled import Styled
from rich.table import Table as RichTable

from lrensemble.text import to_csv, visible

Form = Literal["table", "json", "csv", "markdown", "latex"]
"""Form of an answer."""

Format = Annotated[Form, typer.Option(help="Form of the answer on standard output.")]


@dataclass(frozen=True)
class Table:
    """Rows of text under headings."""

    title: str
    columns: Mapping[str, str]
    """Side of each heading, `left` or `right`."""
    rows: list[tuple[str, ...]] = field(default_factory=list)
    marked: int | None = None
    """Row that stands out on a terminal."""

    def add_row(self, *cells: str) -> None:
        """Add a row, with a cell for each heading; those left out are empty."""
        self.rows.append((*cells, *("" for _ in range(len(self.columns) - len(cells)))))

    def __rich__(self) -> RenderableType:
        """What a terminal shows: the title over the whole width, and below it cells that are folded where too wide.

        A column that says nothing in any row is left out.
        """
        made = RichTable(box=None, pad_edge=False, padding=(0, 2, 0, 0))
        said = [not self.rows or any(row[place] for row in self.rows) for place in range(len(self.columns))]
        for heading, side in compress(self.columns.items(), said):
            made.add_column(heading, justify="right" if side == "right" else "left", overflow="fold")
        for place, row in enumerate(self.rows):
            made.add_row(*compress(row, said), style="bold" if place == self.marked else None)
        return Group(Styled(self.title, "bold"), made) if self.title else made


def written(tables: Sequence[Table], form: Form) -> str:
    """Tables in a form for other programs, one after another.

    As CSV, several tables have their titles in a first column `table`, and are apart by an empty line.
    """
    if form == "csv":
        return "\n".join(_csv(table, titled=len(tables) > 1) for table in tables)
    write = _markdown if form == "markdown" else _latex
    return "\n".join(write(table) for table in tables)


def _csv(table: Table, *, titled: bool) -> str:
    title = " ".join(table.title.split())
    first = (("table", title),) if titled else ()
    head, lead = tuple(name for name, _ in first), tuple(value for _, value in first)
    return to_csv([(*head, *table.columns), *((*lead, *row) for row in table.rows)])


def _markdown(table: Table) -> str:
    marks = ["---:" if side == "right" else "---" for side in table.columns.values()]
    rows = [tuple(table.columns), tuple(marks), *table.rows]
    lines = [f"| {' | '.join(_of_markdown(cell) for cell in row)} |" for row in rows]
    title = [f"{_of_markdown(table.title)}", ""] if table.title else []
    return "\n".join([*title, *lines]) + "\n"


def _of_markdown(cell: str) -> str:
    return re.sub(r"([\\|`*_<>\[\]])", r"\\\1", visible(cell))


def _latex(table: Table) -> str:
    """A `tabular` with the rules of the package booktabs."""
    sides = "".join("r" if side == "right" else "l" for side in table.columns.values())
    head, *rows = [f"{' & '.join(_of_latex(cell) for cell in row)} \\\\" for row in (tuple(table.columns), *table.rows)]
    title = [f"% {visible(table.title)}"] if table.title else []
    lines = [rf"\begin{{tabular}}{{{sides}}}", r"\toprule", head, r"\midrule", *rows, r"\bottomrule", r"\end{tabular}"]
    return "\n".join([*title, *lines]) + "\n"


_LATEX = {
    "\\": r"\textbackslash{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    "−": "$-$",
    "–": "--",
    "…": r"\dots{}",
    "<": "$<$",
    ">": "$>$",
    **{sign: f"\\{sign}" for sign in "&%$#_{}"},
}


def _of_latex(cell: str) -> str:
    return "".join(_LATEX.get(sign, sign) for sign in visible(cell))
