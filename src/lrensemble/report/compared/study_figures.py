"""Figures of a study."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from lrensemble.evaluate.study.difference import Difference
from lrensemble.evaluate.study.findings.differences import metric_of, sign_of
from lrensemble.evaluate.study.record import Comparison
from lrensemble.evaluate.study.words import measure_in_print
from lrensemble.metrics import METRICS
from lrensemble.report.escape import escape_html
from lrensemble.report.look import COLOURS
from lrensemble.report.section import Figure

POWERS = [2**power for power in range(11)]
"""Ticks of axes of sizes."""

DASHES = {"greedy": "solid", "top_k": "dash", "drawn": "dot", "balanced": "dash", "in order": "dashdot"}
"""Lines by how a team or a smaller pool was taken."""


def differences(found: Comparison, name: str, tables: Mapping[str, Mapping[str, Difference]]) -> Figure:
    """Differences by the first measure, with their adjusted intervals over rows, over replicates and over both."""
    measure = found.measures[0]
    scale, unit = _scale(measure)
    table = tables.get(measure, {})
    names = [escape_html(pool) for pool in table]
    values = [scale * one.value for one in table.values()]
    rows = [(one.rows.adjusted_low or one.rows.low, one.rows.adjusted_high or one.rows.high) for one in table.values()]
    traces = [_intervals("over rows", names, values, [(scale * low, scale * high) for low, high in rows], COLOURS[0])]
    known = [(pool, one.value, one.replicates) for pool, one in table.items() if one.replicates is not None]
    if known:
        ends = [(scale * each.adjusted_low, scale * each.adjusted_high) for _, _, each in known]
        own = [escape_html(pool) for pool, _, _ in known]
        traces.append(_intervals("over replicates", own, [scale * value for _, value, _ in known], ends, COLOURS[1]))
        both = [(scale * (table[pool].low or 0.0), scale * (table[pool].high or 0.0)) for pool, _, _ in known]
        traces.append(_intervals("over both", own, [scale * value for _, value, _ in known], both, COLOURS[2]))
    for trace, one in zip(traces, (-0.2, 0.0, 0.2), strict=False):
        trace["y"] = [names.index(pool) + one for pool in trace["y"]]
    layout = {
        "xaxis": {"title": {"text": f"difference in test {measure_in_print(measure)}, {unit}"}, "zeroline": True},
        "yaxis": {"tickvals": list(range(len(names))), "ticktext": names, "autorange": "reversed", "automargin": True},
        "height": 160 + 50 * len(names),
    }
    return Figure(name, traces, layout, "95 % intervals, adjusted for all pools of the table.")


def team_sizes(found: Comparison) -> list[Figure]:
    """Score against the size of the team, for every measure."""
    figures = []
    for measure in _measured(found, [each.scores for each in found.team_sizes]):
        lines: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for each in found.team_sizes:
            if measure in each.scores:
                lines.setdefault((each.pool, each.way), []).append((each.size, each.scores[measure]))
        figures.append(_lines(found, f"team_sizes_{_id(measure)}", measure, lines, "members of the team"))
    return figures


def pool_sizes(found: Comparison) -> list[Figure]:
    """Score of the team of smaller pools against their size, for every measure."""
    figures = []
    for measure in _measured(found, [each.team for each in found.pool_sizes]):
        lines: dict[tuple[str, str], list[tuple[float, float]]] = {}
        for each in found.pool_sizes:
            if measure in each.team:
                lines.setdefault((each.pool, each.drawing), []).append((each.size, each.team[measure].mean))
        figures.append(_lines(found, f"pool_sizes_{_id(measure)}", measure, lines, "members of the pool"))
    return figures


def costs(found: Comparison) -> Figure:
    """Score of the team of smaller pools against their cost, in epochs where they are known, or in seconds."""
    measure = found.measures[0]
    kinds = ("epochs", "samples", "seconds")
    known = [kind for kind in kinds if all(getattr(each.cost, kind) is not None for each in found.pool_sizes)]
    kind = known[0] if known else "epochs"
    lines: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for each in found.pool_sizes:
        cost = getattr(each.cost, kind)
        if measure in each.team and cost is not None:
            lines.setdefault((each.pool, each.drawing), []).append((cost, each.team[measure].mean))
    return _lines(found, "costs", measure, lines, f"{kind} of training, all members of the pool")


def deep_ensembles(found: Comparison) -> Figure:
    """Calibrated NLL of deep ensembles against their size, and of the default teams as levels."""
    traces: list[dict[str, Any]] = []
    for place, each in enumerate(found.deep_ensembles):
        colour, sizes = COLOURS[place % len(COLOURS)], list(each.sizes)
        ends = [m + d for m, d in zip(each.means, each.deviations, strict=True)]
        ends += [m - d for m, d in zip(reversed(each.means), reversed(each.deviations), strict=True)]
        band = {"type": "scatter", "x": sizes + sizes[::-1], "y": ends, "fill": "toself", "mode": "none"}
        traces.append(band | {"fillcolor": f"{colour}33", "hoverinfo": "skip", "showlegend": False})
        name = f"seeds ({escape_html(each.pool)}), replicate {each.replicate + 1}"
        traces.append(
            _line(name, [(size, mean) for size, mean in zip(sizes, each.means, strict=True)], colour, "solid")
        )
        for number, (pool, replicates) in enumerate(found.pools.items()):
            team = replicates[each.replicate].team if each.replicate < len(replicates) else None
            if team is not None and team.tempered is not None and team.tempered.nll is not None:
                level = [(sizes[0], team.tempered.nll), (sizes[-1], team.tempered.nll)]
                label = f"{escape_html(pool)}, replicate {each.replicate + 1}"
                traces.append(_line(label, level, COLOURS[number % len(COLOURS)], "dot") | {"visible": _shown(place)})
    layout = {
        "xaxis": {
            "title": {"text": "members of the deep ensemble"},
            "type": "log",
            "tickvals": POWERS,
        },
        "yaxis": {"title": {"text": "test NLL after temperature"}},
        "height": 520,
    }
    return Figure("deep_ensembles", traces, layout, "Dotted: teams. Other replicates than the first: click the legend.")


def diversity(found: Comparison) -> Figure:
    """Error of members against a measure of diversity, every pool and every team."""
    names = list(found.diversity[0].of_pool)
    measure = next((name for name in names if name != "member error"), "member error")
    traces = []
    for place, each in enumerate(found.diversity):
        for of, symbol, label in ((each.of_pool, "circle", each.pool), (each.of_team, "star", f"{each.pool}, team")):
            trace: dict[str, Any] = {
                "type": "scatter",
                "mode": "markers",
                "name": escape_html(label),
                "x": [of.get(measure)],
            }
            trace |= {"y": [of.get("member error")], "marker": {"symbol": symbol, "size": 11, "color": _colour(place)}}
            traces.append(trace)
    layout = {
        "xaxis": {"title": {"text": measure.replace("_", " ")}},
        "yaxis": {"title": {"text": "mean error of a member"}},
    }
    return Figure("diversity", traces, layout, "Dots: all members of a pool. Stars: those of its default team.")


def selectors(found: Comparison) -> Figure:
    """Gain of every selector over the best single model, by pool."""
    measure, methods = found.measures[0], list(found.selectors)
    scale, unit = _scale(measure)
    gains = [
        [own.gain[measure].value if measure in own.gain else None for own in found.selectors[m].values()]
        for m in methods
    ]
    trace = {
        "type": "heatmap",
        "x": [escape_html(name) for name in found.pools],
        "y": [escape_html(method) for method in methods],
        "z": [[None if gain is None else round(scale * gain, 4) for gain in row] for row in gains],
        "colorscale": "RdBu",
        "reversescale": True,
        "zmid": 0,
        "texttemplate": "%{z:+.2f}",
        "hovertemplate": "%{y} of %{x}: %{z:+.3f}<extra></extra>",
        "colorbar": {"title": {"text": unit}},
    }
    layout = {"yaxis": {"automargin": True, "autorange": "reversed"}, "height": 140 + 34 * max(1, len(methods))}
    return Figure(
        "selectors", [trace], layout, f"Gain over the best single model in test {measure_in_print(measure)}, {unit}."
    )


def _lines(
    found: Comparison, name: str, measure: str, lines: Mapping[tuple[str, str], list[tuple[float, float]]], axis: str
) -> Figure:
    """Lines against a size or a cost; a colour a pool, a dash a way."""
    scale = 100.0 if _is_fraction(measure) else 1.0
    order = list(found.pools)
    traces = [
        _line(
            f"{escape_html(pool)}, {way.replace('_', ' ')}",
            [(x, scale * value) for x, value in points],
            _colour(order.index(pool)),
            DASHES[way],
        )
        for (pool, way), points in lines.items()
    ]
    title = f"test {measure_in_print(measure)}" + (", %" if scale != 1 else "")
    layout = {
        "xaxis": {"title": {"text": axis}, "type": "log"}
        | ({"tickvals": POWERS} if axis.startswith("members") else {}),
        "yaxis": {"title": {"text": title}},
        "height": 480,
    }
    better = "Higher" if sign_of(measure) > 0 else "Lower"
    return Figure(name, traces, layout, f"{better} is better. Click the legend to hide lines, twice to see one alone.")


def _line(name: str, points: Sequence[tuple[float, float]], colour: str, dash: str) -> dict[str, Any]:
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(points) > 2 or dash == "solid" else "lines",
        "name": name,
        "x": [x for x, _ in points],
        "y": [round(y, 6) for _, y in points],
        "line": {"color": colour, "dash": dash},
    }


def _intervals(
    name: str, names: list[str], values: list[float], ends: list[tuple[float, float]], colour: str
) -> dict[str, Any]:
    error = {
        "type": "data",
        "symmetric": False,
        "array": [high - value for value, (_, high) in zip(values, ends, strict=True)],
        "arrayminus": [value - low for value, (low, _) in zip(values, ends, strict=True)],
    }
    marker = {"color": colour, "size": 9}
    return {
        "type": "scatter",
        "mode": "markers",
        "name": name,
        "x": values,
        "y": names,
        "error_x": error,
        "marker": marker,
    }


def _measured(found: Comparison, scores: list[Any]) -> list[str]:
    return [measure for measure in found.measures if any(measure in each for each in scores)]


def _scale(measure: str) -> tuple[float, str]:
    return (100.0, "points") if _is_fraction(measure) else (1.0, "in its own unit")


def _is_fraction(measure: str) -> bool:
    return METRICS.facts(METRICS.check(metric_of(measure))).unit == "fraction"


def _colour(place: int) -> str:
    return COLOURS[place % len(COLOURS)]


def _shown(place: int) -> bool | str:
    return True if place == 0 else "legendonly"


def _id(measure: str) -> str:
    return "".join(each if each.isalnum() else "_" for each in measure)
