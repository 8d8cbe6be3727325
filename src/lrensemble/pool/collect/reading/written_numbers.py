"""Numbers that were written in a way that is not read: with separators of thousands, a currency, a mark for nothing."""

from __future__ import annotations

import re

from lrensemble.pool.collect.reading.families import says_prediction
from lrensemble.pool.collect.reading.first_lines import is_number
from lrensemble.pool.collect.reading.held import Held
from lrensemble.pool.collect.reading.roles import role_of

_ALIKE = re.compile(r"[^\w]*\d[\d.,'’ \u00a0\u202f]*(?:[edED][+-]?\d+)?[^\w]*")
"""What may be meant as a number: digits, with what stands between, before or after them."""


def unread_number(held: Held) -> str | None:
    """What to say of the first column of predictions or truth whose texts are mostly numbers; None where none is."""
    for name, column in held.arrays.items():
        if column.dtype.kind != "U" or column.ndim != 1 or not (says_prediction(name) or role_of(name) == "labels"):
            continue
        cells = [str(cell).strip() for cell in column.tolist()]
        alike = sum(is_number(cell) or bool(_ALIKE.fullmatch(cell)) for cell in cells)
        other = next((row for row, cell in enumerate(cells) if cell and not is_number(cell)), None)
        if other is not None and 2 * alike > len(cells):
            return (
                f"{held.path}: {name} holds {cells[other]!r} in row {other}, which is read as no number; write it as "
                "11036.75, without separators of thousands, units or signs, and leave empty what is missing"
            )
    return None
