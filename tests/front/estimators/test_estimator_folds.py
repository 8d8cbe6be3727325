"""Which rows judge a point: several folds, none, groups, weights, and classes that a fold has not."""

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import (
    KFold,
    RepeatedStratifiedKFold,
    ShuffleSplit,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.tree import DecisionTreeRegressor

from lrensemble import LREnsembleClassifier, LREnsembleRegressor

ROWS = 90
SMALL = "greedy(size=5, bootstrap=1)"
Floats = NDArray[np.float64]


def test_rows_of_several_folds_count_once_and_unpredicted_rows_have_no_say(
    classes: tuple[Floats, NDArray[np.str_]],
) -> None:
    X, y = classes
    given = LREnsembleClassifier(GaussianNB(), {"var_smoothing": [1e-9, 0.1, 1.0]}, method=SMALL)
    again = clone(given).set_params(cv=RepeatedStratifiedKFold(n_splits=3, n_repeats=2, random_state=0)).fit(X, y)
    assert (again.out_of_fold_.rows, again.out_of_fold_.unpredicted) == (2 * ROWS, 0)
    part = clone(given).set_params(cv=ShuffleSplit(2, test_size=0.2, random_state=0)).fit(X, y)
    seen = np.concatenate([test for _, test in ShuffleSplit(2, test_size=0.2, random_state=0).split(X)])
    assert part.out_of_fold_.rows == len(seen)
    assert part.out_of_fold_.unpredicted == ROWS - len(set(seen.tolist()))

    def weighted_loss(splits: list[tuple[NDArray[np.int64], NDArray[np.int64]]]) -> float:
        times = np.bincount(np.concatenate([test for _, test in splits]), minlength=ROWS)
        losses = list[float]()
        weights = list[float]()
        for train, test in splits:
            probs = GaussianNB(var_smoothing=1.0).fit(X[train], y[train]).predict_proba(X[test])
            losses += [
                -np.log(row[list(part.classes_).index(label)]) for row, label in zip(probs, y[test], strict=True)
            ]
            weights += (1 / times[test]).tolist()
        return float(np.average(losses, weights=weights))

    loss = weighted_loss(list(ShuffleSplit(2, test_size=0.2, random_state=0).split(X)))
    assert part.out_of_fold_[2].score == pytest.approx(-loss, rel=1e-6)


def test_groups_stay_in_one_fold(values: tuple[Floats, Floats]) -> None:
    """Rows that are copies of one another: a tree that may see the copy is perfect."""
    X, y = np.repeat(values[0], 2, axis=0), np.repeat(values[1], 2)
    model = LREnsembleRegressor(DecisionTreeRegressor(), {"max_depth": [None, 2]}, method="best")
    assert (model.fit(X, y).out_of_fold_[0].score or -np.inf) > -400
    grouped = model.fit(X, y, groups=[f"patient {row // 2}" for row in range(2 * ROWS)])
    assert (grouped.out_of_fold_[0].score or 0) < -1200
    labels = y > 0
    LREnsembleClassifier(GaussianNB(), {"var_smoothing": [0.1, 1.0]}).fit(X, labels, groups=np.arange(2 * ROWS) // 2)


def test_weights_count_in_fitting_and_in_choosing(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    weights = np.where(np.arange(ROWS) < 60, 1.0, 0.0)
    rows = np.arange(60)
    folds = [(rows[rows % 3 != fold], rows[rows % 3 == fold]) for fold in range(3)]
    part = LREnsembleClassifier(LogisticRegression(tol=1e-9), {"C": [1e-3, 0.1, 10.0]}, method=SMALL, cv=folds)
    part.fit(X[:60], y[:60])
    everywhere = [(np.r_[train, 60:75], np.r_[test, 75:90]) for train, test in folds]
    whole = clone(part).set_params(cv=everywhere).fit(X, y, sample_weight=weights)
    assert [point.score for point in whole.out_of_fold_] == pytest.approx(
        [point.score for point in part.out_of_fold_], rel=1e-4
    )
    assert whole.predict_proba(X) == pytest.approx(part.predict_proba(X), abs=1e-4)
    unweighted = clone(whole).fit(X, y)
    assert [point.score for point in unweighted.out_of_fold_] != pytest.approx(
        [point.score for point in part.out_of_fold_], rel=1e-2
    )


@pytest.mark.filterwarnings("ignore:The least populated class")
def test_a_class_of_one_row_is_a_class(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    rare = np.where(np.arange(ROWS) == 0, "alone", y)
    model = LREnsembleClassifier(GaussianNB(), {"var_smoothing": [0.1, 1.0]}, method=SMALL).fit(X, rare)
    assert model.classes_.tolist() == ["alone", "low", "mid", "up"]
    assert model.predict_proba(X).shape == (ROWS, 4)
    # The models of the fold that holds it out have not seen it: their classes are the other three, and no column moves.
    folds = list(KFold(3).split(X))
    model.set_params(cv=folds).fit(X, rare)
    losses = list[float]()
    for train, test in folds:
        own = GaussianNB(var_smoothing=1.0).fit(X[train], rare[train])
        said = [dict(zip(own.classes_.tolist(), row.tolist(), strict=True)) for row in own.predict_proba(X[test])]
        losses += [
            -np.log(max(row.get(name, 0.0), np.finfo(float).eps)) for row, name in zip(said, rare[test], strict=True)
        ]
    assert model.out_of_fold_[1].score == pytest.approx(-np.mean(losses), rel=1e-6)
