"""Small curves of characters, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lrensemble.pool import Member

BLOCKS, PLAIN = "▁▂▃▄▅▆▇█", "_.-=+*#@"
"""Characters from low to high, and their substitutes in encodings without them."""

WIDTH = 20


def sparkline(values: Sequence[float], encoding: str = "utf-8") -> str:
    """One character a value, from the lowest to the highest of them; empty for no values."""
    try:
        BLOCKS.encode(encoding)
        heights = BLOCKS
    except (UnicodeEncodeError, LookupError):
        heights = PLAIN
    if not values:
        return ""
    low, high = min(values), max(values)
    if high == low:
        return heights[len(heights) // 2] * len(values)
    return "".join(heights[round((value - low) / (high - low) * (len(heights) - 1))] for value in values)


def rates_of(member: Member, points: int = WIDTH, *, trust_code: bool = False) -> list[float]:
    """Rates of a member's policy at `points` steps of its recorded run.

    Empty for a member that was trained elsewhere, or whose policy is code that is not trusted.
    """
    from lrensemble.evaluate.rates import recorded_policy

    rate = recorded_policy(member, trust_code=trust_code)
    if rate is None:
        return []
    return [rate(round(place * (rate.total - 1) / (points - 1))) for place in range(points)]
