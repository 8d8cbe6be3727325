"""Reliability diagrams: accuracy against confidence, before and after temperature scaling."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import combine, fit
from lrensemble.evaluate import Team
from lrensemble.evaluate.temperatures import value_of
from lrensemble.metrics.calibration import confidence_and_correctness, ece_of_rows, equal_width_bins
from lrensemble.pool import Member
from lrensemble.report.look import GUIDE, SINGLE, TEAM
from lrensemble.report.parameters import Floats
from lrensemble.report.report_data import Labels, ReportData
from lrensemble.report.section import Figure, Section

BINS = 12

FEW_CELLS = 2**20
"""Probabilities that the temperature of a team is fitted to, at most: of more rows a sample gives the same."""

SCALED_CELLS = 2**18
"""Probabilities that are scaled together."""

SINGLE_MODEL = "best single"


def reliability(report: ReportData) -> Section | None:
    """Section on the best single model and the judged team on val, plain and tempered."""
    if report.judged is None:
        return None
    found: dict[str, Member | Team] = {SINGLE_MODEL: report.best}
    if report.chosen is not None:
        found["team"] = report.chosen
    traces: list[dict[str, Any]] = [_diagonal()]
    weights = report.pool.weights("val")
    sentences = []
    for place, (name, whose) in enumerate(found.items()):
        plain, tempered = _plain_and_tempered(report, whose)
        sentences.append(
            f"{name}: ECE {ece_of_rows(plain, weights):.4f}, with temperature {ece_of_rows(tempered, weights):.4f}"
        )
        colour, symbol = (SINGLE, TEAM)[place], ("circle", "diamond")[place]
        traces.append(_trace(name, plain, weights, colour, "solid", symbol))
        traces.append(_trace(f"{name}, with temperature", tempered, weights, colour, "dot", f"{symbol}-open"))
        traces.append(_counts(name, plain, colour, place))
    where = _fitted_rows(report)[1]
    of_team = f", that of the team to {where}" if "team" in found and not where.startswith("all") else ""
    axes = {
        "xaxis": {"title": {"text": "confidence"}, "range": [0, 1.01], "anchor": "y2"},
        "yaxis": {"title": {"text": "accuracy"}, "range": [0, 1.04], "domain": [0.33, 1]},
        "yaxis2": {"title": {"text": "rows"}, "domain": [0, 0.25], "rangemode": "tozero"},
        "barmode": "group",
        "height": 560,
    }
    return Section(
        "Reliability",
        [f"{'; '.join(sentences)}. Temperatures are fitted to the same val rows (Guo et al. 2017){of_team}."],
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


def bins(judged: Floats, weights: Floats | None = None) -> tuple[Floats, Floats, Floats]:
    """Mean confidence, accuracy and number of rows [bin] of the bins that hold any, of `confidence_and_correctness`.

    Args:
        judged: [sample, 2] confidence and correctness.
        weights: [sample] how often each row counts in the means; once each unless given.
    """
    place, times = equal_width_bins(judged[:, 0], BINS), np.ones(len(judged)) if weights is None else weights
    count, whole, *sums = (
        np.bincount(place, weights=each, minlength=BINS) for each in (None, times, *(times * judged.T))
    )
    held = whole > 0
    confidence, right = (each[held] / whole[held] for each in sums)
    return confidence, right, count[held].astype(np.float64)


def _plain_and_tempered(report: ReportData, whose: Member | Team) -> tuple[Floats, Floats]:
    """Confidence and correctness [sample, 2] on val, as it is and with a temperature."""
    tempered = f"tempered(temperature={_temperature(report, whose)})"

    def both_of(probs: Floats, labels: Labels) -> Floats:
        scaled = np.asarray(combine(tempered, probs[None]))
        return np.stack([confidence_and_correctness(each, labels) for each in (probs, scaled)], axis=1)

    def judged(probs: Floats, rows: slice) -> Floats:
        labels, step = report.labels[rows], max(1, SCALED_CELLS // probs.shape[1])
        parts = (slice(start, start + step) for start in range(0, len(probs), step))
        return np.concatenate([both_of(probs[part], labels[part]) for part in parts])

    both = report.by_row(whose, "val", judged)
    return both[:, 0], both[:, 1]


def _temperature(report: ReportData, whose: Member | Team) -> float:
    """The temperature that the evaluation found of the best single model; of a team one that is fitted."""
    known = report.result.references[report.result.verdict.metric].tempered
    if isinstance(whose, Member) and known is not None:
        return known.temperature
    fitted = np.zeros(len(report.labels), dtype=bool)
    fitted[_fitted_rows(report)[0]] = True
    probs = report.by_row(whose, "val", lambda probs, rows: probs[fitted[rows]])
    weights = report.pool.weights("val")
    counts = None if weights is None else weights[fitted]
    return value_of(fit("tempered", probs[None], report.labels[fitted], counts=counts))


def _fitted_rows(report: ReportData) -> tuple[NDArray[np.int64], str]:
    """Rows that the temperature of a team is fitted to, and a phrase that says which."""
    return report.sampled_rows(FEW_CELLS // len(report.pool.task.classes))


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


def _counts(name: str, judged: Floats, colour: str, place: int) -> dict[str, Any]:
    """Bars of the number of rows in each bin of confidence."""
    count = np.bincount(equal_width_bins(judged[:, 0], BINS), minlength=BINS)
    return {
        "type": "bar",
        "name": f"{name}, rows",
        "x": np.round((np.arange(BINS) + 0.5) / BINS, 4).tolist(),
        "y": count.tolist(),
        "yaxis": "y2",
        "marker": {"color": colour, "pattern": {"shape": ("", "/")[place]}},
        "showlegend": False,
    }


def _trace(name: str, judged: Floats, weights: Floats | None, colour: str, dash: str, symbol: str) -> dict[str, Any]:
    confidence, accuracy, count = bins(judged, weights)
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
