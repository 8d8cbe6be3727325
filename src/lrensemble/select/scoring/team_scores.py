"""Score many teams at once. A team is a row of weights [member]; many are a matrix [team, member].

`team_score` is the definition: combine, then measure. `team_scorer` gives the same for many teams with much less work:
accuracy from the contested columns alone, NLL of the mean from what the label is given, the Brier score of the mean
from the members' Gram matrix, RMSE and R² from one for each output, metrics of the confusion matrix from the classes
that can win.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, combine, fit, is_average, is_linear, learned_on_rows
from lrensemble.errors import SelectionError
from lrensemble.metrics import METRICS, higher_is_better, row_values, score
from lrensemble.metrics.base import mean_over_rows
from lrensemble.numerics import SMALLEST_PROBABILITY, likeliest
from lrensemble.select.scoring.kernels.columns import Columns, contested_columns
from lrensemble.select.scoring.kernels.confusion import confusion_counter, weighted_scores
from lrensemble.select.scoring.kernels.statistics import error_gram, of_labels
from lrensemble.select.scoring.known_values import known_values
from lrensemble.select.scoring.mixtures import MIXTURE, mixture_scorer
from lrensemble.select.scoring.resample import mean_and_error
from lrensemble.select.scoring.squares import squares_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike, to_spec
from lrensemble.text import shortened

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

    Rows count as often as the validation says; a consensus that learns is fitted to the team on the same rows.

    Raises:
        SelectionError: no team, or one of members that are not there.
    """
    if not len(team) or not all(0 <= member < validation.members for member in team):
        wrong, last = shortened(list(team)), validation.members - 1
        raise SelectionError(f"team {wrong} is refused; give some of the members 0 to {last}")
    return team_score_of(validation, team, weights, metric, fitted_consensus(validation, team, weights, consensus))


def final_score(
    validation: Validation,
    team: Sequence[int],
    weights: Sequence[float] | None = None,
    *,
    metric: SpecLike,
    consensus: SpecLike,
) -> float:
    """The same as `team_score`, for a selector to end with: from the statistics that it has read, where they say it."""
    values = known_values(validation, team, weights, metric, consensus)
    if values is None:
        return team_score(validation, team, weights, metric=metric, consensus=consensus)
    mean = mean_over_rows(values, counts_of(validation, validation.counted))
    return mean if higher_is_better(metric) else -mean


def team_score_of(
    validation: Validation, team: Sequence[int], weights: Sequence[float] | None, metric: SpecLike, fitted: SpecLike
) -> float:
    """The score of a team under a consensus that is fitted, perhaps on other rows."""
    rows, values = validation.counted, None
    if validation.lacking("labels") is not None:  # the likelihood of the truth is all that is known
        values = known_values(validation, team, weights, metric, fitted)
    if values is None:
        values = values_of_rows(validation, team, weights, metric, fitted, rows)
    if values is not None:
        value = mean_over_rows(values, counts_of(validation, rows))
        return value if higher_is_better(metric) else -value
    predictions = combined(validation, team, weights, fitted, rows)
    return score(metric, predictions, validation.truth[rows], counts_of(validation, rows))


def values_of_rows(
    validation: Validation,
    team: Sequence[int],
    weights: Sequence[float] | None,
    metric: SpecLike,
    fitted: SpecLike,
    rows: NDArray[np.int64] | slice,
) -> NDArray[np.float64] | None:
    """[sample] values that the team's metric is the mean of, block by block; None of a metric that is no such mean."""
    if METRICS.facts(METRICS.check(metric)).per_row is None:
        return None
    values = []
    for chosen, predictions in combined_blocks(validation, team, weights, fitted, rows):
        of_block = row_values(metric, predictions, validation.truth[chosen])
        assert of_block is not None
        values.append(of_block)
    return np.concatenate(values)


