"""Judge a selector honestly on the rows of the selection: every row is scored by a team chosen without it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import SelectionError
from lrensemble.select.base import Selection, aim, check_method, check_seed
from lrensemble.select.replicates import Kept, OutOfFold, replicates_of
from lrensemble.select.returned import choosing
from lrensemble.select.scoring.known_values import known_values
from lrensemble.select.scoring.resample import folds_of_rows
from lrensemble.select.scoring.team_scores import combined_blocks, fitted_consensus
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

ROWS_JUDGED = 10_000
"""The rows are divided anew until so many have been judged, in all divisions together, …"""

MOST_REPEATS = 10
"""… but not more often than this, …"""

SCORES_JUDGED = 10**11
"""… and not once so many scores of a row under a team have been looked at."""


@dataclass(frozen=True)
class CrossFit:
    """How well what a selector chooses does on rows that had no say in the choice."""

    score: float
    """Higher is better: the mean over divisions of the score of all rows, each predicted without its fold."""
    replicates: tuple[float, ...]
    """The same on bootstrap resamples of the rows, which depend on the rows alone: those of two methods are pairs. NaN
    where the metric is not defined on a resample."""
    repeats: int
    """How often the rows were divided."""
    folds: int

    @property
    def standard_error(self) -> float:
        """Standard error of the score over rows or groups; NaN where fewer than two resamples define the metric."""
        return spread(self.replicates)

    def error_of_difference(self, other: CrossFit) -> float:
        """The standard error of the difference of two scores over the same rows."""
        return spread(tuple(one - two for one, two in zip(self.replicates, other.replicates, strict=True)))


def spread(replicates: tuple[float, ...]) -> float:
    """The standard deviation of those that are defined; NaN of fewer than two."""
    known = [one for one in replicates if not math.isnan(one)]
    return float(np.std(known, ddof=1)) if len(known) > 1 else math.nan


def cross_fit(
    validation: Validation,
    method: SpecLike,
    *,
    metric: SpecLike | None = None,
    consensus: SpecLike | None = None,
    seed: int = 0,
    folds: int = 5,
    repeats: int | None = None,
) -> CrossFit:
    """The score, higher is better, of what a selector chooses, where each fold is predicted by the team of the others.

    The consensus is fitted without the fold as well. Unlike the score of the selected team this one is not optimistic
    (Stone 1974); it is a little pessimistic, since every team is chosen on fewer rows. One division into folds leaves
    the noise of that division: few rows are divided again and again (Burman 1989).

    Args:
        validation: the rows; those of one group are never divided between folds.
        method: a selector by name, with its arguments.
        metric: what teams aim at and are judged by; that of `select` unless given.
        consensus: how members are combined; that of `select` unless given.
        seed: of the divisions, and of selectors that draw.
        folds: as many as there are rows or groups, where those are fewer.
        repeats: divisions into folds; 1 to 10 unless given, as many as judge 10,000 rows.

    Raises:
        SelectionError: fewer than two folds, rows or groups, or no division.
    """
    spec = check_method(method)
    metric, consensus = aim(validation, metric, consensus)
    folds, seed = _folds(validation, folds), check_seed(seed)
    if repeats is not None and repeats < 1:
        raise SelectionError(f"repeats = {repeats} is refused; give at least 1")
    most = repeats or _wanted(validation, folds)
    judged: list[OutOfFold] = []
    while len(judged) < most:
        fold_of_row = folds_of_rows(validation, folds, (seed, len(judged)) if judged else seed)
        found, selections = _out_of_fold(validation, spec, metric, consensus, seed, fold_of_row)
        judged.append(found)
        if repeats is None:
            most = min(most, _affordable(selections, _count(validation)))
    replicates = replicates_of(validation, judged, metric)
    return CrossFit(math.fsum(each.score for each in judged) / len(judged), replicates, len(judged), folds)


def _wanted(validation: Validation, folds: int) -> int:
    """Divisions, by the rows alone; one where every row or group is a fold of its own."""
    if folds == len(np.unique(validation.units[validation.counted])):
        return 1
    return max(1, min(MOST_REPEATS, ROWS_JUDGED // _count(validation)))


def _count(validation: Validation) -> int:
    """Rows that count."""
    return int(np.count_nonzero(validation.row_weights))


def _folds(validation: Validation, folds: int) -> int:
    units = len(np.unique(validation.units[validation.counted]))
    name = "rows" if validation.groups is None else "groups"
    if units < 2:
        raise SelectionError(f"cannot cross-fit {units} {name[:-1]}; give at least 2 {name}")
    if folds < 2:
        raise SelectionError(f"cannot cross-fit {units} {name} in {folds} folds; give 2 to {units} folds")
    return min(folds, units)


def _affordable(selections: list[Selection], rows: int) -> int:
    """Divisions that are worth their cost; one where the search itself is bound by time."""
    if any(selection.details.get("complete") is False for selection in selections):
        return 1
    return max(1, SCORES_JUDGED // (rows * sum(selection.tried for selection in selections)))


def _out_of_fold(
    validation: Validation,
    spec: Spec,
    metric: SpecLike,
    consensus: SpecLike,
    seed: int,
    fold_of_row: NDArray[np.int64],
) -> tuple[OutOfFold, list[Selection]]:
    """What the teams of the other folds say of each row that counts, judged, and those teams."""
    weights = validation.row_weights
    kept = Kept(validation, metric)
    selections = []
    numbers = np.unique(fold_of_row[weights > 0])
    insides = validation.resampled(weights * (fold_of_row != numbers[:, None]))
    selector = choosing(validation, spec)
    for fold, inside in zip(numbers.tolist(), insides, strict=True):
        chosen = selector(inside, metric=metric, consensus=consensus, seed=seed)
        outside = validation.weighted(weights * (fold_of_row == fold))
        values = known_values(outside, chosen.team, chosen.weights, metric, chosen.consensus)
        if values is not None:
            kept.add_reduced(outside.counted, values)
        else:
            learned = fitted_consensus(inside, chosen.team, chosen.weights, chosen.consensus)
            for rows, predictions in combined_blocks(
                validation, chosen.team, chosen.weights, learned, np.flatnonzero(outside.weights)
            ):
                kept.add(rows, predictions)
        selections.append(chosen)
    return kept.judged(), selections
