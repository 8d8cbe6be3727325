"""Rates and losses by policy: the likelihood of held-out answer tokens against the highest rate of each run."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.result import MemberResult
from lrensemble.report.escape import escape_html
from lrensemble.report.language.consensus import scored
from lrensemble.report.language.data import is_of_tokens
from lrensemble.report.language.samples import BASE, Samples, stored_samples
from lrensemble.report.look import GUIDE, Look, look_at
from lrensemble.report.report_data import ReportData
from lrensemble.report.section import Figure, Section, Table
from lrensemble.spec import to_spec

FAR = 3
"""How many times as far above the median as the best one is below it a loss may be, and still be on the scale."""


@dataclass(frozen=True)
class Run:
    """One member by what it was trained with, and what came of it."""

    member: MemberResult
    policy: str
    peak: float | None
    """Highest rate; None of a policy that does not name it."""

    @property
    def val(self) -> float | None:
        """Nats a token on `val`; None where it did not finish."""
        return None if self.member.val is None else self.member.val.nll

    @property
    def test(self) -> float | None:
        """Nats a token on test."""
        return None if self.member.test is None else self.member.test.nll


def losses(report: ReportData) -> Section | None:
    """Section with losses by policy and rate, in nats a token and as perplexity."""
    if not is_of_tokens(report):
        return None
    runs = runs_of(report)
    finished = [run.val for run in runs if run.val is not None]
    if not finished:
        return None
    limit = scale_limit(finished)
    off = [run.member.name for run in runs if run.val is None or run.val > limit]
    rows = [_row(run) for run in runs]
    written = stored_samples(report)
    base = written.base_loss if isinstance(written, Samples) else None
    worse = [run.member.name for run in runs if base is not None and run.val is not None and run.val > base]
    if base is not None:
        rows.append([BASE, "", "", *_loss(base), "–", "–"])
    marked = frozenset(place for place, run in enumerate(runs) if run.member.id in report.in_team)
    headings = ["member", "peak rate", "status", "val nats/token", "val perplexity", "test nats/token"]
    figures = [_figure(runs, limit, base)] if any(run.peak is not None for run in runs) else []
    return Section(
        "Rates and losses by policy",
        [
            "The mean negative log-likelihood of held-out answer tokens, in nats; the perplexity is its exponential. "
            + ("Members of the chosen team are marked." if marked else ""),
            *_consensus(report),
            *([f"Worse than the base alone: {', '.join(worse)}."] if worse else []),
            *(
                [f"Beyond the scale of the figure, so that the others can be told apart: {', '.join(off)}."]
                if off
                else []
            ),
        ],
        [Table([*headings, "test perplexity"], rows, marked, minor=frozenset({1, 2, 5, 6}))],
        figures,
    )


def runs_of(report: ReportData) -> list[Run]:
    """All members, those that failed too, by policy and then by rate; policies in the order of the pool."""
    recipes = {each.id: each.recipe or {} for each in report.everybody}
    found = [_run(member, recipes.get(member.id, {})) for member in report.member_results]
    order = {policy: place for place, policy in enumerate(dict.fromkeys(run.policy for run in found))}
    return sorted(found, key=lambda run: (order[run.policy], run.peak or 0.0))


def scale_limit(losses: Sequence[float]) -> float:
    """The highest loss on a scale that one failed member does not stretch."""
    values = np.asarray(losses, dtype=np.float64)
    median = float(np.median(values))
    near = median + FAR * (median - float(values.min()))
    within = values[values <= near]
    return float(within.max()) if len(within) else median


def within_scale(report: ReportData) -> NDArray[np.bool_]:
    """[member] whether its loss is on the scale of the others, or not known; of finished members."""
    known = {each.id: each.val.nll for each in report.member_results if each.val is not None}
    losses = [known.get(member.id) for member in report.members]
    finite = [loss for loss in losses if loss is not None]
    limit = scale_limit(finite) if finite else math.inf
    return np.array([loss is None or loss <= limit for loss in losses], dtype=bool)


def _run(member: MemberResult, recipe: Mapping[str, Any]) -> Run:
    policy = recipe.get("policy")
    if not isinstance(policy, dict):
        return Run(member, member.policy or "trained elsewhere", None)
    spec = to_spec(policy)
    peak = spec.arguments.get("peak")
    others = {key: value for key, value in spec.arguments.items() if key != "peak"}
    return Run(
        member, str(to_spec({"name": spec.name, **others})), float(peak) if isinstance(peak, int | float) else None
    )


def _row(run: Run) -> list[str]:
    peak = "" if run.peak is None else f"{run.peak:g}"
    return [run.member.name, peak, run.member.status, *_loss(run.val), *_loss(run.test)]


def _loss(nats: float | None) -> tuple[str, str]:
    return ("–", "–") if nats is None else (f"{nats:.4f}", perplexity(nats))


def perplexity(nats: float) -> str:
    """Perplexity in print: what no number of digits would make readable is said to be above a million."""
    return f"{math.exp(nats):,.2f}" if nats < math.log(1e6) else "> 1,000,000"


def _consensus(report: ReportData) -> list[str]:
    team = None if report.judged is None else report.chosen
    if team is None:
        return []
    return [f"What was scored of the team is {scored(team.consensus, choices=False)}."]


def _figure(runs: Sequence[Run], limit: float, base: float | None) -> Figure:
    lowest = min(run.val for run in runs if run.val is not None)
    room = max(limit - lowest, 1e-3)
    top = limit + 0.12 * room
    peaks = [run.peak for run in runs if run.peak is not None]
    policies = list(dict.fromkeys(run.policy for run in runs))
    traces = [
        _trace([run for run in runs if run.policy == policy and run.peak is not None], look_at(place), limit, top)
        for place, policy in enumerate(policies)
    ]
    if base is not None and lowest <= base <= top:
        traces.append(_level(peaks, base))
    layout = {
        "xaxis": {"title": {"text": "peak rate"}, "type": "log"},
        "yaxis": {"title": {"text": "val nats a token"}, "range": [lowest - 0.08 * room, top + 0.06 * room]},
    }
    caption = (
        "Loss on val by policy and peak rate. An arrow at the top is a member beyond the scale, or one that failed: "
        "point to see its loss."
    )
    return Figure("losses", [trace for trace in traces if trace["x"]], layout, caption)


def _trace(runs: Sequence[Run], look: Look, limit: float, top: float) -> dict[str, Any]:
    beyond = [run.val is None or run.val > limit for run in runs]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "name": escape_html(runs[0].policy) if runs else "",
        "x": [run.peak for run in runs],
        "y": [top if far or run.val is None else round(run.val, 5) for run, far in zip(runs, beyond, strict=True)],
        "text": [_said(run) for run in runs],
        "hovertemplate": "%{text}<extra></extra>",
        "marker": {"symbol": ["arrow-up" if far else look.symbol for far in beyond], "size": 10, "color": look.colour},
        "line": {"color": look.colour, "dash": look.dash},
        "cliponaxis": False,
    }


def _level(peaks: Sequence[float], loss: float) -> dict[str, Any]:
    """A line at the loss of the base alone: what is above it was made worse by training."""
    return {
        "type": "scatter",
        "mode": "lines",
        "name": BASE,
        "x": [min(peaks), max(peaks)],
        "y": [round(loss, 5)] * 2,
        "line": {"color": GUIDE, "dash": "dot"},
        "hovertemplate": f"{BASE}: {loss:.4f} nats a token<extra></extra>",
    }


def _said(run: Run) -> str:
    name = escape_html(run.member.name)
    if run.val is None:
        return f"{name}<br>no loss: {escape_html(run.member.status)}"
    return f"{name}<br>{run.val:.4f} nats a token, perplexity {perplexity(run.val)}"
