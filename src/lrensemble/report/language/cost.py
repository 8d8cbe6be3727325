"""What adapters cost beside the base that they share."""

from __future__ import annotations

from pathlib import Path

from lrensemble.config import Base
from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.result import Cost
from lrensemble.files import tensor_errors
from lrensemble.language.weights import weight_files
from lrensemble.report.language.samples import BASE, SINGLE, TEAM, Samples, stored_samples
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Section, Table


def cost(report: ReportData) -> Section | None:
    """Section with parameters, training and speed of writing, of adapters against their base."""
    base = report.pool.task.base
    if base is None or report.judged is None:
        return None
    size, written = parameters_of(base), stored_samples(report)
    measured = written if isinstance(written, Samples) else None
    key = report.result.verdict.method
    rows = [[BASE, "0", "0" if size is None else f"{size:,}", "", "", "", _speed(measured, BASE)]]
    rows.append(
        [f"{SINGLE}: {report.best.name}", *_cost(report.result.best_single.cost, size), _speed(measured, SINGLE)]
    )
    if key is not None:
        rows.append([f"{TEAM}: {key}", *_cost(report.result.teams[key].cost, size), _speed(measured, TEAM)])
    rows.append(["all members", *_cost(_sum(report), size), ""])
    adapters = all(member.adapter is not None for member in report.members)
    headings = ["who", "members", "parameters", "share of base %", "seconds of training", "samples seen", "tokens/s"]
    return Section(
        "Cost against the base",
        [
            _base(base, size),
            "Members are adapters: a team holds the base once, and beside it the parameters of its adapters."
            if adapters
            else "Members are whole models: a team holds all their parameters.",
            "Tokens a second are those of the samples, all prompts at once."
            if measured is not None
            else "Tokens a second are measured when samples are written (lrensemble report POOL --samples N).",
        ],
        [Table(headings, rows)],
    )


def parameters_of(base: Base) -> int | None:
    """Number of parameters of a base, by the headers of its files; None where they are not on this machine."""
    import safetensors

    folder = Path(base.path)
    if not folder.is_dir():
        return None
    total = 0
    try:
        for path in weight_files(folder):
            with tensor_errors(path), safetensors.safe_open(path, "np") as file:
                for name in file.keys():  # noqa: SIM118 – no mapping
                    count = 1
                    for length in file.get_slice(name).get_shape():
                        count *= length
                    total += count
    except LREnsembleError:
        return None
    return total


def _base(base: Base, size: int | None) -> str:
    where = base.path if base.revision is None else f"{base.path}, {base.revision}"
    known = "" if size is None else f", {size:,} parameters"
    return f"The base is {where}{known} (weights SHA-256 {base.weights_sha256[:12]}…)."


def _cost(cost: Cost, base: int | None) -> list[str]:
    share = None if base is None or cost.parameters is None else 100 * cost.parameters / base
    return [
        str(cost.members),
        "–" if cost.parameters is None else f"{cost.parameters:,}",
        "–" if share is None else f"{share:.3g}",
        "–" if cost.seconds is None else f"{cost.seconds:,.1f}",
        "–" if cost.samples is None else f"{cost.samples:,}",
    ]


def _sum(report: ReportData) -> Cost:
    """Cost of all members, those that failed too."""
    costs = [member.cost for member in report.result.members]
    parameters = [each.parameters for each in costs]
    seconds, seen = [each.seconds for each in costs], [each.samples for each in costs]
    return Cost(
        members=len(costs),
        parameters=None if None in parameters else sum(each for each in parameters if each is not None),
        seconds=None if None in seconds else sum(each for each in seconds if each is not None),
        samples=None if None in seen else sum(each for each in seen if each is not None),
    )


def _speed(measured: Samples | None, who: str) -> str:
    rate = None if measured is None else measured.tokens_per_second.get(who)
    return "–" if rate is None else f"{rate:,.1f}"
