"""Benchmarks side by side: the team, the best single member, and the base alone where it was asked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.comparison import gains
from lrensemble.evaluate.predictors import Floats
from lrensemble.evaluate.result import Gain
from lrensemble.evaluate.verdict import short
from lrensemble.metrics import METRICS
from lrensemble.report.language.base_alone import base_alone
from lrensemble.report.language.consensus import scored
from lrensemble.report.language.data import Asked, asked
from lrensemble.report.look import GUIDE, look_at
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table

METRICS_SHOWN = ("accuracy", "nll")
NORMAL_95 = 1.959963984540054
"""Quantile of the normal distribution that 95 % lie within, on both sides."""
WHO = ("base alone", "best single", "team")
LOOKS = (look_at(2), look_at(0), look_at(1))
"""Of those who answer; best single model and team have the colours that they have elsewhere."""


@dataclass(frozen=True)
class Line:
    """One benchmark: what those who answer score on it."""

    name: str
    questions: int
    chance: float
    """Accuracy of a guess."""
    scores: dict[str, dict[str, float]]
    """By metric, then by who answers."""
    gain: dict[str, Gain]
    """Of the team over the best single member, by metric; none without a team."""


def benchmarks(report: ReportData) -> Section | None:
    """Section with every benchmark's accuracy and likelihood, with intervals."""
    found = asked(report)
    if found is None:
        return None
    if isinstance(found, str):
        return Section("Benchmarks side by side", [found])
    base = base_alone(found)
    lines = [_line(found, split, base.get(split)) for split in found.pool.task.test_sets]
    who = [name for name in WHO if any(name in line.scores["accuracy"] for line in lines)]
    return Section(
        "Benchmarks side by side",
        _prose(found, len(lines)),
        [_accuracy_table(lines, who), _likelihood_table(lines, who)],
        [_figure(lines, who)],
    )


def _prose(found: Asked, count: int) -> list[str]:
    where = "validation rows of these questions" if found.chosen_here else "val, of held-out answer tokens"
    sentences = [
        f"The best single member, {found.best.name}, and the team were chosen on {where}; no benchmark had a say in it.",
        "Intervals (95 %) are Wilson's for an accuracy, and of differences question by question for a gain, each of its "
        f"benchmark alone; p-values are adjusted for {count} benchmarks (Holm 1979).",
    ]
    if found.team is None:
        return [*sentences, "No team beats the best single member, so there is none to compare."]
    return [f"What was scored of the team is {scored(found.consensus, choices=True)}.", *sentences]


def _line(found: Asked, split: str, base: Floats | None) -> Line:
    truth = np.asarray(found.pool.truth(split), dtype=np.int64)
    said = {} if base is None else {WHO[0]: base}
    said[WHO[1]] = found.said(split, found.single())
    if found.team is not None:
        said[WHO[2]] = found.said(split, found.team)
    counts = found.pool.choices(split)
    width = found.pool.task.target.width
    return Line(
        name=short(split),
        questions=len(truth),
        chance=1 / width if counts is None else float((1 / counts).mean()),
        scores={
            metric: {who: float(METRICS.call(metric, probs, truth)) for who, probs in said.items()}
            for metric in METRICS_SHOWN
        },
        gain={} if found.team is None else gains(said[WHO[2]], said[WHO[1]], truth, metrics=METRICS_SHOWN),
    )


def _accuracy_table(lines: Sequence[Line], who: Sequence[str]) -> Table:
    rows = []
    adjusted = holm([line.gain["accuracy"].p_value for line in lines if line.gain])
    for place, line in enumerate(lines):
        scores = [_share(line.scores["accuracy"].get(name), line.questions) for name in who]
        rows.append([line.name, f"{line.questions:,}", f"{100 * line.chance:.1f}", *scores])
        rows[-1] += _gain(line.gain.get("accuracy"), adjusted[place] if line.gain else 1.0, 100, 2)
    headings = ["benchmark", "questions", "chance %", *(f"{name} %" for name in who), *_GAIN]
    return Table(headings, rows, caption="Accuracy in percent; the gain of the team is over the best single member")


