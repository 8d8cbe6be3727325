"""Names as they stand beside an axis: whole ones would leave no room for the figure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lrensemble.report.escape import escape_html

LONGEST = 28
"""Characters of a name beside an axis, at most."""

MOST_TICKS = 10
"""Whole numbers up to which each has its tick."""


def axis_labels(names: Sequence[str]) -> list[str]:
    """Names escaped for the axis of a figure: long ones cut in the middle, and none that are equal after it."""
    found = dict[str, None]()
    for name in names:
        half = (LONGEST - 1) // 2
        short = name if len(name) <= LONGEST else f"{name[:half]}…{name[-half:]}"
        label, place = short, 2
        while label in found:
            label, place = f"{short} ({place})", place + 1
        found[label] = None
    return [escape_html(label) for label in found]


def whole_ticks(title: str, counts: Sequence[int]) -> dict[str, Any]:
    """Axis, or bar of a colour scale, of whole numbers: no tick between two of them."""
    few = bool(counts) and max(counts) - min(counts) <= MOST_TICKS
    return {"title": {"text": title}, **({"dtick": 1} if few else {})}
