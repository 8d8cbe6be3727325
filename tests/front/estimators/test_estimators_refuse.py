"""What the estimators of scikit-learn refuse, in one line each."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.model_selection import (
    GridSearchCV,
)
from sklearn.naive_bayes import GaussianNB
from sklearn.neighbors import KNeighborsClassifier
from sklearn.svm import LinearSVC

from lrensemble import LREnsembleClassifier, LREnsembleRegressor
from lrensemble.errors import LREnsembleError

ROWS = 90
Floats = NDArray[np.float64]


class Odd(ClassifierMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A classifier whose probabilities are logits."""

    def __init__(self, scale: float = 1.0) -> None:
        self.scale = scale

    def fit(self, X: Floats, y: NDArray[Any]) -> "Odd":  # noqa: ARG002
        self.classes_ = np.unique(y)
        return self

    def predict_proba(self, X: Floats) -> Floats:
        return np.full((len(X), len(self.classes_)), self.scale)

    def predict(self, X: Floats) -> NDArray[Any]:
        return np.full(len(X), self.classes_[0])


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (LREnsembleClassifier(GridSearchCV(GaussianNB(), {"priors": [None]})), r"the best, .* search.param_grid\)"),
        (LREnsembleClassifier("tree", {"C": [1]}), "estimator = 'tree' is no estimator of scikit-learn; give one"),
        (LREnsembleClassifier(GaussianNB, {"C": [1]}), r"estimator = GaussianNB is .* such as GaussianNB\(\)"),
        (LREnsembleClassifier(GaussianNB()), "no grid was given; give a grid such as .* parameters of GaussianNB"),
        (LREnsembleClassifier(GaussianNB(), {}), "grid = {} has no parameter to vary"),
        (LREnsembleClassifier(GaussianNB(), {"C": [1]}), "Invalid parameter 'C' for estimator GaussianNB"),
        (LREnsembleClassifier(Ridge(), {"alpha": [1.0]}), "Ridge is a regressor.* use LREnsembleRegressor"),
        (LREnsembleRegressor(GaussianNB(), {"priors": [None]}), "GaussianNB is a classifier.* LREnsembleClassifier"),
        (LREnsembleClassifier(GaussianNB(), {"priors": [None]}, method="greed"), "no selector named 'greed'; did you"),
        (LREnsembleClassifier(GaussianNB(), {"priors": [None]}, metric="mse"), "mse"),
        (LREnsembleClassifier(GaussianNB(), {"priors": [None]}, consensus="men"), "no consensus named 'men'"),
        (LREnsembleClassifier(LinearSVC(), {"C": [1.0]}, metric="nll"), "knows only labels, which cannot serve nll"),
        (LREnsembleClassifier(GaussianNB(), {"priors": [None]}, cv=1), "cv = 1 is refused"),
        (LREnsembleClassifier(GaussianNB(), {"priors": [None]}, cv=[([0, 1, 45, 80], [1, 2])]), "predicts it"),
        (LREnsembleClassifier(GaussianNB(), {"priors": [None]}, cv=[([0, 45, 80], [])]), "cv holds out no row"),
        (LREnsembleClassifier(Odd(), {"scale": [2.0]}), "predict_proba: row 0 does not sum to one"),
    ],
)
def test_what_cannot_be_is_one_line(model: Any, message: str, classes: tuple[Floats, NDArray[np.str_]]) -> None:
    with pytest.raises((LREnsembleError, ValueError), match=message) as caught:
        model.fit(*classes)
    assert "\n" not in str(caught.value)


def test_a_search_that_was_fitted_is_told_what_to_give(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    search = GridSearchCV(GaussianNB(), {"var_smoothing": [0.1, 1.0]}, cv=2).fit(*classes)
    with pytest.raises(ValueError, match="GridSearchCV keeps no models but the best"):
        LREnsembleClassifier(search, {"estimator__var_smoothing": [1.0]}).fit(*classes)
    model = LREnsembleClassifier(search.estimator, search.param_grid).fit(*classes)
    assert len(model.out_of_fold_) == 2


def test_names_are_refused_before_anything_is_fitted(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    class Dear(GaussianNB):  # type: ignore[misc]  # scikit-learn has no types
        def fit(self, X: Floats, y: NDArray[Any]) -> "Dear":  # noqa: ARG002
            raise AssertionError("it was fitted")

    model = LREnsembleClassifier(Dear(), {"var_smoothing": [0.1, 1.0]})
    for wrong in ({"metric": "nl"}, {"consensus": "mean_of"}, {"method": "greedy(siz=3)"}, {"metric": "rmse"}):
        with pytest.raises(LREnsembleError):
            clone(model).set_params(**wrong).fit(*classes)


@pytest.mark.filterwarnings("ignore:The number of unique classes")
@pytest.mark.parametrize(
    ("y", "message"),
    [
        (["a"] * ROWS, "only one class, 'a', of"),
        ([f"class {row}" for row in range(ROWS)], "each of the 90 rows has a class of its own"),
        (np.linspace(0, 1, ROWS), "Unknown label type"),
        (np.zeros((ROWS, 2)), "1d array"),
        (["a", "b"], "inconsistent numbers of samples"),
    ],
)
def test_a_truth_that_cannot_be_learned(y: Any, message: str, classes: tuple[Floats, NDArray[np.str_]]) -> None:
    with pytest.raises(ValueError, match=message):
        LREnsembleClassifier(GaussianNB(), {"var_smoothing": [0.1, 1.0]}).fit(classes[0], y)


def test_weights_that_nobody_takes_and_groups_that_are_one(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    model = LREnsembleClassifier(KNeighborsClassifier(), {"n_neighbors": [3, 5]})
    with pytest.raises(ValueError, match="KNeighborsClassifier takes no sample_weight"):
        model.fit(X, y, sample_weight=np.ones(ROWS))
    with pytest.raises(ValueError, match="all rows are of one group"):
        model.fit(X, y, groups=["one"] * ROWS)


def test_where_all_points_fail_the_first_says_why(classes: tuple[Floats, NDArray[np.str_]]) -> None:
    X, y = classes
    broken = X.copy()
    broken[3, 0] = np.nan
    with pytest.raises(ValueError, match="Input X contains NaN") as caught:
        LREnsembleClassifier(LogisticRegression(), {"C": [0.1, 1.0]}).fit(broken, y)
    assert caught.value.__notes__[-1] == "none of the 2 points of the grid could be fitted; the first is C=0.1"
