"""What teams cost to make and to run, and which of them no other beats in both score and cost."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrensemble.evaluate import untrusted
from lrensemble.evaluate.result import MemberResult
from lrensemble.report.facts import Facts
from lrensemble.report.safe import text
from lrensemble.report.section import Figure, Section, Table
from lrensemble.report.speed import BATCH, speeds, together


def price(facts: Facts) -> Section:
    """Parameters, seconds of training and time to predict, of the best single model and of every team."""
    teams = {"best single": facts.result.best_single} | dict(facts.result.teams)
    rows, points = list[list[str]](), list[tuple[str, float, float]]()
    known = speeds(facts.members, len(facts.pool.task.classes), trust_code=facts.pool.trust_code)
    for name, team in teams.items():
        cost = team.cost
        ids = (team.id,) if isinstance(team, MemberResult) else team.members
        speed = together(known[id_] for id_ in ids) if known.keys() >= set(ids) else None
        rows.append(
            [
                name,
                str(cost.members),
                "" if cost.parameters is None else f"{cost.parameters:,}",
                "" if cost.seconds is None else f"{cost.seconds:,.1f}",
                "" if cost.samples is None else f"{cost.samples:,}",
                "–" if speed is None else f"{1000 * speed.latency:,.2f}",
                "–" if speed is None else f"{speed.throughput:,.0f}",
                "" if team.test is None else f"{100 * team.test.accuracy:.2f}",
            ]
        )
        if team.test is not None:
            points.append((name, cost.parameters or cost.members, 100 * team.test.accuracy))
    headings = ["team", "members", "parameters", "seconds of training", "samples seen", "latency, ms", "rows/s"]
    headings.append("test acc. %")
    unit = "parameters" if all(team.cost.parameters for team in teams.values()) else "members"
    return Section(
        "The price",
        [
            "Of a team: sums over its distinct members. Latency is that of one row, throughput that of "
            f"{BATCH} rows at once, members one after another, measured on one thread of the CPU while this page was "
            "written. The line joins the teams that no other beats in both.",
            *filter(None, [untrusted(facts.pool, "model", "The latency")]),
        ],
        [Table(headings, rows)],
        [
            Figure(
                "price",
                _traces(points),
                {"xaxis": {"title": {"text": unit}}, "yaxis": {"title": {"text": "test accuracy, %"}}},
            )
        ],
    )


def front(costs: list[float], scores: list[float]) -> list[int]:
    """Places of the points that none beats: cheapest first, every next one better."""
    order = sorted(range(len(costs)), key=lambda place: (costs[place], -scores[place]))
    kept: list[int] = []
    for place in order:
        if not kept or scores[place] > scores[kept[-1]]:
            kept.append(place)
    return kept


def _traces(points: list[tuple[str, float, float]]) -> list[dict[str, Any]]:
    names, costs, scores = ([point[axis] for point in points] for axis in range(3))
    places = front([float(cost) for cost in costs], [float(score) for score in scores])
    line = {"type": "scatter", "mode": "lines", "line": {"color": "#90a4ae"}, "hoverinfo": "skip", "showlegend": False}
    every = {
        "type": "scatter",
        "mode": "markers+text",
        "text": [text(name) for name in names],
        "textposition": "top center",
        "x": costs,
        "y": np.round(np.array(scores, dtype=np.float64), 3).tolist(),
        "marker": {"color": "#5c6bc0", "size": 9},
        "showlegend": False,
    }
    return [line | {"x": [costs[place] for place in places], "y": [scores[place] for place in places]}, every]
