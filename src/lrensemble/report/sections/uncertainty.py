"""Uncertainty: predictions that may abstain, sets that hold the truth, and rows that are like nothing seen before."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrensemble.evaluate import Team
from lrensemble.evaluate.uncertainty.tables import uncertainty_tables
from lrensemble.metrics.calibration import confidence_and_correctness
from lrensemble.metrics.selective import risk_coverage
from lrensemble.pool import Member
from lrensemble.report.escape import escape_html
from lrensemble.report.look import DASHES, SINGLE, TEAM
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table

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

POINTS = 200
"""Points of a curve, at most."""

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
    return Section("Uncertainty", [*prose, *([FOREIGN] if found.foreign else [])], tables, [_figure(report)])


def _figure(report: ReportData) -> Figure:
    """Risk-coverage curves of the best single model and of the judged team, on the rows that the verdict is on."""
    said: list[tuple[str, Member | Team, str, str]] = [
        (f"best single: {report.best.name}", report.best, SINGLE, DASHES[0])
    ]
    if report.chosen is not None:
        said.append((f"team: {report.result.verdict.method}", report.chosen, TEAM, DASHES[1]))
    traces = [_curve(report, name, own) | {"line": {"color": colour, "dash": dash}} for name, own, colour, dash in said]
    return Figure(
        "risk_coverage",
        traces,
        {
            "xaxis": {"title": {"text": "coverage: share of the rows that are kept, %"}, "range": [0, 100]},
            "yaxis": {"title": {"text": "risk: errors among them, %"}, "rangemode": "tozero"},
        },
        "Error rate among the rows that are kept, the surest first, against how many are kept. AURC is the area below.",
    )


def _curve(report: ReportData, name: str, whose: Member | Team) -> dict[str, Any]:
    """Risk over coverage of a member or a team, in percent, at levels that are evenly spread."""
    labels = report.truth(report.test)
    rows = report.by_row(whose, report.test, lambda probs, part: confidence_and_correctness(probs, labels[part]))
    kept, wrong = risk_coverage(rows, report.pool.weights(report.test))
    levels = np.unique(np.linspace(0, len(kept) - 1, min(POINTS, len(kept))).round().astype(np.int64))
    return {
        "type": "scatter",
        "mode": "lines",
        "name": escape_html(name),
        "x": (100 * kept[levels] / kept[-1]).round(3).tolist(),
        "y": (100 * wrong[levels] / kept[levels]).round(3).tolist(),
    }
