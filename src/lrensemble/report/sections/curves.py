"""Learning rate, training loss and validation score of every member over the epochs, a look for each policy."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

from lrensemble.evaluate import untrusted
from lrensemble.evaluate.rates import recorded_policy
from lrensemble.evaluate.verdict import in_print
from lrensemble.pool import Member
from lrensemble.report.escape import escape_html
from lrensemble.report.look import Look, looks_of
from lrensemble.report.report_data import ReportData, Running, policy_of
from lrensemble.report.section import Figure, Section

POINTS = 150
"""Number of points of a learning-rate curve."""

MOST_MARKED = 40
"""Epochs up to which each is marked by a symbol."""

MOST_TICKS = 12
"""Epochs up to which each has its tick."""

LOSSES = ("val_nll", "val_gaussian_nll", "val_mse", "val_loss")
"""Keys of a history that hold the validation loss, the first one present."""

History = list[dict[str, Any]]
RateCurve = tuple[list[float], list[float]]
"""Epochs, and the rate at each."""


def curves(report: ReportData, running: Sequence[Running] = ()) -> Section | None:
    """Section with three panels over the epochs; members of the chosen team stand out.

    Args:
        report: pool of the members.
        running: runs under way, which are drawn as far as they have told.
    """
    everybody: tuple[Member | Running, ...] = (*report.everybody, *running)
    with_history = [(each, history) for each in everybody if (history := each.history())]
    if not with_history:
        return None
    histories = {each.id: history for each, history in with_history}
    panels, looks = _panels(histories), looks_of(map(policy_of, everybody))
    rates = {each.id: _rate_curve(each, history, report.pool.trust_code) for each, history in with_history}
    traces = [*_legend({policy_of(each): looks[policy_of(each)] for each, _ in with_history})]
    for each, history in with_history:
        look, rate = looks[policy_of(each)], rates[each.id]
        traces += [_trace(report, each, history, look, panel, key, rate) for panel, (key, _) in enumerate(panels)]
    figure = Figure(
        "curves",
        traces,
        _layout(report, histories, panels, rates),
        "The rate by epoch; loss and score at the end of each. Each policy has a colour, a dash and a symbol.",
        filter="show members whose name holds …",
    )
    prose = [
        *filter(None, [untrusted(report.pool, "policy", "The rate between the ends of epochs")]),
        *["Runs under way are drawn as far as they have told." for _ in running[:1]],
        "A line a member; members of the chosen team are thick, and those without predictions are faint. Click a "
        "policy in the legend to hide it, twice to see it alone; or type to filter:",
    ]
    return Section("Rates and what came of them", prose, figures=[figure])


def _panels(histories: dict[str, History]) -> list[tuple[str, str]]:
    """Key in the histories and title of each panel."""
    keys = {key for history in histories.values() for key in history[0]}
    loss = next((key for key in LOSSES if key in keys), LOSSES[0])
    return [("rate", "rate"), ("train_loss", "training loss"), (loss, f"val {in_print(loss.removeprefix('val_'))}")]


def _layout(
    report: ReportData,
    histories: dict[str, History],
    panels: list[tuple[str, str]],
    rates: dict[str, RateCurve | None],
) -> dict[str, Any]:
    layout: dict[str, Any] = {
        "grid": {"rows": 3, "columns": 1, "pattern": "independent"},
        "height": 820,
    }
    last = max(line["epoch"] for history in histories.values() for line in history)
    epochs = {"dtick": 1} if 1 < last <= MOST_TICKS else {}
    useless = report.useless | {each.id for each in report.everybody if each.status != "finished"}
    sound = [id_ for id_ in histories if id_ not in useless]
    for panel, (key, title) in enumerate(panels):
        axis = "" if panel == 0 else str(panel + 1)
        layout[f"xaxis{axis}"] = {"title": {"text": "epoch" if panel == len(panels) - 1 else ""}, **epochs}
        if panel:
            layout[f"xaxis{axis}"]["matches"] = "x"  # an epoch stands below itself, also where one zooms
        layout[f"yaxis{axis}"] = {"title": {"text": title}, "type": "log" if panel else "linear"}
        values = [line.get(key) for name in sound for line in histories[name]]
        if key == "rate":  # between the ends of epochs it may be higher
            values += [value for name in sound for value in (rates[name] or ((), ()))[1]]
        if len(sound) < len(histories) and (ends := _ends(values, logarithmic=panel > 0)):
            layout[f"yaxis{axis}"]["range"] = ends
    return layout


def _ends(given: Sequence[float | None], *, logarithmic: bool) -> list[float] | None:
    """Ends of an axis that holds what members that learned something have; None where that is nothing."""
    values = [value for value in given if value is not None and value > 0]
    if not values:
        return None
    low, high = (math.log10(min(values)), math.log10(max(values))) if logarithmic else (0.0, 1.1 * max(values))
    room = 0.1 * (high - low) + 0.02 if logarithmic else 0.0
    return [round(low - room, 4), round(high + room, 4)]


def _legend(looks: dict[str, Look]) -> Iterator[dict[str, Any]]:
    """An entry for each policy, which stands for its members."""
    for policy, look in looks.items():
        yield {
            "type": "scatter",
            "mode": "lines+markers",
            "x": [None],
            "y": [None],
            "name": escape_html(policy),
            "legendgroup": policy,
            "hoverinfo": "skip",
            **_drawn(look, 2),
        }


def _trace(
    report: ReportData,
    member: Member | Running,
    history: History,
    look: Look,
    panel: int,
    key: str,
    rate: RateCurve | None,
) -> dict[str, Any]:
    chosen, unfinished = member.id in report.in_team, isinstance(member, Member) and member.status != "finished"
    axis = "" if panel == 0 else str(panel + 1)
    epochs: list[Any] = [line["epoch"] for line in history]
    values: list[Any] = [line.get(key) for line in history]
    marked = len(epochs) <= MOST_MARKED
    if key == "rate" and rate is not None:
        epochs, values = rate
        marked = False
    return {
        "type": "scatter",
        "mode": "lines+markers" if marked else "lines",
        "x": epochs,
        "y": values,
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "name": escape_html(member.name),
        "legendgroup": policy_of(member),
        "showlegend": False,
        "opacity": 1.0 if chosen else 0.35 if unfinished else 0.65,
        **_drawn(look, 4 if chosen else 1.3),
    }


def _drawn(look: Look, width: float) -> dict[str, Any]:
    return {
        "line": {"color": look.colour, "dash": look.dash, "width": width},
        "marker": {"color": look.colour, "symbol": look.symbol, "size": 6},
    }


def _rate_curve(member: Member | Running, history: History, trust_code: bool) -> RateCurve | None:
    """Epochs and rates at some steps of the run; None where the recipe names no policy that can be built, and for a run
    under way.
    """
    rate = recorded_policy(member, trust_code=trust_code) if isinstance(member, Member) else None
    if rate is None:
        return None
    total = rate.total
    steps = sorted({round(place * (total - 1) / (POINTS - 1)) for place in range(POINTS)})
    return (
        [round(step / total * history[-1]["epoch"], 4) for step in steps],
        [float(f"{rate(step):.5g}") for step in steps],
    )
