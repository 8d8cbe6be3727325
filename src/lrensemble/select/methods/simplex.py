"""The best weights there are: NLL or Brier score of the mean of probabilities, minimised over all weights."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Literal

import numpy as np
from pydantic import Field

from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.scored import weighted_team
from lrensemble.select.methods.shared.weights import LEAST_WEIGHT, without_negligible
from lrensemble.select.scoring.losses import Floats, Loss, nll_of, quadratic_of
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

AT_ONCE = 64
"""Members that come into the search together in larger pools."""

SHRINK = 0.2
"""The barrier is weakened by this factor from one stage to the next."""


@SELECTORS.register(loss="brier")
def simplex(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    loss: Literal["nll", "brier", "mse"] | None = None,
    gap: Annotated[float, Field(gt=0)] = 1e-9,
    least_weight: Annotated[float, Field(ge=0, lt=1)] = LEAST_WEIGHT,
) -> Selection:
    """The weights of least NLL, Brier score or squared error over all that are not negative and sum to one.

    These losses of a mean of predictions are convex in the weights, so there is one optimum and a bound on the
    distance to it. A logarithmic barrier keeps the weights positive while Newton steps follow the central path (Boyd
    & Vandenberghe 2004, sec. 11.3). In large pools members come in when the derivative says that they lower the loss.
    At the end members of a weight below `least_weight` are dropped and the best weights of the others are found.
    `details` give the optimality gap that is proven for the weights returned: no weights of any members have a loss
    lower by more.

    Args:
        validation: the rows to choose on.
        metric: what the score is given in.
        consensus: how the score is combined; the loss is always that of the mean.
        seed: not used.
        loss: what is minimised: the metric where it is one of them, else NLL of classes; of values the mean
            squared error, a quadratic programme.
        least_weight: members below it are dropped at the end; with 0 the optimum itself is returned.
        gap: the search ends when the loss is proven to be within this of the optimum, before members are dropped.

    Raises:
        SelectionError: a member knows only labels.
    """
    metric_text = check_metric(validation, metric, consensus)
    chosen = loss or _own_loss(validation, metric_text)
    check_metric(validation, chosen)
    convex = nll_of(validation, "mean") if chosen == "nll" else quadratic_of(validation, "mean")
    least, steps = _least(convex, validation.members, gap)
    weights, more_steps = _of_weight(convex, least, gap, least_weight)
    proven = _proven(convex, least) + convex.value(weights) - convex.value(least)
    details = {"loss": chosen, "gap": max(proven, 0.0)}
    return replace(weighted_team(validation, weights, metric_text, consensus, steps + more_steps), details=details)


def _own_loss(validation: Validation, metric: str) -> str:
    if not validation.of_classes:
        return "mse"
    return "brier" if metric == "brier" else "nll"


def _least(loss: Loss, members: int, gap: float) -> tuple[Floats, int]:
    """Weights [member] as of `minimise`: of large pools a growing part is looked at, and all members prove the gap."""
    own = np.array([loss.value(one) for one in np.eye(members)])
    active, steps = np.sort(np.argsort(own, kind="stable")[:AT_ONCE]), 0
    while True:
        weights = np.zeros(members)
        weights[active], taken = minimise(loss.among(active), len(active), gap / 2)
        steps += taken
        gradient = loss.gradient(weights)
        promise = weights @ gradient - gradient
        promise[active] = -np.inf
        if promise.max() <= gap:
            return weights, steps
        wanted = np.argsort(-promise, kind="stable")[:AT_ONCE]
        active = np.union1d(active, wanted[promise[wanted] > 0])


def _of_weight(loss: Loss, weights: Floats, gap: float, least_weight: float) -> tuple[Floats, int]:
    """The best weights [member] of the members that are left when those of little weight go; how many steps it took."""
    steps = 0
    while True:
        kept = np.flatnonzero(without_negligible(weights, least_weight))
        if len(kept) == np.count_nonzero(weights):
            return weights, steps
        weights = np.zeros_like(weights)
        weights[kept], taken = minimise(loss.among(kept), len(kept), gap)
        steps += taken


def _proven(loss: Loss, weights: Floats) -> float:
    """By how much the loss is above the least there is, at most: convexity bounds it by the derivative."""
    gradient = loss.gradient(weights)
    return float(weights @ gradient - gradient.min())


def minimise(loss: Loss, members: int, gap: float) -> tuple[Floats, int]:
    """Weights [member] whose loss is within `gap` of the least on the simplex, and how many Newton steps it took."""
    weights, steps = np.full(members, 1 / members), 0
    barrier = 1.0 / members
    while True:
        for _ in range(50):
            step, decrement = _newton_step(loss, weights, barrier)
            steps += 1
            if decrement < 1e-4 * barrier:
                break
            weights = _move(loss, weights, step, barrier)
        gradient, _ = loss.derivatives(weights)
        if weights @ gradient - gradient.min() <= gap or barrier < 1e-18:
            return weights, steps
        barrier *= SHRINK


def _newton_step(loss: Loss, weights: Floats, barrier: float) -> tuple[Floats, float]:
    """The step towards the minimum of loss - barrier · Σ log w that keeps the sum, and how much it promises."""
    gradient, hessian = loss.derivatives(weights)
    gradient = gradient - barrier / weights
    # Scaled by the weights, the matrix stays well conditioned however small some of them are.
    scaled = weights[:, None] * hessian * weights + barrier * np.eye(len(weights))
    by_gradient, by_sum = np.linalg.solve(scaled, np.stack([weights * gradient, weights], axis=1)).T
    multiplier = (weights @ by_gradient) / (weights @ by_sum)
    step = -weights * (by_gradient - multiplier * by_sum)
    return step, float(-gradient @ step)


def _move(loss: Loss, weights: Floats, step: Floats, barrier: float) -> Floats:
    """As far along the step as stays inside and lowers the value (Armijo's rule)."""

    def value(at: Floats) -> float:
        return loss.value(at) - barrier * float(np.log(at).sum())

    shrinking = step < 0
    length = min(1.0, 0.99 * float((-weights[shrinking] / step[shrinking]).min())) if shrinking.any() else 1.0
    start = value(weights)
    while length > 1e-12:
        moved = weights + length * step
        moved /= moved.sum()
        if value(moved) <= start:
            return moved
        length /= 2
    return weights
