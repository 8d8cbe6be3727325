"""Names as they stand beside an axis: whole ones would leave no room for the figure."""

from __future__ import annotations

from collections.abc import Sequence

from lrensemble.report.escape import escape_html

LONGEST = 28
"""Characters of a name beside an axis, at most."""


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
