"""Spread of the members of a policy, as the paper's formula predicts it from their steps, and as it is measured.

Jin & Wu (arXiv 2410.07564, section 5) write a step as θ' = θ − η g. With the rate η and the gradient g independent, of
means μ and standard deviations σ,

    Var(η g) = σ_η² σ_g² + σ_η² μ_g² + μ_η² σ_g².

Training records these moments with g the L2 norm of the whole gradient, and the variance of η g itself. So the
formula can be tested twice: on the length of a step, where only the independence is assumed, and on the parameters,
where the steps of a run are added up.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from lrensemble import train  # lazy: a page of members that were trained elsewhere needs no torch
from lrensemble.config import TrainSettings, to_record
from lrensemble.errors import LREnsembleError
from lrensemble.evaluate.rates import recorded_policy
from lrensemble.pool import Member, StepStatistics
from lrensemble.report.escape import escape_html
from lrensemble.report.look import GUIDE, Look, looks_of
from lrensemble.report.parameters import squared_distances
from lrensemble.report.report_data import ReportData, policy_of
from lrensemble.report.section import Figure, Section, Table

Point = tuple[str, float, float]
"""Name, predicted value and measured value."""

FORMULA = (
    "Jin & Wu (section 5) explain the diversity of a pool by the variance of a step, Var(η g) = Var(η) Var(g) + "
    "Var(η) E(g)² + E(η)² Var(g), for a rate η independent of the gradient; here g is the norm of the gradient. Spread "
    "is the root mean square distance of the parameters of a policy's members from their mean: by the formula, as if "
    "the steps of a run were independent and along one line; as a random walk, as if each had a direction of its own; "
    "and measured."
)

ASSUMPTIONS = (
    "What the formula leaves out: a schedule is no chance, and gradients depend on the rates before them, so rate and "
    "gradient are not independent; steps of a run follow one another, so their sum is no sum of independent ones; a "
    "norm knows no direction; momentum, weight decay and clipping change the step that is made of a gradient; and "
    "members of several seeds are apart before the first step, while those of one seed share it and their batches."
)


@dataclass(frozen=True)
class Spread:
    """Spread of the members of one policy."""

    policy: str
    steps: Mapping[str, StepStatistics]
    """Step statistics of the members, by id."""
    predicted_variance: float
    """Mean over members of Var(η|g|) by the formula."""
    measured_variance: float
    """Mean over members of the variance of η|g| over their steps."""
    predicted_distance: float | None
    """Root mean square distance of the parameters from their mean, if the steps of a run were independent and all along
    one line; None where the optimizer's update is not a sum of gradients times rates."""
    random_walk_distance: float | None
    """Root mean square distance if the steps were a random walk, each in a direction of its own."""
    measured_distance: float | None
    """Measured root mean square distance; None for a single member, and where parameters cannot be compared."""


def variance_of_length(steps: StepStatistics) -> float:
    """Var(η g) = σ_η² σ_g² + σ_η² μ_g² + μ_η² σ_g² (Jin & Wu, section 5), with g the norm of the gradient."""
    rate, norm = steps.rate_variance, steps.norm_variance
    return rate * norm + rate * steps.norm_mean**2 + steps.rate_mean**2 * norm


def square_of_length(steps: StepStatistics) -> float:
    """E(η² g²) = (σ_η² + μ_η²) (σ_g² + μ_g²), for independent rates and gradients."""
    return (steps.rate_variance + steps.rate_mean**2) * (steps.norm_variance + steps.norm_mean**2)


def spreads(report: ReportData) -> list[Spread]:
    """Spread of every policy that has members with step statistics, sorted by name."""
    groups: dict[str, list[int]] = {}
    for place, member in enumerate(report.members):
        if member.steps is not None:
            groups.setdefault(policy_of(member), []).append(place)
    distances = None if report.products is None else squared_distances(report.products.whole)
    return [
        _spread(
            policy,
            [report.members[place] for place in places],
            None if distances is None else distances[np.ix_(places, places)],
        )
        for policy, places in sorted(groups.items())
    ]


def _spread(policy: str, members: Sequence[Member], distances: np.ndarray | None) -> Spread:
    by_id = {member.id: member.steps for member in members if member.steps is not None}
    steps = list(by_id.values())
    factors = [_sum_of_updates(member) for member in members]
    sums = [factor for factor in factors if factor is not None]
    known = len(sums) == len(members)

    def root_sum(per_step: Sequence[float]) -> float | None:
        if not known:
            return None
        return math.sqrt(sum(f**2 * s.count * v for f, s, v in zip(sums, steps, per_step, strict=True)) / len(steps))

    # The mean of the squared distances of all ordered pairs, a member with itself among them, is twice the mean squared
    # distance from the mean; with n - 1 instead of n it is the unbiased one.
    measured = None
    if distances is not None and len(members) > 1:
        measured = math.sqrt(float(distances.sum()) / (2 * len(members) * (len(members) - 1)))
    predicted = [variance_of_length(each) for each in steps]
    return Spread(
        policy,
        by_id,
        float(np.mean(predicted)),
        float(np.mean([each.length_variance for each in steps])),
        root_sum(predicted),
        root_sum([square_of_length(each) for each in steps]),
        measured,
    )