def counts_of(validation: Validation, rows: NDArray[np.int64] | slice) -> NDArray[np.float64] | None:
    """How often some rows count; None where each counts once."""
    if validation.weights is None or (validation.weights[rows] == 1).all():
        return None
    return np.asarray(validation.weights[rows])


def fitted_consensus(
    validation: Validation, team: Sequence[int], weights: Sequence[float] | None, consensus: SpecLike
) -> Spec:
    """The consensus, with what it learns of these members on these rows filled in."""
    if not learned_on_rows(consensus):
        return to_spec(consensus)
    shares = None if weights is None else np.asarray(weights, dtype=np.float64)
    rows = validation.counted
    return fit(
        consensus, validation.predictions_of(team, rows), validation.truth[rows], shares, counts_of(validation, rows)
    )


def combined(
    validation: Validation,
    team: Sequence[int],
    weights: Sequence[float] | None,
    consensus: SpecLike,
    rows: NDArray[np.int64] | slice = slice(None),
) -> NDArray[np.float64]:
    """[sample, column] the team's predictions on some rows by a consensus that is fitted: all at once, for few rows."""
    return np.concatenate([block for _, block in combined_blocks(validation, team, weights, consensus, rows)])


def combined_blocks(
    validation: Validation,
    team: Sequence[int],
    weights: Sequence[float] | None,
    consensus: SpecLike,
    rows: NDArray[np.int64] | slice = slice(None),
) -> Iterator[tuple[NDArray[np.int64] | slice, NDArray[np.float64]]]:
    """Places of some rows and the team's predictions there, [sample, column], by a consensus that is fitted."""
    shares = None if weights is None else np.asarray(weights, dtype=np.float64)
    places = np.arange(len(validation.truth))[rows]
    step = validation.block_rows(len(team))
    for start in range(0, len(places), step):
        block = slice(start, start + step)
        chosen = block if isinstance(rows, slice) and rows == slice(None) else places[block]
        yield chosen, combine(consensus, validation.predictions_of(team, chosen), shares)


def standard_error(
    validation: Validation,
    team: Sequence[int],
    weights: Sequence[float] | None = None,
    *,
    metric: SpecLike,
    consensus: SpecLike,
) -> float | None:
    """The standard error of a team's score over rows, or groups of them; 0 of one.

    None for a metric that is not a mean over rows.
    """
    rows, values = validation.counted, known_values(validation, team, weights, metric, consensus)
    if values is None:
        fitted = fitted_consensus(validation, team, weights, consensus)
        values = values_of_rows(validation, team, weights, metric, fitted, rows)
    return None if values is None else mean_and_error(values, validation.row_weights[rows], validation.units[rows])[1]


def team_scorer(validation: Validation, metric: SpecLike, consensus: SpecLike) -> Scorer:
    """A function that scores many teams of these members, prepared once."""
    metric, consensus = METRICS.check(metric), CONSENSUS.check(consensus)
    if metric == Spec("accuracy") and is_average(consensus):
        return _accuracy_scorer(validation, consensus)
    if metric == Spec("nll") and is_linear(consensus):
        return _nll_scorer(of_labels(validation, consensus.name), validation)
    if METRICS.facts(metric).quadratic and is_linear(consensus):
        return _quadratic_scorer(error_gram(validation, consensus.name))
    averages = is_linear(consensus) or consensus == MIXTURE  # the mean of a mixture is that of the means
    if averages and (scorer := squares_scorer(validation, metric)) is not None:
        return scorer
    if consensus == MIXTURE and (scorer := mixture_scorer(validation, metric)) is not None:
        return scorer
    counter = confusion_counter(validation, metric, consensus)
    if counter is not None:
        return partial(weighted_scores, counter)
    return _by_definition(validation, metric, consensus)


