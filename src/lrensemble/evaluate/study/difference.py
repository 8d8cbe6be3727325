"""Records of paired differences, with their intervals over rows and over replicates; positive is better."""

from __future__ import annotations

from typing import Literal

from lrensemble.config import Record
from lrensemble.evaluate.result import Gain

Reliability = Literal["rows and replicates", "rows alone", "none"]
"""Over what a difference is reliable. `rows alone`: these trained pools differ on other rows too, but other base seeds
were not tried."""


class OverReplicates(Record):
    """Interval of a mean difference over base seeds, Student's t with the replicates as observations."""

    count: int
    """Number of replicates that have both scores."""
    low: float
    high: float
    """Upper end of the 95 % interval of this comparison alone."""
    p_value: float
    adjusted_low: float
    adjusted_high: float
    """Upper end of the interval that holds at 95 % for all comparisons of the table (Bonferroni)."""
    adjusted_p: float


class Difference(Record):
    """Difference of two scores, paired; positive is better."""

    value: float
    """Mean over replicates."""
    by_replicate: tuple[float, ...]
    rows: Gain
    """Interval over rows, of the mean over these trained replicates: what other rows would change."""
    replicates: OverReplicates | None
    """Interval over replicates, on these rows: what other base seeds would change. None with one replicate, or where
    all replicates agree to the last digit, so that nothing is known of their spread."""
    low: float | None
    high: float | None
    """Upper end of the interval over rows and replicates together, adjusted for all comparisons of the table: other
    rows *and* other base seeds. None where there is no interval over replicates."""

    @property
    def reliability(self) -> Reliability:
        """Over what the difference is reliable in its table, adjusted for all comparisons there."""
        if not self.rows.reliable_in_table:
            return "none"
        if self.low is None or self.high is None:
            return "rows alone"
        return "rows and replicates" if self.low > 0 or self.high < 0 else "none"


class Pair(Record):
    """Difference of the default teams of two pools, first less second."""

    first: str
    second: str
    difference: Difference
