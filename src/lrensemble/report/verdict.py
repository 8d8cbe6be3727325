"""The verdicts in a sentence each, and every team beside the best single models."""

from __future__ import annotations

from lrensemble.evaluate.tables import FIXED, gain_tables
from lrensemble.report.facts import Facts
from lrensemble.report.section import Section, Table


def verdict(facts: Facts) -> Section:
    """What it is all for."""
    rows = ", ".join(f"{count:,} rows of {split}" for split, count in facts.result.rows.items())
    said = [each.text for each in facts.result.verdicts]
    return Section(f"{facts.result.task}: the verdict", [*said, *facts.result.notes, f"Measured on {rows}."])


def teams(facts: Facts) -> Section:
    """Best single, teams by method, baselines: val and test side by side, with the gain and its interval."""
    tables = [
        Table(gains.headings, gains.rows, frozenset([] if gains.fixed is None else [gains.fixed]), gains.title)
        for gains in gain_tables(facts.result)
    ]
    not_run = [f"Not run, {method}: {reason}" for method, reason in facts.result.not_run.items()]
    return Section(
        "Teams",
        [
            "The best single models and every team were chosen on val. Each team is compared with the best single "
            "model by the metric that it aims at, row by row on test; for NLL and Brier score also with that model "
            "after temperature scaling on val, since calibration alone is no gain of an ensemble. Intervals (95 %) and "
            f"p-values are adjusted for the number of teams in a table; the one marked {FIXED} was fixed before test "
            "was looked at, and the verdict above judges it alone.",
            *not_run,
        ],
        tables,
    )
