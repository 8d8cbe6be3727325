"""Uncertainty: predictions that may abstain, sets that hold the truth, and rows that are like nothing seen before."""

from __future__ import annotations

from lrensemble.evaluate.uncertainty.tables import uncertainty_tables
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section, Table

PROSE = (
    "Who may abstain on the rows that it is least sure of is right more often on the others: AURC is the error rate "
    "over how many are kept, lower is better.",
    "A conformal set holds the truth of the stated share of rows, whatever the model is worth; the better model has "
    "the smaller sets. The rows that chose the team (val) would promise too much, so that half of the test rows find "
    "the threshold and the others measure. The promise is on average over both halves.",
)

FOREIGN = (
    "AUROC: how often a row of the other set is more unsure than one of test; FPR95: how many test rows are called "
    "foreign where 95 % of the foreign ones are found. Nobody reads the truth of those rows for it."
)

MINOR = {"95 % interval", "p", "empty, %"}
"""Columns that a narrow screen does without."""


def uncertainty(report: ReportData) -> Section | None:
    """Section with the tables that `lrensemble evaluate` prints; None where nothing was measured."""
    found = None if report.judged is None else report.result.uncertainty
    if found is None:
        return None
    tables = [
        Table(
            each.headings,
            each.rows,
            caption=each.title,
            minor=frozenset(place for place, name in enumerate(each.headings) if name in MINOR),
        )
        for each in uncertainty_tables(report.result)
    ]
    prose = PROSE[: 1 if found.sets is None else 2]
    return Section("Uncertainty", [*prose, *([FOREIGN] if found.foreign else [])], tables)
