"""Confusion matrix of the team, and what changes between the best single model and the team."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.metrics.confusion import confusions_of
from lrensemble.numerics import likeliest
from lrensemble.report.labels import axis_labels
from lrensemble.report.look import BAD, GOOD, NEUTRAL
from lrensemble.report.parameters import Floats
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table

MOST_CLASSES = 60
"""Classes that are drawn; of more, those with most errors."""

MOST_WRITTEN = 12
"""Classes up to which the numbers stand in the cells."""

SHOWN_PAIRS = 15
"""Pairs of classes in the table."""


def confusion(report: ReportData) -> Section | None:
    """Section on the judged team against the best single model on test, pair of classes by pair."""
    if report.judged is None or report.pool.task.target.kind != "classes":  # choices are other ones in every row
        return None
    if report.chosen is None:
        return None
    labels, weights = report.truth(report.test), report.pool.weights(report.test)
    names = list(report.pool.task.classes)
    said = (
        report.by_row(each, report.test, lambda probs, _: likeliest(probs)) for each in (report.best, report.chosen)
    )
    before, after = (confusions_of(predicted, labels, len(names), weights) for predicted in said)
    shown = _most_errors(before + after)
    which = "" if len(shown) == len(names) else f" The {len(shown)} classes with most errors of {len(names)} are drawn."
    pairs = _pairs(before, after, names)
    return Section(
        "Confusions",
        [f"What the team says of test rows, label by label, and what the best single model said of them.{which}"],
        [pairs] if pairs.rows else [],
        [_matrix(after, names, shown), _changes(before, after, names, shown)],
    )


def _most_errors(counts: Floats) -> NDArray[np.int64]:
    """Positions of the classes that are drawn, in their order."""
    wrong = counts.sum(axis=0) + counts.sum(axis=1) - 2 * counts.diagonal()
    return np.sort(np.argsort(-wrong, kind="stable")[:MOST_CLASSES])


def _pairs(before: Floats, after: Floats, names: list[str]) -> Table:
    """Table of the confusions that change most."""
    change = after - before
    np.fill_diagonal(change, 0)
    order = np.argsort(-np.abs(change), axis=None, kind="stable")[:SHOWN_PAIRS]
    places = [(int(place // len(names)), int(place % len(names))) for place in order]
    rows = [
        [
            names[label],
            names[other],
            f"{before[label, other]:g}",
            f"{after[label, other]:g}",
            f"{change[label, other]:+g}",
        ]
        for label, other in places
        if change[label, other]
    ]
    headings = ["label", "taken for", "best single, rows", "team, rows", "change"]
    return Table(headings, rows, caption="Confusions that change most; fewer is better.", minor=frozenset({2}))


def _matrix(counts: Floats, names: list[str], shown: NDArray[np.int64]) -> Figure:
    shares = 100 * counts / np.maximum(counts.sum(axis=1, keepdims=True), 1e-12)
    drawn = np.round(shares[np.ix_(shown, shown)], 2)
    trace = _heat(drawn, names, shown, "%{z:.1f}") | {
        "colorscale": "Viridis",
        "zmin": 0,
        "zmax": 100,
        "hovertemplate": "label %{y}<br>team says %{x}<br>%{z:.2f} % of the label's rows<extra></extra>",
        "colorbar": {"title": {"text": "%"}},
        "meta": {
            "narrow": {"showscale": len(shown) > MOST_WRITTEN, **_written(shown, "%{z:.0f}")}
        },  # the numbers say it, and have room
    }
    caption = "Confusion matrix of the team on test: how many percent of a label's rows it takes for which class."
    return Figure("confusion", [trace], _layout(len(shown), "the team says"), caption)


def _changes(before: Floats, after: Floats, names: list[str], shown: NDArray[np.int64]) -> Figure:
    """Figure of the change in rows; better is more of them on the diagonal, and fewer elsewhere."""
    change = (after - before)[np.ix_(shown, shown)]
    better = np.where(np.eye(len(shown), dtype=bool), change, -change)
    most = max(1.0, float(np.abs(better).max()))
    trace = _heat(better, names, shown, "%{text}") | {
        "z": [[value or None for value in row] for row in better.tolist()],  # the page shows where nothing changes
        "hoverongaps": False,
        "text": [[f"{value:+g}" if value else "" for value in row] for row in change],
        "colorscale": [[0, BAD], [0.5, NEUTRAL], [1, GOOD]],
        "zmin": -most,
        "zmax": most,
        "hovertemplate": "label %{y}<br>taken for %{x}<br>%{text} rows<extra></extra>",
        "colorbar": {"title": {"text": "better"}},
        "meta": {"narrow": {"showscale": len(shown) > MOST_WRITTEN}},
    }
    caption = (
        "What the team changes against the best single model, in rows: on the diagonal more is better, elsewhere fewer."
    )
    return Figure("confusion_change", [trace], _layout(len(shown), "taken for"), caption)


def _heat(values: Floats, names: list[str], shown: NDArray[np.int64], written: str) -> dict[str, Any]:
    labels = axis_labels([names[place] for place in shown])
    trace = {"type": "heatmap", "z": values.tolist(), "x": labels, "y": labels}
    return trace | _written(shown, written)


def _written(shown: NDArray[np.int64], template: str) -> dict[str, Any]:
    """Numbers in the cells, where there is room for them."""
    return {"texttemplate": template} if len(shown) <= MOST_WRITTEN else {}


def _layout(classes: int, what: str) -> dict[str, Any]:
    ticks = {"showticklabels": classes <= MOST_CLASSES, "automargin": True, "type": "category", "showgrid": False}
    return {
        "xaxis": {**ticks, "title": {"text": what}},
        "yaxis": {**ticks, "title": {"text": "label"}, "autorange": "reversed"},
        "height": 480 if classes <= MOST_WRITTEN else 640,
    }
