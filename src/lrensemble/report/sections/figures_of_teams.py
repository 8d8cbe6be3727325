"""Figures of many teams: a score against something else, against their size, and along a greedy path."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.report.escape import escape_html
from lrensemble.report.labels import whole_ticks
from lrensemble.report.look import COLOURS, SCALE, look_at
from lrensemble.report.parameters import Floats
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure


def against(
    name: str, values: Floats, scores: Floats, masks: NDArray[np.bool_], titles: tuple[str, str], hover: str
) -> Figure:
    """Figure in which every point is a team, coloured by its size.

    Args:
        name: of the figure.
        values: [team] along the horizontal axis.
        scores: [team] along the vertical one.
        masks: [team, member] the teams.
        titles: of the axes; that of the scores may end with their unit, `, %`.
        hover: what is said of a point, before its size.
    """
    sizes = masks.sum(axis=1).tolist()
    trace: dict[str, Any] = {
        "type": "scattergl",
        "mode": "markers",
        "x": values.tolist(),
        "y": scores.tolist(),
        "marker": {
            "color": sizes,
            "colorscale": SCALE,
            "size": 5,
            "colorbar": whole_ticks("size", sizes),
        },
        "hovertemplate": f"{hover}<br>%{{marker.color}} members<extra></extra>",
    }
    axes = {axis: {"title": {"text": title}} for axis, title in zip(("xaxis", "yaxis"), titles, strict=True)}
    what = titles[1].removesuffix(", %")
    return Figure(name, [trace], axes, f"{what[0].upper()}{what[1:]} against {titles[0]}. Every point is a team.")


def by_size(
    alone: Floats, masks: NDArray[np.bool_], scores: Floats, best: Callable[[Floats], Any], title: str
) -> Figure:
    """Figure of the best and the mean score over the teams of every size.

    Args:
        alone: [member] scores of members by themselves.
        masks: [team, member] teams of two or more.
        scores: [team].
        best: the highest score, or the lowest loss.
        title: of the vertical axis.
    """
    sizes = np.concatenate([np.ones(len(alone), dtype=np.int64), masks.sum(axis=1)])
    every, known = np.concatenate([alone, scores]), np.unique(sizes)
    traces = [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": known.tolist(),
            "y": [float(statistic(every[sizes == size])) for size in known],
            "line": {"color": look.colour, "dash": look.dash},
            "marker": {"symbol": look.symbol, "size": 8},
        }
        for name, statistic, look in (("best", best, look_at(2)), ("mean", np.mean, look_at(0)))
    ]
    axes = {"xaxis": {"title": {"text": "members"}}, "yaxis": {"title": {"text": title}}}
    return Figure("size", traces, axes, "The same teams by size, beside the members alone: best and mean.", small=True)


def greedy_figure(report: ReportData, added: Sequence[int], losses: Sequence[float], what: str, form: str) -> Figure:
    """Figure of a greedy search on all val rows.

    Args:
        report: of the members.
        added: the member of each step.
        losses: after each step.
        what: the loss.
        form: of its numbers.
    """
    trace: dict[str, Any] = {
        "type": "scatter",
        "mode": "lines+markers",
        "x": list(range(1, len(losses) + 1)),
        "y": list(losses),
        "text": [escape_html(report.names[member]) for member in added],
        "line": {"color": COLOURS[0]},
        "hovertemplate": f"%{{x}}: + %{{text}}<br>{what} %{{y:{form}}}<extra></extra>",
    }
    axes = {"xaxis": {"title": {"text": "additions"}}, "yaxis": {"title": {"text": f"val {what}"}}}
    caption = "Greedy search on all val rows, step by step: optimistic, since it is chosen on them. Point to see whom."
    return Figure("greedy", [trace], axes, caption, small=True)
