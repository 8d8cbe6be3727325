"""Values: the rows that gain and lose most by the team."""

from __future__ import annotations

import numpy as np

from lrensemble.metrics.values import squared
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section, Table
from lrensemble.report.sections.rows import SHOWN_ROWS

SHOWN_OUTPUTS = 3


def value_rows(report: ReportData) -> Section | None:
    """Section on the judged team against the best single model on test, row by row."""
    team = None if report.judged is None else report.team_said(report.test)
    if team is None:
        return None
    single, truth = report.seen(report.best, report.test), report.truth(report.test)
    gained = squared(single, truth) - squared(team, truth)
    order = np.argsort(-gained, kind="stable")
    shown = list(dict.fromkeys([*order[:SHOWN_ROWS].tolist(), *order[::-1][:SHOWN_ROWS].tolist()]))
    lines = [
        [
            f"{row:,}",
            *(_in_print(values[row, : truth.shape[1]]) for values in (truth, single, team)),
            f"{gained[row]:+.4g}",
        ]
        for row in shown
    ]
    nearer = int((gained > 0).sum())
    return Section(
        "Rows",
        [f"The team is nearer to the truth than the best single model on {nearer:,} of {len(truth):,} test rows."],
        [Table(["test row", "truth", "best single says", "team says", "squared error less by"], lines)],
    )


def _in_print(values: np.ndarray) -> str:
    """Values of one row, the first few outputs of many."""
    shown = ", ".join(f"{value:.4g}" for value in values[:SHOWN_OUTPUTS])
    return shown if len(values) <= SHOWN_OUTPUTS else f"{shown}, …"
