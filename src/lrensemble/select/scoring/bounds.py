"""Bounds on the score of every team of a node, for branch and bound, and which of its teams are worth a score.

A node is all teams of some sizes that hold certain members and leave out others. NLL and Brier score of a mean are
convex in the weights, and the weights of the node's teams lie in a box on the simplex: the tangent plane of the loss
at any point bounds the loss from below there (Frank & Wolfe 1956). Accuracy is bounded by the rows that every team of
the node gets wrong, because one of their contested columns is lost whatever is added.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, is_average, is_linear
from lrensemble.errors import SelectionError
from lrensemble.metrics import METRICS
from lrensemble.select.scoring.kernels.columns import contested_columns
from lrensemble.select.scoring.losses import Loss, nll_of, quadratic_of
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

Floats = NDArray[np.float64]

ROUNDS = 8
"""Newton steps towards the least loss of a node; the bound holds after any of them."""

TIGHT = 1e-7
"""A bound this close to the loss that it bounds is not worth another step."""


@dataclass(frozen=True)
class Node:
    """Teams of `smallest` to `largest` members that hold all of `inside` and none of `outside`."""

    members: int
    smallest: int
    largest: int
    inside: tuple[int, ...] = ()
    outside: tuple[int, ...] = ()

    def free(self) -> NDArray[np.int64]:
        """The members that are in some teams of the node and not in others."""
        return np.setdiff1d(np.arange(self.members), [*self.inside, *self.outside])

    def tightened(self) -> Node | None:
        """The same teams, with sizes that they do have; None where there is no team."""
        most = self.members - len(self.outside)
        smallest, largest = max(self.smallest, len(self.inside), 1), min(self.largest, most)
        return replace(self, smallest=smallest, largest=largest) if smallest <= largest else None

    def only_team(self) -> tuple[int, ...] | None:
        """The team of a node that holds one; None where there are several."""
        if self.largest == len(self.inside):
            return tuple(sorted(self.inside))
        if self.smallest == self.members - len(self.outside):
            return tuple(sorted((*self.inside, *self.free().tolist())))
        return None


@dataclass(frozen=True, eq=False)
class Bound:
    """Upper bound on the scores of a node, and what its best team may look like."""

    score: float
    """No team of it scores higher."""
    wanted: Floats
    """[member] the more, the better the teams that hold it seem to be."""
    undecided: Floats
    """[member] how unclear it is whether a member is wanted."""


BoundFunction = Callable[[Node, float], Bound]
"""From a node, and a score below which the bound need not be any tighter, to its bound."""


def bound_function(validation: Validation, metric: SpecLike, consensus: SpecLike) -> BoundFunction:
    """The function that bounds nodes by this metric.

    Raises:
        SelectionError: no bound is known for it.
    """
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if metric == Spec("accuracy") and is_average(consensus):
        return _by_columns(validation, consensus.name)
    if is_convex(metric, consensus):
        convex = nll_of if metric == Spec("nll") else quadratic_of
        return _by_tangents(convex(validation, consensus.name))
    averages, linear = ([name for name in CONSENSUS if fact(Spec(name))] for fact in (is_average, is_linear))
    raise SelectionError(
        f"no bound is known for {metric} under {consensus}; choose accuracy under {', '.join(averages)}, "
        f"or nll, brier or mse under {' or '.join(linear)}"
    )


def is_convex(metric: SpecLike, consensus: SpecLike) -> bool:
    """Whether the loss is convex in the weights, and nodes have bounds that are often tight."""
    spec = METRICS.check(metric)
    convex = spec == Spec("nll") or METRICS.facts(spec).quadratic
    return convex and is_linear(CONSENSUS.check(consensus))


def _by_columns(validation: Validation, consensus: str) -> BoundFunction:
    columns = contested_columns(validation, consensus)
    everything = slice(None)
    margins, error = columns.margins(everything), columns.error(everything)
    # A lower class that ties need not win where a higher one is ahead of it; one that is ahead of the truth does.
    spared = columns.rival_first & (columns.doubt > 0)
    surely = np.where(spared[:, None], columns.truth[columns.row_of_column] - columns.rival, margins)
    times, total = validation.row_weights, validation.total_weight
    most_right = total - times[columns.always_wrong].sum()
    times = times[columns.row]
    own = -(times[columns.row_of_column] @ (margins < 0))
    spread = times[columns.row_of_column] @ np.abs(margins)

    def bound(node: Node, _: float) -> Bound:
        inside, free = list(node.inside), node.free()
        fewest, most = node.smallest - len(inside), node.largest - len(inside)
        best_first = -np.sort(-surely[:, free], axis=1)[:, :most]
        sums = np.cumsum(np.concatenate([surely[:, inside].sum(axis=1, keepdims=True), best_first], axis=1), axis=1)
        lost = sums[:, fewest:].max(axis=1) < -error
        wrong = times[np.unique(columns.row_of_column[lost])].sum()
        return Bound(float(most_right - wrong) / total, own, spread)

    return bound


def _by_tangents(loss: Loss) -> BoundFunction:
    def bound(node: Node, enough: float) -> Bound:
        low, high = np.zeros(node.members), np.full(node.members, 1 / node.smallest)
        low[list(node.inside)] = 1 / node.largest
        high[list(node.outside)] = 0.0
        room = high - low
        weights = low + room * (1 - low.sum()) / max(room.sum(), 1e-300)
        proven = -np.inf
        for _ in range(ROUNDS):
            value = loss.value(weights)
            gradient, hessian = loss.derivatives(weights)
            proven = max(proven, value + float(gradient @ (_cheapest(gradient, low, high) - weights)))
            if proven >= -enough or value - proven <= TIGHT:
                break
            weights = _moved(loss, weights, _minimised(gradient, hessian, weights, low, high), value)
        return Bound(-proven, weights, np.minimum(weights - low, high - weights))

    return bound


def _cheapest(price: Floats, low: Floats, high: Floats) -> Floats:
    """Weights between `low` and `high` that sum to one, of least price: the cheapest are filled first."""
    weights, left = low.copy(), 1 - low.sum()
    for member in np.argsort(price, kind="stable"):
        given = min(high[member] - low[member], left)
        weights[member] += given
        left -= given
    return weights


def _minimised(gradient: Floats, hessian: Floats, start: Floats, low: Floats, high: Floats) -> Floats:
    """Weights of least value of a quadratic model of the loss: the steepest pair exchanges weight, again and again."""
    weights, slope = start.copy(), gradient.copy()
    for _ in range(10 * len(weights)):
        rises = np.where(weights < high, slope, np.inf)
        falls = np.where(weights > low, slope, -np.inf)
        up, down = int(rises.argmin()), int(falls.argmax())
        descent = falls[down] - rises[up]
        if not descent > TIGHT:
            break
        curvature = hessian[up, up] + hessian[down, down] - 2 * hessian[up, down]
        amount = min(descent / max(curvature, 1e-300), high[up] - weights[up], weights[down] - low[down])
        weights[up] += amount
        weights[down] -= amount
        slope += amount * (hessian[:, up] - hessian[:, down])
    return weights


def _moved(loss: Loss, start: Floats, goal: Floats, value: float) -> Floats:
    """As far from `start` to `goal` as lowers the loss."""
    length = 1.0
    while length > 1e-6:
        weights = start + length * (goal - start)
        if loss.value(weights) <= value:
            return weights
        length /= 2
    return start
