"""Text alternative of a figure: what kind it is, what is against what, how much is drawn, and between which values."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable, Mapping
from typing import Any

from lrensemble.report.section import Figure

KINDS = {
    "heatmap": "Heat map",
    "bar": "Bars",
    "parcoords": "Parallel coordinates",
    "box": "Box plot",
}
"""Words for the kinds of plotly's traces; all others are points or lines."""

MOST_NAMES = 6


def alternative(figure: Figure) -> str:
    """One line that stands for a figure where it cannot be seen; the table of its numbers tells the rest."""
    shown = [trace for trace in figure.traces if trace.get("hoverinfo") != "skip"] or list(figure.traces)
    said = _kind(shown)
    axes = [title for axis in ("y", "x") if (title := _title(figure.layout, axis))]
    if axes:
        said += " of " + " against ".join(axes)
    names = list(dict.fromkeys(str(trace["name"]) for trace in shown if trace.get("name")))
    if names:
        more = f" and {len(names) - MOST_NAMES} more" if len(names) > MOST_NAMES else ""
        said += ": " + ", ".join(map(html.unescape, names[:MOST_NAMES])) + more
    ranges = [f"{axis} from {low:.4g} to {high:.4g}" for axis, (low, high) in _ranges(shown).items()]
    return f"{said}; {' and '.join(ranges)}." if ranges else f"{said}."


def _kind(traces: Iterable[Mapping[str, Any]]) -> str:
    kinds = {str(trace.get("type")) for trace in traces}
    for kind, word in KINDS.items():
        if kind in kinds:
            return word
    return "Lines" if any("lines" in str(trace.get("mode", "")) for trace in traces) else "Points"


def _title(layout: Mapping[str, Any], axis: str) -> str:
    title = layout.get(f"{axis}axis", {}).get("title", {})
    return html.unescape(str(title.get("text", ""))) if isinstance(title, Mapping) else ""


def _ranges(traces: Iterable[Mapping[str, Any]]) -> dict[str, tuple[float, float]]:
    """Lowest and highest finite number on each axis of numbers."""
    found: dict[str, list[float]] = {}
    for trace in traces:
        for axis in ("x", "y", "z"):
            values = trace.get(axis)
            found.setdefault(axis, []).extend(_numbers(values) if isinstance(values, list | tuple) else ())
    return {axis: (min(values), max(values)) for axis, values in found.items() if values}


def _numbers(values: Iterable[Any]) -> Iterable[float]:
    for value in values:
        if isinstance(value, list | tuple):
            yield from _numbers(value)
        elif isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value):
            yield float(value)
