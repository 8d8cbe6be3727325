"""Score many teams at once. A team is a row of weights [member]; many are a matrix [team, member].

`team_score` is the definition: combine, then measure. `team_scorer` gives the same for many teams with much less work:
accuracy from the contested columns alone, NLL of the mean from what the label is given, the Brier score of the mean
from the members' Gram matrix.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, combine, fit, learned_on_rows
from lrensemble.metrics import METRICS, row_values, score
from lrensemble.metrics.scores import TINY
from lrensemble.select.base import Validation
from lrensemble.select.kernels.columns import LINEAR, contested_columns
from lrensemble.select.kernels.statistics import error_gram, of_labels
from lrensemble.spec import Spec, SpecLike, to_spec

Weights = NDArray[np.float64]
Scorer = Callable[[Weights], NDArray[np.float64]]
"""From weights [team, member], each row with a positive sum, to scores [team], higher is better."""

NEAR_TIE = 1e-9
"""Margins below this, relative to the sum of weights, are decided by the definition itself and not by a matrix product
that sums in another order."""

SAME_SCORE = 1e-12
"""Scores closer than this are a tie: they differ by the order of a sum, not by the team."""

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
    spec = fitted_consensus(validation, team, weights, consensus)
    return score(metric, combined(validation, team, weights, spec), validation.labels)


def fitted_consensus(
    validation: Validation, team: Sequence[int], weights: Sequence[float] | None, consensus: SpecLike
) -> Spec:
    """The consensus, with what it learns of these members on these rows filled in."""
    if not learned_on_rows(consensus):
        return to_spec(consensus)
    shares = None if weights is None else np.asarray(weights, dtype=np.float64)
    return fit(consensus, validation.probs_of(team), validation.labels, shares)


def combined(
    validation: Validation, team: Sequence[int], weights: Sequence[float] | None, consensus: SpecLike
) -> NDArray[np.float64]:
    """[sample, class] the team's probabilities by a consensus that is fitted, block of rows by block of rows."""
    shares = None if weights is None else np.asarray(weights, dtype=np.float64)
    step = validation.block_rows(len(team))
    blocks = [
        combine(consensus, validation.probs_of(team, slice(start, start + step)), shares)
        for start in range(0, len(validation.labels), step)
    ]
    return np.concatenate(blocks)


def standard_error(
    validation: Validation,
    team: Sequence[int],
    weights: Sequence[float] | None = None,
    *,
    metric: SpecLike,
    consensus: SpecLike,
) -> float | None:
    """The standard error of a team's score over rows; None for a metric that is not a mean over rows, 0 for one row."""
    if METRICS.facts(metric).per_row is None:
        return None
    probs = combined(validation, team, weights, fitted_consensus(validation, team, weights, consensus))
    values = row_values(metric, probs, validation.labels)
    return float(np.std(values, ddof=1) / np.sqrt(len(values))) if values is not None and len(values) > 1 else 0.0


def team_scorer(validation: Validation, metric: SpecLike, consensus: SpecLike) -> Scorer:
    """A function that scores many teams of these members, prepared once."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if metric == Spec("accuracy") and consensus in [Spec(name) for name in LINEAR]:
        return _accuracy_scorer(validation, consensus)
    if metric == Spec("nll") and consensus in (Spec("mean"), Spec("plurality")):
        return _nll_scorer(of_labels(validation, consensus.name))
    if metric == Spec("brier") and consensus in (Spec("mean"), Spec("plurality")):
        return _brier_scorer(error_gram(validation, consensus.name))
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


def _accuracy_scorer(validation: Validation, consensus: Spec) -> Scorer:
    columns = contested_columns(validation, consensus.name)
    margins = columns.margins(slice(None)).T
    most_right = columns.rows - len(columns.always_wrong)
    block = max(1, BLOCK_BYTES // (8 * max(1, margins.shape[1])))
    definition = _by_definition(validation, "accuracy", consensus)

    def scorer(weights: Weights) -> NDArray[np.float64]:
        scores = np.full(len(weights), most_right / columns.rows)
        if not margins.size:
            return scores
        for start in range(0, len(weights), block):
            part = weights[start : start + block] / weights[start : start + block].max(axis=1, keepdims=True)
            totals = part @ margins  # [team, column]
            lost = (totals < 0) | ((totals == 0) & columns.rival_first)
            wrong = np.logical_or.reduceat(lost, columns.first[:-1], axis=1).sum(axis=1)
            scores[start : start + block] = (most_right - wrong) / columns.rows
            near = (np.abs(totals) < NEAR_TIE * part.sum(axis=1, keepdims=True)).any(axis=1)
            if consensus.name == "plurality":  # sums of whole votes are exact, and so are their ties
                near &= ~((part == 0) | (part == 1)).all(axis=1)
            scores[start + np.flatnonzero(near)] = definition(weights[start : start + block][near])
        return scores

    return scorer


def _nll_scorer(of_label: NDArray[np.float64]) -> Scorer:
    block = max(1, BLOCK_BYTES // (8 * of_label.shape[1]))

    def scorer(weights: Weights) -> NDArray[np.float64]:
        normalised = weights / weights.sum(axis=1, keepdims=True)
        scores = np.empty(len(weights))
        for start in range(0, len(weights), block):
            means = normalised[start : start + block] @ of_label
            scores[start : start + block] = np.log(np.maximum(means, TINY)).mean(axis=1)
        return scores

    return scorer


def _brier_scorer(gram: NDArray[np.float64]) -> Scorer:
    def scorer(weights: Weights) -> NDArray[np.float64]:
        normalised = weights / weights.sum(axis=1, keepdims=True)
        return np.asarray(-np.einsum("ti,ij,tj->t", normalised, gram, normalised, optimize=True))

    return scorer
