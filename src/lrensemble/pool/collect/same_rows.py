"""Test rows that are those that teams are chosen on: what is measured there is no judgement."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.collect.members import CollectedMember
from lrensemble.pool.collect.names import DENSE, OF_VALUES
from lrensemble.pool.collect.reading.held import Asked

LEAST_ROWS = 10
"""Rows from which on it is no accident that all are there again."""
LEAST_DIFFERENT = 0.9
"""Share of the rows that differ from one another: labels and rounded numbers are the same in many rows."""


def note_same_rows(members: Iterable[CollectedMember], truth: dict[str, NDArray[Any]], asked: Asked) -> None:
    """Note a test set all of whose rows, by predictions and truth, are among those of `val`.

    Args:
        members: of which the first that gives probabilities or values is looked at.
        truth: of the rows, by split.
        asked: where it is noted.
    """
    member = next((each for each in members if each.form in (*DENSE, *OF_VALUES)), None)
    if member is None or "val" not in truth:
        return
    known: set[int] | None = None
    for split in truth:
        rows = len(truth[split])
        if split == "val" or not LEAST_ROWS <= rows <= len(truth["val"]) or split not in member.said:
            continue
        there = _rows(member, split, truth[split])
        known = set(_rows(member, "val", truth["val"])) if known is None else known
        if set(there) <= known and len(set(there)) >= LEAST_DIFFERENT * rows:
            asked.note(
                Path(member.said[split].where.partition(": ")[0]),
                f"all {rows} {split} rows are among the val rows, with the same predictions and truth: what is "
                "measured there is no judgement; give other rows, or none and --holdout 0.5",
            )


def _rows(member: CollectedMember, split: str, truth: NDArray[Any]) -> list[int]:
    """Predictions and truth of each row, as a hash."""
    said = member.said[split]
    rows = (row for _, block in said.blocks("", said.places(np.arange(len(said)))) for row in block)
    return [hash(row.tobytes() + own.tobytes()) for row, own in zip(rows, truth, strict=True)]
