"""The verdicts in a sentence each, and every team beside the best single models."""

from __future__ import annotations

from lrensemble.evaluate.tables import FIXED, across_tests, gain_tables
from lrensemble.evaluate.verdict import sentences_of
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section, Table


def verdict(report: ReportData) -> Section:
    """Section with the verdicts, in a sentence each."""
    rows = ", ".join(f"{count:,} rows of {split}" for split, count in report.result.rows.items())
    sentences = sentences_of(report.result)
    return Section(f"{report.result.task}: the verdict", [*sentences, *report.result.notes, f"Measured on {rows}."])


def teams(report: ReportData) -> Section:
    """Section with tables of best single models, teams and baselines: val, test, and the gain with its interval."""
    tables = [
        Table(gains.headings, gains.rows, frozenset([] if gains.fixed is None else [gains.fixed]), gains.title)
        for gains in (*gain_tables(report.result), *across_tests(report.result))
    ]
    not_run = [f"Not run, {method}: {reason}" for method, reason in report.result.not_run.items()]
    return Section(
        "Teams",
        [
            "The best single models and every team were chosen on val. Each team is compared with the best single "
            f"model by the metric that it aims at, row by row on test{_tempered(report)}. Intervals (95 %) and "
            f"p-values are adjusted for the number of teams in a table; the one marked {FIXED} was fixed before test "
            "was looked at, and the verdict above judges it alone.",
            *not_run,
        ],
        tables,
    )


def _tempered(report: ReportData) -> str:
    if report.all_serve("values"):
        return ""
    return (
        "; for NLL and Brier score also with that model after temperature scaling on val, since calibration alone is "
        "no gain of an ensemble"
    )
