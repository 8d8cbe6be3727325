"""The gain of a team over a single model, as it is written in results."""

from __future__ import annotations

from lrensemble.config import Record

LEVEL = 0.05
"""Significance level: a p-value below it, with an interval that excludes zero, is called reliable."""


class Gain(Record):
    """Gain of a team over a single model, paired on the same test rows; positive is better."""

    value: float
    """Team minus single model, signed so that higher is better."""
    low: float
    high: float
    """Upper end of the 95 % interval of this comparison alone."""
    p_value: float
    """Two-sided p-value of this comparison alone: McNemar's test for accuracy, else that of the interval's pivot."""
    adjusted_low: float | None = None
    adjusted_high: float | None = None
    """Upper end of the simultaneous 95 % interval over all teams of the table."""
    adjusted_p: float | None = None
    """p-value adjusted for the number of teams in the table."""
    rows: int

    @property
    def reliable(self) -> bool:
        """Whether the interval excludes zero and p < 0.05; for a team that was fixed before test was looked at."""
        return (self.low > 0 or self.high < 0) and self.p_value < LEVEL

    @property
    def reliable_in_table(self) -> bool:
        """Whether the adjusted interval excludes zero and adjusted p < 0.05; for a team that is one of many."""
        if self.adjusted_p is None or self.adjusted_low is None or self.adjusted_high is None:
            return False
        return (self.adjusted_low > 0 or self.adjusted_high < 0) and self.adjusted_p < LEVEL
