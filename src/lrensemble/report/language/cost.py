"""What adapters cost beside the base that they share."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from lrensemble.config import Base
from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.costs import adapters_of, cost_of, parameters_in
from lrensemble.evaluate.result import Cost
from lrensemble.language.weight_files import weight_files
from lrensemble.report.language.samples import BASE, SINGLE, TEAM, Samples, stored_samples
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section, Table


def cost(report: ReportData) -> Section | None:
    """Section with parameters, training and speed of writing, of adapters against their base."""
    base = report.pool.task.base
    if base is None or report.judged is None:
        return None
    written = stored_samples(report)
    measured = written if isinstance(written, Samples) else None
    size, adapters = _size(base), _adapters(report)
    rows = [[BASE, "0", "0", "0", "", "", _speed(measured, BASE)]]
    for name, who, ids in _teams(report):
        spent = cost_of([member for member in report.members if member.id in ids])
        rows.append([name, str(len(ids)), *_added(adapters, ids, size), *_spent(spent), _speed(measured, who)])
    headings = [
        "who",
        "members",
        "parameters added",
        "% of the base",
        "seconds of training",
        "samples seen",
        "tokens/s",
    ]
    return Section(
        "Cost against the base",
        [
            _base(base, size),
            *_what_counts(adapters is not None, measured is not None),
        ],
        [Table(headings, rows, minor=frozenset({3, 4, 5}))],
    )


def _what_counts(adapters: bool, measured: bool) -> list[str]:
    if not adapters:
        return ["Members are whole models: a team holds all their parameters."]
    speed = (
        "Tokens a second are those of the samples, all prompts at once."
        if measured
        else "Tokens a second are measured when samples are written (lrensemble report POOL --samples N)."
    )
    return ["Members are adapters: a team holds the base once, and beside it the parameters of its adapters.", speed]


def _teams(report: ReportData) -> list[tuple[str, str, frozenset[str]]]:
    """Name, who that is among those who write samples, and ids of the members."""
    key = report.result.verdict.method
    judged = [] if key is None else [(f"{TEAM}: {key}", TEAM, frozenset(report.result.teams[key].members))]
    everybody = frozenset(member.id for member in report.members)
    return [(f"{SINGLE}: {report.best.name}", SINGLE, frozenset([report.best.id])), *judged, ("all", "", everybody)]


def _adapters(report: ReportData) -> dict[str, int] | None:
    """Parameters that each member adds to the base, by id; None where members are whole models."""
    return adapters_of(report.members) if all(member.adapter is not None for member in report.members) else None


def _size(base: Base) -> int | None:
    """Number of parameters of a base; None where it is not on this machine."""
    if not os.path.isdir(base.path):
        return None
    try:
        return sum(map(parameters_in, weight_files(Path(base.path))))
    except LREnsembleError:
        return None


def _base(base: Base, size: int | None) -> str:
    where = base.path if base.revision is None else f"{base.path}, {base.revision}"
    known = "" if size is None else f", {size:,} parameters"
    return f"The base is {where}{known} (weights SHA-256 {base.weights_sha256[:12]}…)."


def _added(adapters: Mapping[str, int] | None, ids: frozenset[str], base: int | None) -> tuple[str, str]:
    """Parameters beside the base, and their share of its own in percent."""
    if adapters is None:
        added = None if base is None else base * len(ids)
    else:
        added = sum(adapters[id_] for id_ in ids) if adapters.keys() >= ids else None
    if added is None:
        return "–", "–"
    return f"{added:,}", "–" if base is None else f"{100 * added / base:.3g}"


def _spent(cost: Cost) -> tuple[str, str]:
    seconds, seen = cost.seconds, cost.samples
    return "–" if seconds is None else f"{seconds:,.1f}", "–" if seen is None else f"{seen:,}"


def _speed(measured: Samples | None, who: str) -> str:
    if not who:
        return ""
    rate = None if measured is None else measured.tokens_per_second.get(who)
    return "–" if rate is None else f"{rate:,.1f}"
