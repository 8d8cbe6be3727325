"""Values: predictions against the truth, residuals, and how much of the truth central intervals hold."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrensemble.metrics import METRICS
from lrensemble.report.escape import escape_html
from lrensemble.report.look import GUIDE, SINGLE, TEAM
from lrensemble.report.parameters import Floats
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section
from lrensemble.rows import sampled

POINTS = 2000
"""Maximum number of rows that are drawn."""

OUTPUTS = 4
"""Maximum number of outputs that are drawn."""

LEVELS = np.arange(1, 20) / 20
"""Levels of the central intervals."""

SHOWN = ((SINGLE, "circle", "solid"), (TEAM, "diamond", "dash"))
"""Colour, symbol and dash of the best single model and of the team."""


def residuals(report: ReportData) -> Section | None:
    """Section on the best single model and the judged team on test, output by output."""
    if report.judged is None:
        return None
    said = {"best single": report.seen(report.best, report.test)}
    team = report.team_said(report.test)
    if team is not None:
        said["team"] = team
    truth = report.truth(report.test)
    rows = sampled(len(truth), POINTS)
    which = "all" if len(rows) == len(truth) else f"a sample of {len(rows):,} of"
    prose = [f"On {which} {len(truth):,} rows of test. A residual is the truth less what is predicted."]
    names = report.pool.task.target.names
    if len(names) > OUTPUTS:
        prose.append(f"The first {OUTPUTS} of {len(names)} outputs are drawn.")
    figures = [
        _against(said, truth, rows, names, residual=False),
        _against(said, truth, rows, names, residual=True),
    ]
    sure = {name: own for name, own in said.items() if own.shape[1] == 2 * truth.shape[1]}
    if sure:
        weights = report.pool.weights(report.test)
        figures.append(_calibration(sure, truth, weights))
        shares = {name: 100 * _coverage(own, truth, 0.9, weights) for name, own in sure.items()}
        covered = ", ".join(f"{name} {share:.1f} %" for name, share in shares.items())
        prose.append(f"Rows whose truth lies in the central 90 % interval: {covered}.")
    return Section("Residuals and calibration" if sure else "Residuals", prose, figures=figures)


def coverages(said: Floats, truth: Floats, weights: Floats | None = None) -> list[float]:
    """Share of the truth [sample, output], by weights [sample], in the central interval of each of `LEVELS`."""
    return [_coverage(said, truth, level, weights) for level in LEVELS]


def _coverage(said: Floats, truth: Floats, level: float, weights: Floats | None) -> float:
    given = () if weights is None else (weights,)
    return float(METRICS.call({"name": "coverage", "level": float(level)}, said, truth, *given))


def _against(
    said: dict[str, Floats], truth: Floats, rows: np.ndarray, names: tuple[str, ...], *, residual: bool
) -> Figure:
    """Figure of the truth, or of the residual, against what is predicted; a panel for each output."""
    shown = min(len(names), OUTPUTS)
    traces: list[dict[str, Any]] = []
    layout: dict[str, Any] = {
        "grid": {"rows": shown, "columns": 1, "pattern": "independent"},
        "height": 90 + 330 * shown,
    }
    for output in range(shown):
        axis = "" if output == 0 else str(output + 1)
        known = truth[rows, output]
        for (name, own), (colour, symbol, _) in zip(said.items(), SHOWN, strict=False):
            predicted = own[rows, output]
            traces.append(
                {
                    "type": "scattergl",
                    "mode": "markers",
                    "name": name,
                    "showlegend": output == 0,
                    "x": predicted.tolist(),
                    "y": (known - predicted if residual else known).tolist(),
                    "xaxis": f"x{axis}",
                    "yaxis": f"y{axis}",
                    "marker": {"color": colour, "symbol": symbol, "size": 6, "opacity": 0.6},
                }
            )
        ends = [float(known.min()), float(known.max())]
        line = {"color": GUIDE, "dash": "dash", "width": 1}
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "x": ends,
                "y": [0.0, 0.0] if residual else ends,
                "xaxis": f"x{axis}",
                "yaxis": f"y{axis}",
                "line": line,
                "showlegend": False,
                "hoverinfo": "skip",
            }
        )
        name = escape_html(names[output])
        layout[f"xaxis{axis}"] = {"title": {"text": f"{name}, predicted"}}
        layout[f"yaxis{axis}"] = {"title": {"text": f"{name}, {'residual' if residual else 'truth'}"}}
    if residual:
        return Figure("residuals", traces, layout, "Residuals against predictions: no pattern is left by a good model.")
    return Figure("predicted", traces, layout, "The truth against predictions; a perfect model lies on the line.")


def _calibration(said: dict[str, Floats], truth: Floats, weights: Floats | None) -> Figure:
    line = {"color": GUIDE, "dash": "dash", "width": 1}
    traces: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "x": [0, 1], "y": [0, 1], "line": line, "showlegend": False}
        | {"hoverinfo": "skip"}
    ]
    traces += [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": LEVELS.tolist(),
            "y": np.round(coverages(own, truth, weights), 4).tolist(),
            "line": {"color": colour, "dash": dash},
            "marker": {"symbol": symbol, "size": 8},
        }
        for (name, own), (colour, symbol, dash) in zip(said.items(), SHOWN, strict=False)
    ]
    axes = {
        "xaxis": {"title": {"text": "level of the central interval"}, "range": [0, 1]},
        "yaxis": {"title": {"text": "share of the truth in it"}, "range": [0, 1]},
    }
    return Figure(
        "calibration", traces, axes, "On the line, intervals hold what they say; below it, they are too narrow."
    )
