"""Figures of one record at a time, for notebooks and for `lrensemble plot`: the same that the page shows."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from lrensemble.errors import MissingExtraError, ReportError
from lrensemble.evaluate import Result, Team, load, stale, stored_result
from lrensemble.evaluate.selections import stored_teams
from lrensemble.pool import Member, Pool
from lrensemble.registry import Call, Registry
from lrensemble.report.escape import escape_html
from lrensemble.report.figures import write_figure
from lrensemble.report.look import look_at
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section
from lrensemble.report.sections.curves import curves
from lrensemble.report.sections.diversity import diversity
from lrensemble.report.sections.price import price
from lrensemble.report.sections.reliability import reliability
from lrensemble.report.sections.uncertainty import uncertainty
from lrensemble.report.sections.variants import drawn_variants
from lrensemble.select import Selection


@dataclass(frozen=True)
class PlotFacts:
    """A figure says what it is of."""

    of: tuple[str, ...]
    """Kinds of record that have it."""


PLOTS: Registry[Any, PlotFacts] = Registry("figure", PlotFacts, plural="plots", title="Figures", call=Call(("record",)))
"""Functions of a record that return a figure of plotly."""


@PLOTS.register("curves", of=("Pool",))
def curves_of(record: Pool) -> Any:
    """Learning rate, training loss and validation loss of every member over the epochs."""
    section = curves(_read(record))
    if section is None:
        raise ReportError(f"no figure curves: the members of {record.folder} have no history")
    return _of_section(section, "curves")


@PLOTS.register("diversity", of=("Pool",))
def diversity_of(record: Pool) -> Any:
    """Accuracy of teams against their generalized diversity, on `val`."""
    return _of_section(_classes(diversity, record, "diversity"), "diversity")


@PLOTS.register("size", of=("Pool",))
def size_of(record: Pool) -> Any:
    """Accuracy of teams by their size, beside the members alone, on `val`."""
    return _of_section(_classes(diversity, record, "size"), "size")


@PLOTS.register("reliability", of=("Pool",))
def reliability_of(record: Pool) -> Any:
    """Accuracy by confidence on `val`, of the best single model and the judged team; the pool is evaluated already."""
    _evaluated(record)
    return _of_section(_classes(reliability, record, "reliability"), "reliability")


@PLOTS.register("risk_coverage", of=("Pool",))
def risk_coverage_of(record: Pool) -> Any:
    """Error rate of the surest rows over how many are kept, on test; the pool is evaluated already."""
    report = _evaluated(record)
    section = _classes(uncertainty, record, "risk_coverage")
    if section is None:
        raise ReportError(f"no figure risk_coverage: nobody gives probabilities in {report.pool.folder}")
    return _of_section(section, "risk_coverage")


@PLOTS.register("price", of=("Pool",))
def price_of(record: Pool) -> Any:
    """Score on test rows against the cost of teams; the pool is evaluated already."""
    return _of_section(price(_evaluated(record)), "price")


@PLOTS.register("variants", of=("Pool",))
def variants_of(record: Pool) -> Any:
    """Score on test rows of variants of the team against their cost; `lrensemble export --compare` has made them."""
    return _of_section(drawn_variants(_read(record)), "variants")


@PLOTS.register("history", of=("Member",))
def history_of(record: Member) -> Any:
    """What was measured of one member at the end of each epoch."""
    lines = record.history()
    if not lines:
        raise ReportError(f"member {record.id} ({record.name}) has no history: it was trained elsewhere")
    keys = [key for key, value in lines[0].items() if isinstance(value, float)]
    traces = [
        {"type": "scatter", "x": [line["epoch"] for line in lines], "y": [line.get(key) for line in lines], "name": key}
        for key in keys
    ]
    return figure_of(Figure("history", traces, {"xaxis": {"title": {"text": "epoch"}}}))


@PLOTS.register("weights", of=("Selection", "Team"))
def weights_of(record: Selection | Team) -> Any:
    """Weight of each member of a team."""
    names = [escape_html(f"member {member}" if isinstance(member, int) else member) for member in record.team]
    trace = {"type": "bar", "x": names, "y": list(record.weights)}
    return figure_of(Figure("weights", [trace], {"yaxis": {"title": {"text": "weight"}}}))


@PLOTS.register("gains", of=("Result",))
def gains_of(record: Result) -> Any:
    """Gain of every team over the best single model on test rows, with its 95 % interval, by the metric of its aim."""
    found = {key: team.gain[team.metric] for key, team in record.teams.items() if team.metric in team.gain}
    values = [gain.value for gain in found.values()]
    error = {
        "type": "data",
        "symmetric": False,
        "array": [gain.high - gain.value for gain in found.values()],
        "arrayminus": [gain.value - gain.low for gain in found.values()],
    }
    trace = {"type": "scatter", "mode": "markers", "x": values, "y": list(map(escape_html, found)), "error_x": error}
    layout = {"xaxis": {"title": {"text": "gain over the best single model"}}, "yaxis": {"automargin": True}}
    return figure_of(Figure("gains", [trace], layout))


def rates_figure(curves_by_name: Mapping[str, Sequence[float]], epochs: int) -> Figure:
    """Learning rates over the epochs of a run, a line a policy.

    Args:
        curves_by_name: rates of the steps of a run, evenly spread over it, by policy.
        epochs: of the run.
    """
    traces = [
        {
            "type": "scatter",
            "mode": "lines",
            "x": [epochs * step / len(rates) for step in range(len(rates))],
            "y": list(rates),
            "name": escape_html(name),
            "line": {"color": look_at(place).colour, "dash": look_at(place).dash},
        }
        for place, (name, rates) in enumerate(curves_by_name.items())
    ]
    axes = {"xaxis": {"title": {"text": "epoch"}}, "yaxis": {"title": {"text": "rate"}}}
    return Figure("policies", traces, axes, "The rate of every policy over a run.")


def figure_of(figure: Figure) -> Any:
    """Figure of plotly, with `save(path)`: as a page, `.svg`, `.png` or `.pdf`.

    Raises:
        MissingExtraError: plotly is not installed.
    """
    return _kind_of_figure()({"data": list(figure.traces), "layout": dict(figure.layout)})


@cache
def _kind_of_figure() -> Any:
    """Class of the figures; a function, since plotly is imported for it."""
    try:
        from plotly.graph_objects import Figure as OfPlotly
    except ImportError:
        raise MissingExtraError("figures need plotly; pip install 'lrensemble[report]'") from None

    class DrawnFigure(OfPlotly):  # type: ignore[misc]
        """A figure of plotly that is written as this library writes them: no page or picture asks another host."""

        def save(self, path: str | os.PathLike[str]) -> None:
            """Write it to a `.html`, `.svg`, `.png` or `.pdf` file.

            Raises:
                ReportError: another ending, or a browser that does not draw.
                MissingExtraError: kaleido or a browser is not installed.
                StorageError: it cannot be written.
            """
            write_figure(self, Path(path))

    return DrawnFigure


def _read(pool: Pool) -> ReportData:
    """The pool with its stored evaluation, if there is one of its teams; nothing is evaluated for a figure."""
    teams = load(pool) if len(stale(pool)) < len(stored_teams(pool)) else ()
    return ReportData(pool, stored_result(pool, teams))


def _evaluated(pool: Pool) -> ReportData:
    """The pool with its stored evaluation.

    Raises:
        ReportError: there is none.
        PoolError: there are teams, and all of them are stale.
    """
    report = ReportData(pool, stored_result(pool, load(pool)))
    _ = report.result
    return report


def _classes(section: Callable[[ReportData], Section | None], pool: Pool, name: str) -> Section | None:
    """Section of a pool whose members all name classes.

    Raises:
        ReportError: they do not.
    """
    report = _read(pool)
    if not report.all_serve("labels"):
        raise ReportError(f"the figure {name} is of classes, and members of {pool.folder} do not name any")
    return section(report)


def _of_section(section: Section | None, name: str) -> Any:
    """The figure of that name in a section.

    Raises:
        ReportError: it has none; its first sentence says why.
    """
    if section is None:
        raise ReportError(f"no figure {name}: a team needs two members that learned something")
    for figure in section.figures:
        if figure.name == name:
            return figure_of(figure)
    raise ReportError(f"no figure {name}: {' '.join(section.prose)}")
