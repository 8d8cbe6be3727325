"""Tables as CSV that a spreadsheet opens without running anything (OWASP, CSV injection).

A cell of text that begins as a formula does gets an apostrophe in front, which makes it text. Numbers stay numbers.
Text that a spreadsheet with another separator would divide is put in quotes, and control characters are written out.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

from lrensemble.text.visible import visible

FORMULA = re.compile(r"\s*[=+\-@\uff1d\uff0b\uff0d\uff20]")
"""Start of a formula, in full width too. A tab or a carriage return in front is written out, and so acts no more."""
NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
QUOTED = re.compile(r"""[,;"\t]|^\s|\s$""")


def to_csv(rows: Iterable[Sequence[object]], *, raw_formulas: bool = False) -> str:
    """Rows of text and numbers as CSV, separated by commas, each line ended by a line feed.

    Args:
        rows: of any cells; numbers are written as Python does, so that floats read back to the same bits.
        raw_formulas: leave text that begins as a formula does as it is, for programs that read it.
    """
    return "".join(",".join(_cell(value, raw_formulas) for value in row) + "\n" for row in rows)


def _cell(value: object, raw_formulas: bool) -> str:
    if not isinstance(value, str):
        return repr(value)
    text = visible(value)
    if FORMULA.match(text) and not NUMBER.fullmatch(text) and not raw_formulas:
        text = "'" + text
    return '"' + text.replace('"', '""') + '"' if QUOTED.search(text) else text
