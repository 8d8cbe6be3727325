"""Score many teams at once. A team is a row of weights [member]; many are a matrix [team, member].

`team_score` is the definition: combine, then measure. `team_scorer` gives the same for many teams with much less work:

* accuracy, where the consensus is linear in something (probabilities, their logarithms, votes): only *contested*
  columns matter, pairs of a row and a rival class that some member prefers to the truth. All other rows are right for
  every team, and a column is decided by the sign of a weighted sum over members;
* NLL of the mean needs only the true class's probability [member, sample];
* the Brier score of the mean is a quadratic form of the members' Gram matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import combine, fit
from lrensemble.metrics import score
from lrensemble.metrics.scores import TINY
from lrensemble.select.base import Validation
from lrensemble.spec import Spec, SpecLike, to_spec

Weights = NDArray[np.float64]
Scorer = Callable[[Weights], NDArray[np.float64]]
"""From weights [team, member], each row with a positive sum, to scores [team], higher is better."""

NEAR_TIE = 1e-9
"""Margins below this, relative to the sum of weights, are decided by the definition itself and not by a matrix product
that sums in another order."""

SAME_SCORE = 1e-12
"""Scores closer than this are a tie: they differ by the order of a sum, not by the team."""

ROW_BY_ROW = ("accuracy", "nll", "brier")
"""Metrics that are means over rows."""

BLOCK_BYTES = 64 * 2**20


def team_score(
    validation: Validation,
    team: Sequence[int],
    weights: Sequence[float] | None = None,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
) -> float:
    """The definition of a team's score: its members' probabilities combined in float64, then measured.

    A consensus that learns is fitted to the team on the same rows.
    """
    chosen = validation.probs[list(team)]
    fitted = fit(consensus, chosen, validation.labels)
    return score(metric, combine(fitted, chosen, weights), validation.labels)


def standard_error(
    validation: Validation,
    team: Sequence[int],
    metric: SpecLike,
    consensus: SpecLike,
    weights: Sequence[float] | None = None,
) -> float | None:
    """The standard error of a team's score over rows; None for a metric that is not a mean over rows, 0 for one row."""
    if to_spec(metric).name not in ROW_BY_ROW:
        return None
    chosen = validation.probs[list(team)]
    combined = combine(fit(consensus, chosen, validation.labels), chosen, weights)
    rows = np.arange(len(validation.labels))
    of_label = combined[rows, validation.labels]
    values = {
        "accuracy": combined.argmax(axis=1) == validation.labels,
        "nll": np.log(np.maximum(of_label, TINY)),
        "brier": np.einsum("sc,sc->s", combined, combined) - 2 * of_label,
    }[to_spec(metric).name]
    return float(np.std(values, ddof=1) / np.sqrt(len(rows))) if len(rows) > 1 else 0.0


def team_scorer(validation: Validation, metric: SpecLike, consensus: SpecLike) -> Scorer:
    """A function that scores many teams of these members, prepared once."""
    metric, consensus = to_spec(metric), to_spec(consensus)
    if metric == Spec("accuracy") and consensus.name in _LINEAR:
        return _accuracy_scorer(validation, consensus)
    if metric == Spec("nll") and consensus == Spec("mean"):
        return _nll_scorer(validation)
    if metric == Spec("brier") and consensus == Spec("mean"):
        return _brier_scorer(validation)
    return _by_definition(validation, metric, consensus)


def first_best(scores: NDArray[np.float64]) -> int:
    """Position of the best score; of several that tie, the first."""
    return int(np.argmax(scores >= scores.max() - SAME_SCORE))


def _by_definition(validation: Validation, metric: SpecLike, consensus: SpecLike) -> Scorer:
    def scorer(weights: Weights) -> NDArray[np.float64]:
        scores = np.empty(len(weights))
        for i, row in enumerate(weights):
            team = np.flatnonzero(row)
            scores[i] = team_score(validation, team.tolist(), row[team].tolist(), metric=metric, consensus=consensus)
        return scores

    return scorer


def _votes(probs: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(probs.argmax(axis=2)[:, :, None] == np.arange(probs.shape[2]), dtype=np.float64)


_LINEAR: dict[str, Callable[[NDArray[np.float64]], NDArray[np.float64]]] = {
    "mean": lambda probs: probs,
    "geometric_mean": lambda probs: np.log(np.maximum(probs, TINY)),
    "plurality": _votes,
}
"""What a consensus averages: the class with the highest weighted mean of it wins."""


def _accuracy_scorer(validation: Validation, consensus: Spec) -> Scorer:
    values, labels = _LINEAR[consensus.name](validation.probs), validation.labels
    rows, rivals = contested(values, labels)
    margins = values[:, rows, labels[rows]] - values[:, rows, rivals]  # [member, column]
    loses_ties = rivals < labels[rows]
    first_column = np.flatnonzero(np.diff(rows, prepend=-1))
    block = max(1, BLOCK_BYTES // (8 * max(1, len(rows))))
    definition = _by_definition(validation, "accuracy", consensus)

    def scorer(weights: Weights) -> NDArray[np.float64]:
        scores = np.ones(len(weights))
        if not len(rows):
            return scores
        for start in range(0, len(weights), block):
            part = weights[start : start + block]
            totals = part @ margins  # [team, column]
            lost = (totals < 0) | ((totals == 0) & loses_ties)
            wrong = np.logical_or.reduceat(lost, first_column, axis=1).sum(axis=1)
            scores[start : start + block] -= wrong / len(labels)
            near = (np.abs(totals) < NEAR_TIE * part.sum(axis=1, keepdims=True)).any(axis=1)
            scores[start + np.flatnonzero(near)] = definition(part[near])
        return scores

    return scorer


def contested(values: NDArray[np.float64], labels: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The pairs (row, rival class) for which some member gives the rival at least as much as the truth.

    Args:
        values: [member, sample, class], higher is likelier.
        labels: [sample] class indices.

    Returns:
        rows and rivals, [column] each, sorted by row.
    """
    of_label = np.take_along_axis(values, labels[None, :, None], axis=2)
    rivalled = np.zeros(values.shape[1:], dtype=bool)
    for member_values, member_label in zip(values, of_label, strict=True):
        rivalled |= member_values >= member_label
    rivalled[np.arange(len(labels)), labels] = False
    rows, rivals = np.nonzero(rivalled)
    return rows, rivals


def _nll_scorer(validation: Validation) -> Scorer:
    of_label = validation.probs[:, np.arange(len(validation.labels)), validation.labels]  # [member, sample]
    block = max(1, BLOCK_BYTES // (8 * of_label.shape[1]))

    def scorer(weights: Weights) -> NDArray[np.float64]:
        normalised = weights / weights.sum(axis=1, keepdims=True)
        scores = np.empty(len(weights))
        for start in range(0, len(weights), block):
            means = normalised[start : start + block] @ of_label
            scores[start : start + block] = np.log(np.maximum(means, TINY)).mean(axis=1)
        return scores

    return scorer


def _brier_scorer(validation: Validation) -> Scorer:
    members, rows, _ = validation.probs.shape
    of_label = validation.probs[:, np.arange(rows), validation.labels]
    flat = validation.probs.reshape(members, -1)
    gram = flat @ flat.T / rows
    linear = of_label.mean(axis=1)

    def scorer(weights: Weights) -> NDArray[np.float64]:
        normalised = weights / weights.sum(axis=1, keepdims=True)
        quadratic = np.einsum("ti,ij,tj->t", normalised, gram, normalised, optimize=True)
        return np.asarray(2 * normalised @ linear - quadratic - 1)

    return scorer
