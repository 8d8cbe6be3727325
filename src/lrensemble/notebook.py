"""What a record shows of itself in a notebook: a short line, a table, a frame of pandas, figures."""

from __future__ import annotations

import html
from importlib import import_module
from typing import Any

from lrensemble.errors import MissingExtraError, SpecError
from lrensemble.registry import nearest, registry_of

LONGEST = 180
"""Characters of a line at most."""

MOST_ROWS = 60
"""Rows of a table at most; `to_frame` has all."""


class Shown:
    """A record that says in `_headline` what it is and in `_table` what it holds, one row a line."""

    def _headline(self) -> str:
        """What it is, in a few words."""
        raise NotImplementedError

    def _table(self) -> list[dict[str, Any]]:
        """What it holds: rows of the same columns."""
        raise NotImplementedError

    def __repr__(self) -> str:
        line = f"<{type(self).__name__}: {' '.join(self._headline().split())}>"
        return line if len(line) <= LONGEST else f"{line[: LONGEST - 2]}…>"

    def __str__(self) -> str:
        return repr(self)

    def _repr_html_(self) -> str:
        rows = self._table()
        columns = list(rows[0]) if rows else []
        head = "".join(f"<th>{html.escape(name)}</th>" for name in columns)
        body = "".join(
            f"<tr>{''.join(f'<td>{html.escape(in_cell(row.get(name)))}</td>' for name in columns)}</tr>"
            for row in rows[:MOST_ROWS]
        )
        more = f"<p>and {len(rows) - MOST_ROWS} more rows: to_frame()</p>" if len(rows) > MOST_ROWS else ""
        line = html.escape(" ".join(self._headline().split()))
        return f"<p>{line}</p><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>{more}"

    def to_frame(self) -> Any:
        """What it holds as a `pandas.DataFrame`.

        Raises:
            MissingExtraError: pandas is not installed.
        """
        try:
            pandas = import_module("pandas")
        except ImportError:
            raise MissingExtraError("frames need pandas: pip install pandas") from None
        return pandas.DataFrame(self._table())

    @property
    def plot(self) -> Plots:
        """Figures of plotly by name: `pool.plot.curves()`, or `pool.plot()` for the first of them."""
        return Plots(self)


class Plots:
    """The figures of one record."""

    def __init__(self, record: object) -> None:
        self._record = record

    def __dir__(self) -> list[str]:
        kind = type(self._record).__name__
        registry = registry_of("plots")
        return [name for name in registry if kind in registry.facts(name).of]

    def __repr__(self) -> str:
        return f"<figures: {', '.join(dir(self))}>"

    def __call__(self, name: str | None = None) -> Any:
        """A figure by its name, `plotly.graph_objects.Figure`; the first of them unless given.

        Raises:
            SpecError: this record has no figure of that name.
            ReportError: what it shows is not there yet.
            MissingExtraError: plotly is not installed.
        """
        known = dir(self)
        wanted = name or known[0]
        if wanted not in known:
            raise SpecError(f"no figure named {wanted!r} of a {type(self._record).__name__}{nearest(wanted, known)}")
        return registry_of("plots").call(wanted, self._record)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in dir(self):
            raise AttributeError(f"no figure named {name!r}; there are {', '.join(dir(self))}")
        return lambda: self(name)


def in_cell(value: object) -> str:
    """A value as a table of people has it: four digits of a number, a dash where there is none."""
    if value is None:
        return "–"
    return f"{value:.4g}" if isinstance(value, float) else str(value)
