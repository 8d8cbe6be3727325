"""A team from weights of all members, and which of them bring something: as many as rows not seen ask for.

A bootstrap run leaves rows out. Each row is judged by the average of the runs that have not seen it, cut to its
heaviest 1, 2, 3, … members: that is the whole procedure, averaging and pruning, on rows of which it knows nothing
(out-of-bag estimation, Breiman 1996).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import CONSENSUS, averaged, is_linear
from lrensemble.metrics import METRICS, higher_is_better, row_values, score
from lrensemble.metrics.scores import log_losses
from lrensemble.numerics import likeliest
from lrensemble.select.scoring.kernels.statistics import (
    labels_alone,
    of_labels,
    places_among_named,
    predicted_classes,
)
from lrensemble.select.scoring.resample import mean_and_error
from lrensemble.select.scoring.team_scores import SAME_SCORE, counts_of
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

Floats = NDArray[np.float64]

LEAST_WEIGHT = 0.005
"""Members of less weight are dropped: it would be printed as 0.00."""

LIGHT, LIGHT_TOGETHER = 0.02, 0.1
"""Only members of less weight than the first, and of no more than the second together, are tried without. Of the others
few rows cannot tell who is needed: chosen on 60 to 5,000 rows of three pools, the fewest members that did no worse out
of bag were up to 0.05 worse in NLL on other rows; with this limit, up to 0.0015."""

SHIFTS = (0.25, 0.5, 0.75, 0.9)
"""How much weight goes to the best member of a team that scores below it."""

TOLERANCE = 0.25
"""How much worse than the whole team fewer members may be out of bag, in standard errors of the paired difference."""


@dataclass(frozen=True, eq=False)
class Runs:
    """What several runs chose, and the rows that each may be judged on."""

    weights: Floats
    """[run, member] that sum to one in each run."""
    unseen: NDArray[np.bool_]
    """[run, sample] the rows that a run has not seen."""


def without_negligible(weights: Floats, least: float = LEAST_WEIGHT) -> Floats:
    """[member] weights that sum to one: the lightest are set to zero, one by one, until no other is below `least`.

    Of equal weights that of the lowest index stays.
    """
    kept = weights / weights.sum()
    for member in np.argsort(-weights, kind="stable")[:0:-1]:
        if weights[member] > 0:
            if kept[member] >= least:
                break
            kept[member] = 0.0
            kept /= kept.sum()
    return np.asarray(kept)


def heaviest(weights: Floats, count: int) -> Floats:
    """[member] the heaviest weights, so many of them, and zero for the others; ties to the lowest index."""
    kept = np.zeros_like(weights)
    first = np.argsort(-weights, kind="stable")[:count]
    kept[first] = weights[first]
    return kept


def enough_members(validation: Validation, runs: Runs, metric: SpecLike, consensus: SpecLike) -> int:
    """The fewest of the heaviest members that are not worse out of bag than all of them, the light ones left out.

    Not worse means: by no more than `TOLERANCE` standard errors of the difference, paired by rows; of a metric that is
    no mean over rows, not at all. All of them where nothing can be judged: under a consensus that is no mean of
    probabilities or votes, or where no row is left out.
    """
    rows = np.flatnonzero(runs.unseen.any(axis=0) & (validation.row_weights > 0))
    fewest, most = _heavy(runs.weights.sum(axis=0))
    if fewest == most or not len(rows) or not is_linear(CONSENSUS.check(consensus)):
        return most
    sizes = range(fewest, most + 1)
    values = _row_values(validation, runs, rows, sizes, metric, consensus)
    if values is None:
        scores = _scores(validation, runs, rows, sizes, metric, consensus)
        return sizes[int(np.flatnonzero(scores >= scores[-1] - SAME_SCORE)[0])]
    weights, units = validation.row_weights[rows], validation.units[rows]
    for size, of_size in zip(sizes, values.T, strict=True):
        mean, error = mean_and_error(of_size - values[:, -1], weights, units)
        if mean >= -TOLERANCE * error - SAME_SCORE:
            return size
    return most


def _heavy(weights: Floats) -> tuple[int, int]:
    """How many members must stay, and how many have a weight at all."""
    shares = np.sort(weights[weights > 0])[::-1] / weights.sum()
    dropped_with_it = np.cumsum(shares[::-1])[::-1]
    stays = (shares >= LIGHT) | (dropped_with_it > LIGHT_TOGETHER)
    return max(1, int(stays.sum())), len(shares)


def _row_values(
    validation: Validation, runs: Runs, rows: NDArray[np.int64], sizes: range, metric: SpecLike, consensus: SpecLike
) -> Floats | None:
    """[row, size] what the metric is the mean of, higher is better, of the heaviest members; None if it is no mean."""
    sign = 1 if higher_is_better(metric) else -1
    values = np.empty((len(rows), len(sizes)))
    step = validation.block_rows(4)
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        labels = validation.truth[part]
        if METRICS.check(metric) == Spec("nll"):  # the same numbers, without a look at the other classes
            of_label = _of_label(validation, runs, part, sizes, consensus)
            losses = log_losses(of_label.reshape(-1, 1), np.zeros(of_label.size, dtype=np.int64))
            values[start : start + step] = -losses.reshape(of_label.shape)
            continue
        if METRICS.check(metric) == Spec("accuracy") and _is_by_votes(validation, consensus):
            values[start : start + step] = _right_by_votes(validation, runs, part, sizes)
            continue
        for place, probs in enumerate(_predictions(validation, runs, part, sizes, consensus)):
            found = row_values(metric, probs, labels)
            if found is None:
                return None
            values[start : start + step, place] = sign * found
    return values


def _scores(
    validation: Validation, runs: Runs, rows: NDArray[np.int64], sizes: range, metric: SpecLike, consensus: SpecLike
) -> Floats:
    """[size] the score out of bag of the heaviest members."""
    labels, counts = validation.truth[rows], counts_of(validation, rows)
    predictions = _predictions(validation, runs, rows, sizes, consensus)
    return np.array([score(metric, probs, labels, counts) for probs in predictions])


def _ordered(runs: Runs, rows: NDArray[np.int64], most: int) -> tuple[NDArray[np.int64], Floats]:
    """[row, place] members by the weight that runs which have not seen a row give them, heaviest first; the weights."""
    weights = runs.unseen[:, rows].T.astype(np.float64) @ runs.weights
    order = np.argsort(-weights, axis=1, kind="stable")[:, :most]
    return order, np.take_along_axis(weights, order, axis=1)


def _of_label(validation: Validation, runs: Runs, rows: NDArray[np.int64], sizes: range, consensus: SpecLike) -> Floats:
    """[row, size] what the heaviest members give the label."""
    order, weights = _ordered(runs, rows, sizes[-1])
    of_label = of_labels(validation, CONSENSUS.check(consensus).name)[order, rows[:, None]]
    sums, totals = np.cumsum(weights * of_label, axis=1), np.cumsum(weights, axis=1)
    return np.asarray(sums[:, sizes[0] - 1 :] / totals[:, sizes[0] - 1 :])


def _is_by_votes(validation: Validation, consensus: SpecLike) -> bool:
    """Whether every member gives all that it gives to one class."""
    return averaged(CONSENSUS.check(consensus).name) == "votes" or labels_alone(validation) is not None


def _right_by_votes(validation: Validation, runs: Runs, rows: NDArray[np.int64], sizes: range) -> Floats:
    """[row, size] whether the heaviest members are right; the classes that nobody names in a row are left out."""
    order, weights = _ordered(runs, rows, sizes[-1])
    named = np.concatenate([predicted_classes(validation)[:, rows], validation.truth[None, rows]]).T
    places = places_among_named(named)
    sums, right = np.zeros((len(rows), int(places.max()) + 1)), np.empty((len(rows), len(sizes)))
    everyone = np.arange(len(rows))
    for size, (members, added) in enumerate(zip(order.T, weights.T, strict=True), start=1):
        sums[everyone, places[everyone, members]] += added
        if size in sizes:
            right[:, size - sizes[0]] = likeliest(sums) == places[:, -1]
    return right


def _predictions(
    validation: Validation, runs: Runs, rows: NDArray[np.int64], sizes: range, consensus: SpecLike
) -> Iterator[Floats]:
    """[row, class] the predictions of the heaviest members, for each size."""
    order, weights = _ordered(runs, rows, sizes[-1])
    votes = averaged(CONSENSUS.check(consensus).name) == "votes"
    total, sums = np.zeros(len(rows)), np.zeros((len(rows), validation.shape[2]))
    for size, (members, added) in enumerate(zip(order.T, weights.T, strict=True), start=1):
        if votes:
            sums[np.arange(len(rows)), predicted_classes(validation)[members, rows]] += added
        else:
            for member in np.unique(members).tolist():
                own = np.flatnonzero(members == member)
                sums[own] += added[own, None] * validation.predictions_of([member], rows[own])[0]
        total += added
        if size in sizes:
            yield sums / total[:, None]
