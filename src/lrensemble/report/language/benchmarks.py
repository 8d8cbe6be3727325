"""Benchmarks side by side: the team, the best single member, and the base alone where it was asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from lrensemble.evaluate.benchmarks import OnBenchmark
from lrensemble.evaluate.result import Scores
from lrensemble.evaluate.verdict import p_in_print, score_in_print, short, value_in_print
from lrensemble.metrics.significance.wilson import wilson
from lrensemble.report.escape import escape_html
from lrensemble.report.language.consensus import scored
from lrensemble.report.language.data import Asked, asked
from lrensemble.report.look import GUIDE, look_at
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table

WHO = ("base alone", "best single", "team")
LOOKS = (look_at(2), look_at(0), look_at(1))
"""Colours of those who answer; best single model and team have those that they have elsewhere."""


def benchmarks(report: ReportData) -> Section | None:
    """Section with every benchmark's accuracy and likelihood, with intervals."""
    found = asked(report)
    if found is None:
        return None
    if isinstance(found, str):
        return Section("Benchmarks side by side", [found])
    judged = {short(split): each for split, each in found.judged.items()}
    who = [place for place in range(len(WHO)) if any(scores_of(each)[place] is not None for each in judged.values())]
    return Section(
        "Benchmarks side by side",
        _prose(found),
        [_table(judged, who, "accuracy"), _table(judged, who, "nll")],
        [_figure(judged, who)],
    )


def scores_of(judged: OnBenchmark) -> tuple[Scores | None, Scores | None, Scores | None]:
    """Scores of those who answer, in the order of `WHO`."""
    return judged.base, judged.single, judged.team


def _prose(found: Asked) -> list[str]:
    where = "validation rows of these questions" if found.chosen_here else "val, on held-out answer tokens"
    best, count = f"The best single member is {found.best.name}", len(found.judged)
    if found.team is None:
        return [f"{best}, chosen on {where}. No team beats it there, so there is none to compare."]
    return [
        f"What was scored of the team is {scored(found.consensus, choices=True)}. {best}; both were chosen on {where}, "
        "and no test question had a say in it.",
        "Intervals (95 %) of a gain are of differences question by question, those of an accuracy, in the figure, are "
        "Wilson's; each is of its benchmark alone"
        + (f"; p-values are adjusted for {count} benchmarks (Holm 1979)." if count > 1 else "."),
    ]


def _table(judged: Mapping[str, OnBenchmark], who: list[int], metric: str) -> Table:
    accuracy = metric == "accuracy"
    rows = []
    for name, each in judged.items():
        about = [f"{each.questions:,}", f"{100 * each.chance:.1f}"] if accuracy else []
        scores = (scores_of(each)[place] for place in who)
        found = (None if own is None else own.by(metric) for own in scores)
        rows.append([name, *about, *(score_in_print(metric, value) for value in found), *_gain(each, metric)])
    about = ["questions", "chance %"] if accuracy else []
    headings = ["benchmark", *about, *(f"{WHO[place]}{' %' if accuracy else ''}" for place in who)]
    caption = (
        "Accuracy in percent; the gain of the team is over the best single member, in points"
        if accuracy
        else "NLL of the right answer among those of its question, in nats: lower is better"
    )
    base = frozenset({len(about) + 1} if who[0] == 0 else ())
    minor = base | frozenset({*range(1, len(about) + 1), len(headings) + 1, len(headings) + 2})
    return Table([*headings, "gain", "95 % interval", "p"], rows, caption=caption, minor=minor)


def _gain(judged: OnBenchmark, metric: str) -> list[str]:
    gain = judged.gain.get(metric)
    if gain is None:
        return ["–", "–", "–"]
    value, low, high = (value_in_print(metric, each, unit=False) for each in (gain.value, gain.low, gain.high))
    return [value, f"{low} … {high}", p_in_print(judged.adjusted_p.get(metric, gain.p_value))]


def _figure(judged: Mapping[str, OnBenchmark], who: list[int]) -> Figure:
    """Dots with intervals, a row a benchmark, those who answer one below the other."""
    places = np.arange(len(judged), 0, -1)
    names, all_judged = list(judged), list(judged.values())
    traces = [_dots(all_judged, places + 0.2 * ((len(who) - 1) / 2 - order), place) for order, place in enumerate(who)]
    chance = {
        "type": "scatter",
        "mode": "markers",
        "name": "chance",
        "x": [round(100 * each.chance, 3) for each in all_judged],
        "y": places.tolist(),
        "marker": {"color": GUIDE, "symbol": "line-ns-open", "size": 26, "line": {"width": 2}},
        "hovertemplate": "a guess: %{x:.1f} %<extra></extra>",
    }
    layout = {
        "xaxis": {"title": {"text": "accuracy, %"}},
        "yaxis": {
            "tickvals": places.tolist(),
            "ticktext": [escape_html(name) for name in names],
            "automargin": True,
            "range": [0.4, len(judged) + 0.6],
        },
        "height": 180 + 56 * len(judged),
    }
    caption = "Accuracy on every benchmark with its 95 % interval; the upright line is a guess."
    return Figure("benchmarks", [*traces, chance], layout, caption)


def _dots(judged: list[OnBenchmark], heights: Any, place: int) -> dict[str, Any]:
    """Accuracies of one who answers."""
    known = [
        (each.questions, float(scores.accuracy), float(height))
        for each, height in zip(judged, heights, strict=True)
        if (scores := scores_of(each)[place]) is not None and scores.accuracy is not None
    ]
    ends = [wilson(share, questions) for questions, share, _ in known]
    look = LOOKS[place]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": WHO[place],
        "x": [round(100 * share, 3) for _, share, _ in known],
        "y": [height for *_, height in known],
        "error_x": {
            "type": "data",
            "symmetric": False,
            "array": [round(100 * (high - share), 3) for (_, share, _), (_, high) in zip(known, ends, strict=True)],
            "arrayminus": [round(100 * (share - low), 3) for (_, share, _), (low, _) in zip(known, ends, strict=True)],
        },
        "marker": {"color": look.colour, "symbol": look.symbol, "size": 9},
        "text": [f"{100 * low:.1f} … {100 * high:.1f}" for low, high in ends],
        "hovertemplate": f"{WHO[place]} %{{x:.2f}} % (%{{text}})<extra></extra>",
    }