def _sum_of_updates(member: Member) -> float | None:
    """Ratio of Σ updates to Σ η g: (1 − dampening) / (1 − momentum) for SGD.

    None for other optimizers, where the momentum moves, and where some weights have a rate of their own.
    """
    recorded = (member.recipe or {}).get("train")
    if recorded is None:
        return None
    try:
        settings = to_record(TrainSettings, recorded, f"member {member.id}")
        ratio = train.update_per_gradient(settings)
    except LREnsembleError:  # of another version: the optimizer is not known here
        return None
    policy = recorded_policy(member, trust_code=False)
    return None if settings.group or (policy and policy.gives_momentum) else ratio


def spread(report: ReportData) -> Section | None:
    """Section with predicted and measured spread, policy by policy."""
    found = spreads(report)
    if not found:
        return None
    headings = [
        "policy",
        "members",
        "Var(rate × gradient), formula",
        "measured",
        "spread, formula",
        "spread, random walk",
        "spread, measured",
    ]
    rows = [
        [
            each.policy,
            str(len(each.steps)),
            f"{each.predicted_variance:.3g}",
            f"{each.measured_variance:.3g}",
            *(
                _in_print(value)
                for value in (each.predicted_distance, each.random_walk_distance, each.measured_distance)
            ),
        ]
        for each in found
    ]
    return Section(
        "Where the spread comes from",
        [
            FORMULA,
            ASSUMPTIONS,
        ],
        [Table(headings, rows, minor=frozenset({1, 2, 3, 5}))],
        _figures(found, dict(zip((member.id for member in report.members), report.names, strict=True))),
    )


def _in_print(value: float | None) -> str:
    return "–" if value is None else f"{value:,.0f}" if 1000 <= value < 1e6 else f"{value:.3g}"


def _figures(found: Sequence[Spread], names: Mapping[str, str]) -> list[Figure]:
    lengths: dict[str, list[Point]] = {
        each.policy: [(names[key], variance_of_length(own), own.length_variance) for key, own in each.steps.items()]
        for each in found
    }
    distances: dict[str, list[Point]] = {
        each.policy: [(each.policy, each.predicted_distance, each.measured_distance)]
        for each in found
        if each.predicted_distance is not None and each.measured_distance is not None
    }
    figures = [
        _against(
            "step", lengths, "Var(rate × gradient norm)", "A point is a member; on the line, the formula is right."
        ),
        _against(
            "spread",
            distances,
            "spread of the parameters",
            "Distance from the policy's mean; below the line, members are closer than independent steps would be.",
        ),
    ]
    return [figure for figure in figures if figure is not None]


def _against(name: str, points: Mapping[str, Sequence[Point]], what: str, caption: str) -> Figure | None:
    """Figure of measurement against prediction with the line of equality; None where no point can be drawn.

    The axes are logarithmic and hold no zeros, which a member of one step or two equal members have.
    """
    drawn = {
        policy: kept
        for policy, given in points.items()
        if (kept := [point for point in given if min(point[1:]) > 0 and math.isfinite(max(point[1:]))])
    }
    if not drawn:
        return None
    values = [value for kept in drawn.values() for point in kept for value in point[1:]]
    ends = [min(values), max(values)]
    line = {"color": GUIDE, "dash": "dash", "width": 1}
    equal = {"type": "scatter", "mode": "lines", "x": ends, "y": ends, "line": line, "hoverinfo": "skip"}
    layout = {
        "xaxis": {"title": {"text": f"{what}, formula"}, "type": "log", "exponentformat": "e", "nticks": 6},
        "yaxis": {"title": {"text": f"{what}, measured"}, "type": "log", "exponentformat": "e", "nticks": 6},
    }
    looks = looks_of(points)
    traces = [_trace(policy, kept, looks[policy]) for policy, kept in drawn.items()]
    return Figure(name, [equal | {"showlegend": False}, *traces], layout, caption, small=True)


def _trace(policy: str, points: Sequence[Point], look: Look) -> dict[str, Any]:
    names, predicted, measured = zip(*points, strict=True)
    return {
        "type": "scatter",
        "mode": "markers",
        "name": escape_html(policy),
        "x": predicted,
        "y": measured,
        "text": [escape_html(each) for each in names],
        "showlegend": True,
        "marker": {"size": 9, "color": look.colour, "symbol": look.symbol},
        "hovertemplate": "%{text}<br>formula %{x:.3g}<br>measured %{y:.3g}<extra></extra>",
    }
