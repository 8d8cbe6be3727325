"""Variants of the team, against what they cost: shown where `lrensemble export --compare` has made them."""

from __future__ import annotations

from typing import Any

from lrensemble.errors import ReportError
from lrensemble.evaluate.variants.record import SINGLE, VariantComparison, VariantResult, stored_variants
from lrensemble.evaluate.variants.tables import JUDGED, sentences, timing, variants_table
from lrensemble.evaluate.verdict import in_print
from lrensemble.metrics import METRICS, higher_is_better
from lrensemble.report.escape import escape_html
from lrensemble.report.look import BAD, GOOD, GUIDE
from lrensemble.report.look import SINGLE as OF_SINGLE
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table

MINOR = ("over the team", "networks", "parameters", "MB", "ms")
"""Ends of the headings of columns that a narrow screen does without."""

PLACES = ("middle right", "bottom right", "top right", "top left", "bottom left")
"""Places of the labels of points that lie close together."""

LOOKS = {"better": (GOOD, "triangle-up"), "worse": (BAD, "triangle-down")}
"""Colour and symbol of an outcome; of all others those of a line that guides the eye."""


def variants(report: ReportData) -> Section | None:
    """Section with the table and the figure of the stored comparison; None where there is none of these members."""
    found = None if report.judged is None else stored_variants(report.pool)
    return None if found is None else section_of(found)


def section_of(found: VariantComparison) -> Section:
    """Section with the table and the figure of a comparison."""
    table = variants_table(found)
    second = range(1 + 3, len(table.headings) - 6)  # three columns a metric, the headline's first, and then six of cost
    minor = {place for place, name in enumerate(table.headings) if name.endswith(MINOR)} | {*second}
    rows = [
        (*row[:-1], "not made" if each.not_made else row[-1])  # why is told above
        for each, row in zip(found.variants, table.rows, strict=True)
    ]
    return Section(
        "Cheaper than the team",
        [
            "Each variant is measured on test beside the best single model and the whole team, row by row. All were "
            "made and fitted on val. Gains and p-values are adjusted for the number of rows of the table.",
            *sentences(found),
        ],
        [Table(table.headings, rows, caption=table.title, minor=frozenset(minor))],
        [figure_of_variants(found)],
    )


def figure_of_variants(found: VariantComparison) -> Figure:
    """Score on test against the time to predict, or against the networks run where nobody knows the time.

    The bars are intervals of the gain over the best single model, whose score is the dashed line.
    """
    metric = found.headline
    factor = 100.0 if METRICS.facts(metric).unit == "fraction" else 1.0
    timed = all(each.latency is not None for each in found.made)
    scored = [(each, own) for each in found.made if each.test and (own := each.test.by(metric)) is not None]
    traces = [_point(metric, each, factor * score, factor, _cost(each, timed)) for each, score in scored]
    _keep_apart(traces)
    cost = "time to predict, in times that of the best single model" if timed else "networks that are run"
    layout: dict[str, Any] = {
        "xaxis": {"title": {"text": cost}, "rangemode": "tozero"},
        "legend": {"orientation": "h", "y": -0.25},
        "yaxis": {"title": {"text": f"test {in_print(metric)}{', %' if factor == 100 else ''}"}},
    }
    for y in (trace["y"][0] for trace, (each, _) in zip(traces, scored, strict=True) if each.name == SINGLE):
        line = {"color": GUIDE, "dash": "dash", "width": 1}
        layout["shapes"] = [{"type": "line", "xref": "paper", "x0": 0, "x1": 1, "y0": y, "y1": y, "line": line}]
    how = f" Time {timing(found)}, {found.batch} rows at once." if timed else ""
    return Figure(
        "variants",
        traces,
        layout,
        f"Test {in_print(metric)} of every variant against its cost. Bars: adjusted 95 % interval of the gain over the "
        f"best single model (dashed line). Triangle up: better, down: worse, square: no better.{how}",
    )


def _point(metric: str, each: VariantResult, score: float, factor: float, cost: float) -> dict[str, Any]:
    colour, symbol = (OF_SINGLE, "circle") if each.name == SINGLE else LOOKS.get(each.kind or "", (GUIDE, "square"))
    return {
        "type": "scatter",
        "mode": "markers+text",
        "x": [round(cost, 4)],
        "y": [round(score, 4)],
        "error_y": _interval(metric, each, factor),
        "text": [escape_html(each.name)],
        "textposition": "middle right",
        "cliponaxis": False,
        "name": escape_html(f"{each.what}{'' if each.kind is None else ': ' + JUDGED[each.kind]}"),
        "marker": {"color": colour, "symbol": symbol, "size": 10},
    }


def _keep_apart(traces: list[dict[str, Any]]) -> None:
    """Write the labels of points that lie close together above and below them."""
    widest = max((trace["x"][0] for trace in traces), default=0.0)
    scores = [trace["y"][0] for trace in traces]
    highest, lowest = max(scores, default=0.0), min(scores, default=0.0)
    near = dict[tuple[int, int], int]()
    for trace in traces:
        cell = round(5 * trace["x"][0] / (widest or 1)), round(10 * (trace["y"][0] - lowest) / (highest - lowest or 1))
        trace["textposition"] = PLACES[near.get(cell, 0) % len(PLACES)]
        near[cell] = near.get(cell, 0) + 1


def drawn_variants(report: ReportData) -> Section:
    """Section of the stored comparison.

    Raises:
        ReportError: there is none of the members that the pool has now.
    """
    found = stored_variants(report.pool)
    if found is None:
        raise ReportError(
            f"no figure variants: {report.pool.folder} has no comparison of its members; make one with "
            "lrensemble export POOL --compare"
        )
    return section_of(found)


def _cost(each: VariantResult, timed: bool) -> float:
    if timed and each.latency is not None:
        return each.latency.ratio
    return each.runs or float(each.networks or 1)


def _interval(metric: str, each: VariantResult, factor: float) -> dict[str, Any]:
    """Interval of the gain, around the score; nothing of the best single model."""
    gain = each.gain.get(metric)
    if gain is None or gain.adjusted_low is None or gain.adjusted_high is None:
        return {"visible": False}
    up, down = gain.adjusted_high - gain.value, gain.value - gain.adjusted_low
    if not higher_is_better(metric):
        up, down = down, up
    return {
        "type": "data",
        "symmetric": False,
        "array": [round(factor * up, 4)],
        "arrayminus": [round(factor * down, 4)],
    }