def first_best(scores: NDArray[np.float64]) -> int:
    """Position of the best score; of several that tie, the first."""
    return int((scores >= scores[scores.argmax()] - SAME_SCORE).argmax())


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
    times, total = validation.row_weights, validation.total_weight
    most_right = total - times[columns.always_wrong].sum()
    block = max(1, BLOCK_BYTES // (8 * max(1, margins.shape[1])))
    votes = bool(columns.votes.all())

    def scorer(weights: Weights) -> NDArray[np.float64]:
        scores = np.full(len(weights), most_right / total)
        if not margins.size:
            return scores
        for start in range(0, len(weights), block):
            part = weights[start : start + block] / weights[start : start + block].max(axis=1, keepdims=True)
            totals = part @ margins  # [team, column]
            lost = (totals < 0) | ((totals == 0) & columns.rival_first)
            wrong = np.logical_or.reduceat(lost, columns.first[:-1], axis=1)  # [team, contested row]
            if not (votes and np.isin(part, (0, 1)).all()):  # no number of whole votes is close to a tie
                for team, rows in _unsure_rows(columns, totals, part.sum(axis=1, keepdims=True), votes):
                    own = weights[start + team]
                    wrong[team, rows] = _wrong_by_definition(validation, columns.row[rows], own, consensus)
            scores[start : start + block] = (most_right - wrong @ times[columns.row]) / total
        return scores

    return scorer


def _unsure_rows(
    columns: Columns, totals: Weights, weight: Weights, votes: bool
) -> Iterator[tuple[int, NDArray[np.int64]]]:
    """For some teams, the contested rows that are too close to decide by their totals [team, column].

    A margin is within the bound of rounding, or there may be a tie of three (see `columns`). Of votes, a margin of
    exactly zero says that there is none for either class, and is no tie.
    """
    unsure = np.abs(totals) < np.maximum(columns.doubt, NEAR_TIE) * weight
    teams, at = np.nonzero(unsure & (totals != 0) if votes else unsure)
    margins, rows = totals[teams, at], columns.row_of_column[at]
    near = np.abs(margins) < NEAR_TIE * weight[teams, 0]
    lost = (margins < 0) | ((margins == 0) & columns.rival_first[at])
    place = teams * len(columns.row) + rows
    three = np.intersect1d(place[columns.rival_first[at] & lost], place[~columns.rival_first[at] & ~lost])
    team_of, row_of = np.divmod(np.union1d(place[near], three), len(columns.row))
    for team in np.unique(team_of).tolist():
        yield team, row_of[team_of == team]


def _wrong_by_definition(
    validation: Validation, rows: NDArray[np.int64], weights: Weights, consensus: Spec
) -> NDArray[np.bool_]:
    """[row] whether a team with weights [member] is wrong on these rows."""
    team = np.flatnonzero(weights)
    probs = combine(consensus, validation.predictions_of(team.tolist(), rows), weights[team])
    return np.asarray(likeliest(probs) != validation.truth[rows])


def _nll_scorer(of_label: NDArray[np.float64], validation: Validation) -> Scorer:
    rows = validation.counted
    of_label, times = of_label[:, rows], counts_of(validation, rows)
    block = max(1, BLOCK_BYTES // (8 * of_label.shape[1]))

    def scorer(weights: Weights) -> NDArray[np.float64]:
        normalised = weights / weights.sum(axis=1, keepdims=True)
        scores = np.empty(len(weights))
        for start in range(0, len(weights), block):
            means = normalised[start : start + block] @ of_label
            logs = np.log(np.maximum(means, SMALLEST_PROBABILITY))
            scores[start : start + block] = logs.mean(axis=1) if times is None else logs @ times / times.sum()
        return scores

    return scorer


def _quadratic_scorer(gram: NDArray[np.float64]) -> Scorer:
    def scorer(weights: Weights) -> NDArray[np.float64]:
        normalised = weights / weights.sum(axis=1, keepdims=True)
        return np.asarray(-np.einsum("ti,ij,tj->t", normalised, gram, normalised, optimize=True))

    return scorer
