"""Learning rate, training loss and validation score of every member over the epochs, linked by colour."""

from __future__ import annotations

from typing import Any

from lrensemble.evaluate import untrusted
from lrensemble.evaluate.rates import recorded_policy
from lrensemble.evaluate.verdict import in_print
from lrensemble.pool import Member
from lrensemble.report.escape import escape_html
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section

COLOURS = ("#5c6bc0", "#ef6c00", "#26a69a", "#c2185b", "#7cb342", "#8d6e63", "#00acc1", "#fbc02d", "#7e57c2", "#d84315")
POINTS = 150
"""Number of points of a learning-rate curve."""

LOSSES = ("val_nll", "val_gaussian_nll", "val_mse", "val_loss")
"""Keys of a history that hold the validation loss, the first one present."""


def curves(report: ReportData) -> Section:
    """Section with three panels over the epochs; members of the chosen team stand out."""
    panels = _panels(report)
    traces = [
        _trace(report, member, name, place, panel, key)
        for place, (member, name) in enumerate(zip(report.members, report.names, strict=True))
        for panel, (key, _) in enumerate(panels)
        if member.history()
    ]
    if not traces:
        return Section("Rates and what came of them", ["The members of this pool have no history: it was collected."])
    layout: dict[str, Any] = {
        "grid": {"rows": 3, "columns": 1, "pattern": "independent"},
        "height": 760,
        "showlegend": False,
    }
    for panel, (_, title) in enumerate(panels, start=1):
        axis = "" if panel == 1 else str(panel)
        layout[f"yaxis{axis}"] = {"title": {"text": title}, "type": "log" if panel > 1 else "linear"}
        layout[f"xaxis{axis}"] = {"title": {"text": "epoch" if panel == len(panels) else ""}}
    return Section(
        "Rates and what came of them",
        [
            *filter(None, [untrusted(report.pool, "policy", "The rate between the ends of epochs")]),
            "A line a member, the same colour in all panels; members of the chosen team are thick. Type to filter:",
        ],
        figures=[Figure("curves", traces, layout, "The rate by epoch, and the loss and the score at the end of each.")],
    )


def _panels(report: ReportData) -> list[tuple[str, str]]:
    """Key in the histories and title of each panel."""
    keys = {key for member in report.members for line in member.history()[:1] for key in line}
    loss = next((key for key in LOSSES if key in keys), LOSSES[0])
    return [("rate", "rate"), ("train_loss", "training loss"), (loss, f"val {in_print(loss.removeprefix('val_'))}")]


def _trace(report: ReportData, member: Member, name: str, place: int, panel: int, key: str) -> dict[str, Any]:
    history, chosen = member.history(), member.id in report.in_team
    axis = "" if panel == 0 else str(panel + 1)
    epochs: list[Any] = [line["epoch"] for line in history]
    values: list[Any] = [line.get(key) for line in history]
    if key == "rate":
        epochs, values = _rate_curve(member, history, report.pool.trust_code) or (epochs, values)
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(epochs) < 3 else "lines",
        "x": epochs,
        "y": values,
        "xaxis": f"x{axis}",
        "yaxis": f"y{axis}",
        "name": escape_html(name),
        "line": {"color": COLOURS[place % len(COLOURS)], "width": 4 if chosen else 1.3},
        "opacity": 1.0 if chosen else 0.55,
    }


def _rate_curve(
    member: Member, history: list[dict[str, Any]], trust_code: bool
) -> tuple[list[float], list[float]] | None:
    """Epochs and rates at some steps of the run; None where the recipe names no policy that can be built."""
    rate = recorded_policy(member, trust_code=trust_code)
    if rate is None:
        return None
    total = rate.total
    steps = sorted({round(place * (total - 1) / (POINTS - 1)) for place in range(POINTS)})
    return [step / total * history[-1]["epoch"] for step in steps], [rate(step) for step in steps]
