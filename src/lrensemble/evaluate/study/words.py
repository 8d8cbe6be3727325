"""Scores, differences and intervals of a study as text, for tables and sentences."""

from __future__ import annotations

from lrensemble.evaluate.result import Gain
from lrensemble.evaluate.study.difference import Difference, OverReplicates
from lrensemble.evaluate.study.findings.differences import metric_of
from lrensemble.evaluate.study.record import TEMPERED
from lrensemble.evaluate.verdict import in_print, score_in_print, value_in_print
from lrensemble.metrics import METRICS


def measure_in_print(measure: str) -> str:
    """Name of a measure in prose."""
    return "NLL after temperature" if measure == TEMPERED else in_print(measure)


def unit_in_print(measure: str) -> str:
    """What to add to the name of a measure whose scores are printed in percent."""
    return " in percent" if METRICS.facts(METRICS.check(metric_of(measure))).unit == "fraction" else ""


def score(measure: str, value: float | None) -> str:
    """A score as text; a dash where it is not known."""
    return score_in_print(metric_of(measure), value)


def difference(measure: str, value: float, *, unit: bool = False) -> str:
    """A difference as text, with its sign."""
    return value_in_print(metric_of(measure), value, unit=unit)


def over_rows(measure: str, found: Gain, between: str = " … ") -> str:
    """Interval over rows, adjusted for all comparisons of its table."""
    low = found.low if found.adjusted_low is None else found.adjusted_low
    high = found.high if found.adjusted_high is None else found.adjusted_high
    return difference(measure, low) + between + difference(measure, high)


def over_replicates(measure: str, found: OverReplicates | None, between: str = " … ") -> str:
    """Interval over replicates, adjusted for all comparisons of its table; a dash where there is none."""
    if found is None:
        return "–"
    return difference(measure, found.adjusted_low) + between + difference(measure, found.adjusted_high)


def over_both(measure: str, found: Difference, between: str = " … ") -> str:
    """Interval over rows and replicates together, adjusted; a dash where there is none."""
    if found.low is None or found.high is None:
        return "–"
    return difference(measure, found.low) + between + difference(measure, found.high)


MARKS = {"rows and replicates": "**", "rows alone": "*", "none": ""}
"""Marks of differences that are reliable, and over what."""


def marked(measure: str, found: Difference) -> str:
    """A difference as text, with the mark of what it is reliable over."""
    return difference(measure, found.value) + MARKS[found.reliability]


def in_words(measure: str, found: Difference) -> str:
    """A difference with its intervals, for a sentence."""
    parts = [f"over rows {over_rows(measure, found.rows, ' to ')}"]
    if found.replicates is not None:
        parts.append(f"over replicates {over_replicates(measure, found.replicates, ' to ')}")
        parts.append(f"over both {over_both(measure, found, ' to ')}")
    return f"{difference(measure, found.value, unit=True)}, {'; '.join(parts)}"


def in_brief(measure: str, found: Difference) -> str:
    """A difference with its widest interval, for a sentence."""
    wide = over_rows(measure, found.rows, " to ") if found.low is None else over_both(measure, found, " to ")
    return f"{difference(measure, found.value)}, {wide}"
