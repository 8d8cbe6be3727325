"""Members: scores and cost by status, and the runs that failed."""

from __future__ import annotations

import math
from collections import Counter

from lrensemble.evaluate import MemberResult
from lrensemble.evaluate.verdict import in_print, score_in_print
from lrensemble.metrics import higher_is_better
from lrensemble.pool import Failure
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Fold, Section, Table
from lrensemble.report.sections.heat_maps import heat_maps

HEADINGS = {"accuracy": "acc. %", "coverage(level=0.9)": "90 % coverage, %"}
"""Headings other than the names of metrics."""

WORDS = {
    "finished": "finished",
    "learned nothing": "learned nothing: no better than chance on val",
    "diverged": "diverged: the loss was no number",
    "pruned": "pruned: ended early by the search",
    "failed": "failed: ended in an error",
}
"""Statuses in the order of the page, and what they mean."""

MOST_FAILURES = 20
"""Failures whose tracebacks are shown."""


def members(report: ReportData) -> Section | None:
    """Section with a table, and heat maps in the order of a clustering by disagreement."""
    failures = report.pool.failures()
    if not report.member_results and not failures:
        return None
    sign = 1 if higher_is_better(report.headline) else -1
    in_order = sorted(report.member_results, key=lambda m: (_rank(m), -sign * _headline(report, m, -sign * math.inf)))
    metrics = [
        metric
        for metric in report.pool.task.target.shown
        if any(m.val is not None and m.val.by(metric) is not None for m in in_order)
    ]
    rows = [_row(m, metrics) for m in in_order]
    rows += [[each.name, "failed", *[""] * len(metrics), "", ""] for each in failures]
    marked = frozenset(place for place, m in enumerate(in_order) if m.id in report.in_team)
    names = [f"val {HEADINGS.get(metric, in_print(metric))}" for metric in metrics]
    headings = ["member", "status", *names, "parameters", "seconds"]
    minor = (
        frozenset({1, *range(4, len(headings))})
        if len({row[1] for row in rows}) == 1
        else frozenset(range(4, len(headings)))
    )
    prose = ["Best on val first; members of the chosen team are marked."] if marked else ["Best on val first."]
    return Section(
        "Members",
        prose,
        [Table(headings, rows, marked, minor=minor)],
        heat_maps(report) if len(report.members) > 1 else (),
        facts=_by_status([row[1] for row in rows]),
        folds=[_traceback(each) for each in failures[:MOST_FAILURES]],
    )


def _row(member: MemberResult, metrics: list[str]) -> list[str]:
    return [
        member.name,
        member.status,
        *("" if member.val is None else _score(metric, member.val.by(metric)) for metric in metrics),
        "" if member.cost.parameters is None else f"{member.cost.parameters:,}",
        "" if member.cost.seconds is None else f"{member.cost.seconds:.1f}",
    ]


def _by_status(statuses: list[str]) -> list[tuple[str, str]]:
    """Number of runs by what became of them."""
    counts = Counter(statuses)
    order = [*(status for status in WORDS if status in counts), *(status for status in counts if status not in WORDS)]
    return [(WORDS.get(status, status), f"{counts[status]:,}") for status in order]


def _traceback(failure: Failure) -> Fold:
    last = failure.traceback.strip().splitlines()[-1:] or ["no traceback"]
    return Fold(f"{failure.name} failed: {last[0]}", failure.traceback)


def _rank(member: MemberResult) -> int:
    return 0 if member.status == "finished" else 1 + int(member.val is None)


def _score(metric: str, value: float | None) -> str:
    return f"{value:.4f}" if metric == "ece" and value is not None else score_in_print(metric, value)


def _headline(report: ReportData, member: MemberResult, otherwise: float) -> float:
    value = None if member.val is None else member.val.by(report.headline)
    return otherwise if value is None else value
