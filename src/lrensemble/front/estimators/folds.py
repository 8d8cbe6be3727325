"""Division of rows into folds, for predictions by models that have not seen the row."""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold, check_cv

from lrensemble.errors import FitError

FOLDS = 5
"""Folds unless told, as scikit-learn has them."""

Rows = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Folds:
    """Rows to fit on and rows to predict, fold by fold."""

    pairs: tuple[tuple[Rows, Rows], ...]

    @property
    def rows(self) -> Rows:
        """Rows in the order in which they are predicted; one of several folds stands there as often."""
        return np.concatenate([test for _, test in self.pairs])


def folds_of(cv: Any, X: Any, y: NDArray[Any], labels: Rows | None, groups: Any, seed: int) -> Folds:  # noqa: N803
    """Folds by `cv`: a number, a splitter, or pairs of rows.

    A number divides the rows by chance: classes in equal shares, groups whole. scikit-learn leaves them in their order,
    which is a trap where the rows are sorted.

    Args:
        cv: number of folds, 5 where None; a splitter of scikit-learn; or an iterable of (rows to fit on, rows to
            predict).
        X: the rows, as splitters take them.
        y: the truth of each.
        labels: [sample] place of the class of each; None of values.
        groups: [sample], or None.
        seed: of the division by chance.

    Raises:
        FitError: too few rows, classes or groups to divide, or folds that say nothing honest.
        ValueError: scikit-learn's own, of a `cv` that is none or does not fit the rows.
    """
    number = FOLDS if cv is None else cv
    if isinstance(number, Integral) and not isinstance(number, bool):
        splitter = _by_chance(int(number), len(y), labels, groups, seed)
    else:
        splitter = check_cv(cv)
    pairs = tuple((_places(train, len(y)), _places(test, len(y))) for train, test in splitter.split(X, y, groups))
    _check_honest(pairs)
    return Folds(pairs)


def _by_chance(number: int, rows: int, labels: Rows | None, groups: Any, seed: int) -> Any:
    """The splitter of so many folds, or of as many as there can be."""
    if number < 2:
        raise FitError(f"cv = {number} is refused: a row is predicted by models of other folds; give 2 or more")
    most = rows
    if labels is not None:
        most = int(np.bincount(labels).max())
        if most < 2:
            raise FitError(f"each of the {rows} rows has a class of its own; give at least 2 rows of each class")
    if groups is not None:
        most = min(most, len(np.unique(groups)))
        if most < 2:
            raise FitError("all rows are of one group, which cannot be divided; give at least 2 groups")
    kind = {
        (False, False): KFold,
        (False, True): GroupKFold,
        (True, False): StratifiedKFold,
        (True, True): StratifiedGroupKFold,
    }[labels is not None, groups is not None]
    return kind(min(number, most), shuffle=True, random_state=seed)


def _places(given: Any, rows: int) -> Rows:
    """Places of rows, of places or of a mask."""
    array = np.asarray(given)
    if array.dtype == bool and array.shape == (rows,):
        return np.flatnonzero(array)
    return array.astype(np.int64)


def _check_honest(pairs: tuple[tuple[Rows, Rows], ...]) -> None:
    if not any(len(test) for _, test in pairs):
        raise FitError("cv holds out no row; give folds with rows to predict")
    for fold, (train, test) in enumerate(pairs):
        both = np.intersect1d(train, test)
        if len(both):
            raise FitError(
                f"cv: fold {fold} fits on row {both[0]} and predicts it; a team is chosen on rows that its models have "
                "not seen, so give folds whose two parts share no row"
            )