def _likelihood_table(lines: Sequence[Line], who: Sequence[str]) -> Table:
    rows = []
    adjusted = holm([line.gain["nll"].p_value for line in lines if line.gain])
    for place, line in enumerate(lines):
        rows.append([line.name, *(_nats(line.scores["nll"].get(name)) for name in who)])
        rows[-1] += _gain(line.gain.get("nll"), adjusted[place] if line.gain else 1.0, 1, 4)
    headings = ["benchmark", *who, *_GAIN]
    return Table(headings, rows, caption="NLL of the right answer among those of its question; lower is better")


_GAIN = ("gain", "95 % interval", "p")


def _gain(gain: Gain | None, adjusted: float, scale: float, digits: int) -> list[str]:
    if gain is None:
        return ["–", "–", "–"]
    value, low, high = (f"{scale * each:+.{digits}f}" for each in (gain.value, gain.low, gain.high))
    return [value, f"{low} … {high}", f"{adjusted:.2g}"]


def _share(value: float | None, questions: int) -> str:
    if value is None:
        return "–"
    low, high = wilson(value, questions)
    return f"{100 * value:.2f} ({100 * low:.1f} … {100 * high:.1f})"


def _nats(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


def wilson(share: float, rows: int) -> tuple[float, float]:
    """95 % interval of a share of so many rows (Wilson 1927)."""
    shrink = 1 + NORMAL_95**2 / rows
    centre = share + NORMAL_95**2 / (2 * rows)
    half = NORMAL_95 * math.sqrt(share * (1 - share) / rows + (NORMAL_95 / (2 * rows)) ** 2)
    return max(0.0, (centre - half) / shrink), min(1.0, (centre + half) / shrink)


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted for their number, which keep the level of one test for all together (Holm 1979)."""
    values: NDArray[np.float64] = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(values, kind="stable")
    stepped = values[order] * np.arange(len(values), 0, -1)
    adjusted = np.empty(len(values))
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(stepped))
    return [float(each) for each in adjusted]


def _figure(lines: Sequence[Line], who: Sequence[str]) -> Figure:
    """Dots with intervals, a row a benchmark, those who answer one below the other."""
    places = np.arange(len(lines), 0, -1)
    traces: list[dict[str, Any]] = []
    for order, name in enumerate(who):
        kept = [place for place, line in enumerate(lines) if name in line.scores["accuracy"]]
        values = [lines[place].scores["accuracy"][name] for place in kept]
        ends = [wilson(value, lines[place].questions) for value, place in zip(values, kept, strict=True)]
        style = WHO.index(name)
        traces.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": name,
                "x": [round(100 * value, 3) for value in values],
                "y": [float(places[place]) + 0.2 * ((len(who) - 1) / 2 - order) for place in kept],
                "error_x": {
                    "type": "data",
                    "symmetric": False,
                    "array": [round(100 * (high - value), 3) for value, (_, high) in zip(values, ends, strict=True)],
                    "arrayminus": [round(100 * (value - low), 3) for value, (low, _) in zip(values, ends, strict=True)],
                },
                "marker": {"color": LOOKS[style].colour, "symbol": LOOKS[style].symbol, "size": 9},
                "hovertemplate": f"{name} %{{x:.2f}} %<extra></extra>",
            }
        )
    chance = {
        "type": "scatter",
        "mode": "markers",
        "name": "chance",
        "x": [round(100 * line.chance, 3) for line in lines],
        "y": places.tolist(),
        "marker": {"color": GUIDE, "symbol": "line-ns-open", "size": 22},
        "hovertemplate": "a guess: %{x:.1f} %<extra></extra>",
    }
    ticks = {"tickvals": places.tolist(), "ticktext": [line.name for line in lines], "automargin": True}
    layout = {
        "xaxis": {"title": {"text": "accuracy, %"}},
        "yaxis": ticks | {"range": [0.4, len(lines) + 0.6]},
        "height": 170 + 56 * len(lines),
    }
    return Figure("benchmarks", [*traces, chance], layout, "Accuracy on every benchmark with its 95 % interval.")
