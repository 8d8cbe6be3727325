"""What the first line of a table of text says: what stands between the cells, and whether these are names or a row."""

from __future__ import annotations

import csv
import re
from pathlib import Path
from typing import Any

from lrensemble.errors import PredictionsError
from lrensemble.pool.collect.reading.roles import role_of


def separator_of(first: str, path: Path) -> str:
    """What stands between the cells of a line; a blank where there are numbers and nothing else between them."""
    if ".tsv" in path.suffixes or "\t" in first:
        return "\t"
    separator = max(",;|", key=first.count)
    blanks = separator not in first and len(first.split()) > 1 and all(map(is_number, first.split()))
    return " " if blanks else separator


def cells_of(line: str, separator: str) -> list[str]:
    """Cells of a line; blanks are between cells also where there are several, and around them."""
    if separator == " ":
        return line.split()
    return next(csv.reader([line], delimiter=separator, skipinitialspace=True)) if line else []


def require_names(cells_of_first: list[str], path: Path) -> None:
    """Refuse a first line that is a row, which would be lost: a text that means nothing beside fractions.

    Raises:
        PredictionsError: what to write in front.
    """
    texts = [cell.strip() for cell in cells_of_first if not is_number(cell)]
    fractions = [cell for cell in cells_of_first if is_number(cell) and "." in cell]
    if fractions and texts and all(text and role_of(text) is None for text in texts):
        shown = ", ".join(cells_of_first[:4]) + (", …" if len(cells_of_first) > 4 else "")
        raise PredictionsError(
            f"{path}: the first line ({shown}) seems to be a row; write the names of the columns in front of it, "
            "such as id,label,prob_0,prob_1"
        )


def whole_names(names: Any) -> Any:
    """A column of texts as whole numbers, where each is one and no two are the same: 007 and 7.0 are 7."""
    texts = [str(cell) for cell in names]
    if not all(re.fullmatch(r"\s*[+-]?\d{1,18}(\.0*)?\s*", text) for text in texts):
        return names
    numbers = [int(text.partition(".")[0]) for text in texts]
    return numbers if len(set(numbers)) == len(set(texts)) else names


def is_number(cell: str) -> bool:
    """Whether a cell says a number."""
    try:
        float(cell)
    except ValueError:
        return False
    return True


def counts_from_zero(cells_of_first: list[str]) -> bool:
    """Whether a first line of numbers is one of names after all: 0, 1, 2, … are classes."""
    return [cell.strip() for cell in cells_of_first] == [str(place) for place in range(len(cells_of_first))]
