"""Reliability diagrams: accuracy against confidence, before and after temperature scaling."""

from __future__ import annotations

from typing import Any

import numpy as np

from lrensemble.consensus import combine, fit
from lrensemble.evaluate.temperatures import FITTED_CELLS
from lrensemble.metrics import METRICS
from lrensemble.metrics.calibration import equal_width_bins
from lrensemble.numerics import likeliest
from lrensemble.report.look import GUIDE, SINGLE, TEAM
from lrensemble.report.parameters import Floats
from lrensemble.report.report_data import Labels, ReportData
from lrensemble.report.section import Figure, Section

BINS = 12

SINGLE_MODEL = "best single"


def reliability(report: ReportData) -> Section | None:
    """Section on the best single model and the judged team on val, plain and tempered."""
    if report.judged is None:
        return None
    found = {SINGLE_MODEL: report.seen(report.best, "val")}
    team = report.team_said("val")
    if team is not None:
        found["team"] = team
    traces: list[dict[str, Any]] = [_diagonal()]
    sentences = []
    for place, (name, probs) in enumerate(found.items()):
        tempered = _with_temperature(report, name, probs)
        sentences.append(
            f"{name}: ECE {_ece(probs, report.labels):.4f}, with temperature {_ece(tempered, report.labels):.4f}"
        )
        colour, symbol = (SINGLE, TEAM)[place], ("circle", "diamond")[place]
        traces.append(_trace(name, probs, report.labels, colour, "solid", symbol))
        traces.append(_trace(f"{name}, with temperature", tempered, report.labels, colour, "dot", f"{symbol}-open"))
        traces.append(_counts(name, probs, colour, place))
    axes = {
        "xaxis": {"title": {"text": "confidence"}, "range": [0, 1.01], "anchor": "y2"},
        "yaxis": {"title": {"text": "accuracy"}, "range": [0, 1.04], "domain": [0.33, 1]},
        "yaxis2": {"title": {"text": "rows"}, "domain": [0, 0.25], "rangemode": "tozero"},
        "barmode": "group",
        "height": 560,
    }
    return Section(
        "Reliability",
        ["; ".join(sentences) + ". Temperatures are fitted to the same val rows (Guo et al. 2017)."],
        figures=[
            Figure(
                "reliability",
                traces,
                axes,
                "A point for each twelfth of confidence that holds rows; a calibrated model lies on the line. Below: "
                "how many rows each holds; a point of few rows says little.",
            )
        ],
    )


def bins(probs: Floats, labels: Labels) -> tuple[Floats, Floats, Floats]:
    """Mean confidence, accuracy and number of rows [bin] of the bins that hold any."""
    confidence = probs.max(axis=1)
    place = equal_width_bins(confidence, BINS)
    count = np.bincount(place, minlength=BINS).astype(np.float64)
    held = count > 0
    right = (likeliest(probs) == labels).astype(np.float64)
    sums = [np.bincount(place, weights=values, minlength=BINS)[held] for values in (confidence, right)]
    return sums[0] / count[held], sums[1] / count[held], count[held]


def _with_temperature(report: ReportData, name: str, probs: Floats) -> Floats:
    """Probabilities after scaling: by the temperature that the evaluation found, of a team by one that is fitted."""
    known = report.result.references[report.result.verdict.metric].tempered
    if name == SINGLE_MODEL and known is not None:
        return np.asarray(combine(f"tempered(temperature={known.temperature})", probs[None]))
    rows, _ = report.sampled_rows(FITTED_CELLS // probs.shape[1])
    return np.asarray(combine(fit("tempered", probs[None, rows], report.labels[rows]), probs[None]))


def _ece(probs: Floats, labels: Labels) -> float:
    return float(METRICS.call("ece", probs, labels))


def _diagonal() -> dict[str, Any]:
    line = {"color": GUIDE, "dash": "dash", "width": 1}
    return {
        "type": "scatter",
        "mode": "lines",
        "x": [0, 1],
        "y": [0, 1],
        "line": line,
        "showlegend": False,
        "hoverinfo": "skip",
    }


def _counts(name: str, probs: Floats, colour: str, place: int) -> dict[str, Any]:
    """Bars of the number of rows in each bin of confidence."""
    count = np.bincount(equal_width_bins(probs.max(axis=1), BINS), minlength=BINS)
    return {
        "type": "bar",
        "name": f"{name}, rows",
        "x": np.round((np.arange(BINS) + 0.5) / BINS, 4).tolist(),
        "y": count.tolist(),
        "yaxis": "y2",
        "marker": {"color": colour, "pattern": {"shape": ("", "/")[place]}},
        "showlegend": False,
    }


def _trace(name: str, probs: Floats, labels: Labels, colour: str, dash: str, symbol: str) -> dict[str, Any]:
    confidence, accuracy, count = bins(probs, labels)
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": name,
        "x": np.round(confidence, 4).tolist(),
        "y": np.round(accuracy, 4).tolist(),
        "text": [f"{int(rows):,} rows" for rows in count],
        "line": {"color": colour, "dash": dash},
        "marker": {"symbol": symbol, "size": 8},
    }
