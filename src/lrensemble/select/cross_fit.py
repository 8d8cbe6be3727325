"""Judge a selector honestly on the rows of the selection: every row is scored by a team chosen without it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import combine
from lrensemble.errors import SelectionError
from lrensemble.metrics import score
from lrensemble.select.base import SELECTORS, Validation, check_method
from lrensemble.select.scoring import fitted_consensus
from lrensemble.spec import SpecLike


def cross_fit(
    validation: Validation,
    method: SpecLike,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    folds: int = 5,
) -> float:
    """The score, higher is better, of what a selector chooses, where each fold is predicted by the team of the others.

    The consensus is fitted without the fold as well. Unlike the score of the selected team this one is not optimistic
    (Stone 1974); it is a little pessimistic, since every team is chosen on fewer rows.

    Raises:
        SelectionError: fewer than two folds, or more folds than rows.
    """
    spec = check_method(method)
    rows = len(validation.labels)
    if not 2 <= folds <= rows:
        raise SelectionError(f"cannot cross-fit {rows} rows in {folds} folds; give 2 to {rows} folds")
    fold_of_row = stratified_folds(validation.labels, folds, seed)
    predictions = np.empty(validation.log_probs.shape[1:])
    for fold in range(folds):
        inside, outside = np.flatnonzero(fold_of_row != fold), np.flatnonzero(fold_of_row == fold)
        part = validation.rows(inside)
        chosen = SELECTORS.call(spec, part, metric=metric, consensus=consensus, seed=seed)
        probs = validation.probs_of(chosen.team, outside)
        learned = fitted_consensus(part, chosen.team, chosen.weights, chosen.consensus)
        predictions[outside] = combine(learned, probs, np.array(chosen.weights))
    return score(metric, predictions, validation.labels)


def stratified_folds(labels: NDArray[np.int64], folds: int, seed: int) -> NDArray[np.int64]:
    """The fold of every row [sample]: rows in random order, classes spread evenly over the folds."""
    order = np.random.default_rng(seed).permutation(len(labels))
    order = order[np.argsort(labels[order], kind="stable")]
    fold_of_row = np.empty(len(labels), dtype=np.int64)
    fold_of_row[order] = np.arange(len(labels)) % folds
    return fold_of_row
