"""Sizes of the work: those that fill a GPU, and tiny ones that show on any machine that all of it runs."""

from __future__ import annotations

from typing import NamedTuple


class Sizes(NamedTuple):
    """How large everything is."""

    model: str
    """The small network of groups and of the pool."""
    wide: str
    """The large network that is compared with the hardware."""
    batch: int
    wide_batch: int
    groups: tuple[int, int]
    """Members in one program; the first is also tried in every precision."""
    matrix: int
    """Rows and columns of the matrices whose product says what the hardware can do."""
    seconds: float
    """Seconds of a measurement, after a warm-up that does not count."""
    pool: int
    """Members of the pool, a multiple of four."""
    draws: int
    """Sub-pools of each size."""


FULL = Sizes("resnet-20", "wrn-28-10", 128, 512, (64, 16), 8192, 1.5, 64, 4)
TINY = Sizes("resnet-9(width=2)", "wrn-10-1", 8, 8, (4, 2), 256, 0.1, 8, 2)
