"""The verdicts in a sentence each, and every team beside the best single models."""

from __future__ import annotations

from lrensemble.evaluate.tables import FIXED, HEADINGS, across_tests, gain_tables
from lrensemble.evaluate.verdict import in_print, outcome_of, score_in_print, sentences_of
from lrensemble.metrics import higher_is_better
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section, Table
from lrensemble.text.counted import counted

MINOR = frozenset({1, 2, 6})
"""Columns of a table of gains that a narrow screen does without: size, val and p."""


def verdict(report: ReportData) -> Section:
    """Section with the verdicts, in a sentence each; of a pool that is not evaluated, how far it is."""
    if report.judged is None:
        return _so_far(report)
    rows = ", ".join(f"{count:,} rows of {split}" for split, count in report.result.rows.items())
    return Section(
        f"{report.result.task}: the verdict",
        [*sentences_of(report.result), *report.result.notes, f"Measured on {rows}."],
        lead=outcome_of(report.result.verdicts[0]),
    )


def _so_far(report: ReportData) -> Section:
    """Section that says how many members there are, and what the best of them scores on val."""
    headline, rows = (
        report.headline,
        ", ".join(f"{s.size:,} rows of {name}" for name, s in report.pool.task.splits.items()),
    )
    scored = [
        (own, m.name) for m in report.member_results if m.val is not None and (own := m.val.by(headline)) is not None
    ]
    count = len(report.members)
    prose = [f"{counted(count, 'member')} so far. Nothing was evaluated yet: no test row was looked at."]
    if scored:
        value, name = (max if higher_is_better(headline) else min)(scored)
        prose.append(f"Best val {in_print(headline)} so far: {score_in_print(headline, value)} ({name}).")
    return Section(f"{report.pool.task.name}: not evaluated yet", [*prose, f"Divided into {rows}."])


def teams(report: ReportData) -> Section | None:
    """Section with tables of best single models, teams and baselines: val, test, and the gain with its interval."""
    if report.judged is None:
        return None
    tables = [
        Table(
            gains.headings,
            gains.rows,
            frozenset([] if gains.fixed is None else [gains.fixed]),
            gains.title,
            MINOR if gains.headings == HEADINGS else frozenset(),
        )
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
    if not report.pool.task.target.has_labels:
        return ""
    return (
        "; for NLL and Brier score also with that model after temperature scaling on val, since calibration alone is "
        "no gain of an ensemble"
    )
