"""Cost of training and of running teams, and the Pareto front of score against cost."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from lrensemble.evaluate import untrusted
from lrensemble.evaluate.costs import cost_of
from lrensemble.evaluate.result import Cost, MemberResult
from lrensemble.evaluate.verdict import in_print, score_in_print
from lrensemble.metrics import METRICS, higher_is_better
from lrensemble.report.labels import axis_labels, whole_ticks
from lrensemble.report.look import COLOURS, GUIDE
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table
from lrensemble.report.sections.speed import BATCH, Speed, combined, speeds

_MEASURED = (
    f" Latency is that of one row, throughput that of {BATCH} rows at once, members one after another, measured on one "
    "thread of the CPU while this page was written."
)
NEAR = 0.04
"""Part of an axis below which the labels of two points would cover one another."""
_ONCE = ", and of the base of adapters once"


def price(report: ReportData) -> Section | None:
    """Section with parameters, seconds of training and time to predict of the best single model and of every team."""
    if report.judged is None:
        return None
    teams = {"best single": report.result.best_single} | dict(report.result.teams)
    rows, scores = list[list[str]](), dict[str, float]()
    members, costs = {member.id: member for member in report.members}, dict[str, Cost]()
    headline = report.result.headline
    percent = METRICS.facts(headline).unit == "fraction"
    known = speeds(report.members, report.pool.task.target, trust_code=report.pool.trust_code)
    for name, team in teams.items():
        value = None if team.test is None else team.test.by(headline)
        ids = (team.id,) if isinstance(team, MemberResult) else team.members
        cost = costs[name] = cost_of([members[id_] for id_ in dict.fromkeys(ids)])
        speed = combined(known[id_] for id_ in ids) if known.keys() >= set(ids) else None
        said = "" if value is None else score_in_print(headline, value)
        rows.append([name, *_of_cost(cost), *_of_speed(speed), said])
        if value is not None:
            scores[name] = (100 if percent else 1) * value
    headings = ["team", "members", "parameters", "seconds of training", "samples seen", "latency, ms", "rows/s"]
    headings.append("test acc. %" if headline == "accuracy" else f"test {in_print(headline)}")
    axis = f"test {in_print(headline)}" + (", %" if percent else "")
    sizes = {name: cost.parameters or 0 for name, cost in costs.items()}
    unit = "parameters" if all(sizes.values()) else "members"
    points = [(name, sizes[name] if all(sizes.values()) else costs[name].members, own) for name, own in scores.items()]
    adapters = any(member.adapter is not None for member in report.members)
    return Section(
        "The price",
        [
            f"Costs of a team are sums over its distinct members{_ONCE if adapters else ''}."
            f"{_MEASURED if known else ''} The line joins the teams that no other beats in both.",
            *filter(None, [untrusted(report.pool, "model", "The latency")]),
        ],
        [Table(headings, rows, minor=frozenset({2, 3, 4, 6}))],
        [
            Figure(
                "price",
                cost_traces(points, higher_is_better(headline)),
                {"xaxis": whole_ticks(unit, [size for _, size, _ in points]), "yaxis": {"title": {"text": axis}}},
                f"Every point is a team: test {in_print(headline)} against {unit}. The line joins those that no other "
                "beats in both.",
            )
        ],
    )


def _of_cost(cost: Cost) -> list[str]:
    """Cells of members, parameters, seconds and samples; empty where one is not known."""
    known = ((cost.parameters, ","), (cost.seconds, ",.1f"), (cost.samples, ","))
    return [str(cost.members), *("" if each is None else format(each, form) for each, form in known)]


def _of_speed(speed: Speed | None) -> list[str]:
    """Cells of latency and throughput; dashes where nobody could measure them."""
    return ["–", "–"] if speed is None else [f"{1000 * speed.latency:,.2f}", f"{speed.throughput:,.0f}"]


def pareto_front(costs: list[float], scores: list[float]) -> list[int]:
    """Positions of the points that no other beats in both cost and score: cheapest first, each next one better."""
    order = sorted(range(len(costs)), key=lambda place: (costs[place], -scores[place]))
    kept: list[int] = []
    for place in order:
        if not kept or scores[place] > scores[kept[-1]]:
            kept.append(place)
    return kept


def cost_traces(points: Sequence[tuple[str, float, float]], higher: bool) -> list[dict[str, Any]]:
    """Line of the teams that no other beats, and the points of all.

    Args:
        points: name, cost and score of each team.
        higher: whether a higher score is better.
    """
    costs = [float(cost) for _, cost, _ in points]
    scores = [float(score) for _, _, score in points]
    places = pareto_front(costs, scores if higher else [-score for score in scores])
    line = {"type": "scatter", "mode": "lines", "line": {"color": GUIDE}, "hoverinfo": "skip", "showlegend": False}
    together = dict[tuple[float, float], list[str]]()  # who has one place has one label
    for name, cost, score in points:
        together.setdefault((cost, round(float(score), 3)), []).append(name)
    edge = 0.2 * min(costs, default=0) + 0.8 * max(costs, default=0)  # beyond it a label would leave the figure
    labels = axis_labels([", ".join(each) for each in together.values()])
    every = {
        "type": "scatter",
        "mode": "markers+text",
        "text": [f" {label} " if label else "" for label in _apart(list(together), labels)],
        "hovertext": labels,
        "textposition": [_beside(cost <= edge, higher) for cost, _ in together],
        "cliponaxis": False,
        "x": [cost for cost, _ in together],
        "y": [score for _, score in together],
        "marker": {"color": COLOURS[0], "size": 9},
        "showlegend": False,
    }
    return [line | {"x": [costs[place] for place in places], "y": [scores[place] for place in places]}, every]


def _apart(places: Sequence[tuple[float, float]], labels: Sequence[str]) -> list[str]:
    """Labels of points, where those that lie so close that they would cover one another have one beside the first."""
    spans = [max(axis) - min(axis) or 1.0 for axis in zip(*places, strict=True)]
    written = dict[int, list[str]]()
    for place, label in enumerate(labels):
        near = (
            first
            for first in written
            if all(abs(a - b) < NEAR * span for a, b, span in zip(places[first], places[place], spans, strict=True))
        )
        written.setdefault(next(near, place), []).append(label)
    return [", ".join(written.get(place, ())) for place in range(len(labels))]


def _beside(left: bool, higher: bool) -> str:
    """Place of a label beside its point, off the line, which rises where higher is better and falls otherwise."""
    return f"{'bottom' if left == higher else 'top'} {'right' if left else 'left'}"
