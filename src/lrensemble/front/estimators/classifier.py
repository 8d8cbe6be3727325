"""The classifier: models say probabilities of classes, or the likeliest class alone."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any, ClassVar, Literal, ParamSpec, TypeVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin
from sklearn.utils import assert_all_finite, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets, type_of_target

from lrensemble.errors import FitError, PredictionsError
from lrensemble.front.estimators.base import TeamOfGrid
from lrensemble.front.estimators.out_of_fold import Ask
from lrensemble.numerics import likeliest
from lrensemble.targets import LOG_ZERO, Classes, Labels, LogProbs, Predictions, Target, check_probabilities

P = ParamSpec("P")
R = TypeVar("R")


def _gives_probabilities(self: LREnsembleClassifier) -> bool:
    """Whether all models do: those of the team, or before that the estimator."""
    models = getattr(self, "estimators_", [self.estimator])
    for model in models:
        model.predict_proba  # noqa: B018 – whose own AttributeError says why not
    return True


def _where_there_are_probabilities(method: Callable[P, R]) -> Callable[P, R]:
    """A method that only those have whose models give probabilities; scikit-learn forgets its type."""
    found: Callable[P, R] = available_if(_gives_probabilities)(method)
    return found


class LREnsembleClassifier(ClassifierMixin, TeamOfGrid):  # type: ignore[misc]  # scikit-learn has no types
    """Classifier that chooses a team from the points of a grid, where a search would keep the best one alone.

    Every point is fitted on all folds but one and predicts that one; on these out-of-fold predictions the team is
    chosen, and its models are then fitted on all rows.

    ```python
    from sklearn.datasets import load_iris
    from sklearn.neural_network import MLPClassifier
    from lrensemble import LREnsembleClassifier

    grid = {"learning_rate_init": [0.003, 0.01, 0.03, 0.1]}
    model = LREnsembleClassifier(MLPClassifier((16,), early_stopping=True), grid, cv=3).fit(*load_iris(return_X_y=True))
    print(model.out_of_fold_, model.estimators_, model.weights_)
    ```

    Args:
        estimator: a classifier, or a pipeline with one at its end. One without `predict_proba` says labels, and its
            team has none either.
        grid: parameters by name with their values, or a list of such, as `ParameterGrid` takes them; or a
            `ParameterGrid` or `ParameterSampler`.
        method: selector that chooses the team, `greedy(size=25)`; `lrensemble ls selectors` lists them.
        metric: what the team aims at; `nll` unless given, or `accuracy` where a model says labels.
        consensus: how models' predictions are combined; `mean` unless given. One that learns does so on the
            out-of-fold predictions.
        cv: folds, 5 unless given: a number, a splitter, or pairs of (rows to fit on, rows to predict). A number divides
            the rows by chance, classes in equal shares and groups whole.
        n_jobs: fits at the same time, as joblib counts them.
        random_state: seed of folds, selectors and models. Of an estimator with `random_state=None`, every point gets a
            seed of its own.

    Attributes:
        classes_: classes, sorted.
        estimators_: models of the team, fitted on all rows.
        weights_: their weights, which sum to one.
        selection_: the choice; its members are places in the grid.
        consensus_: consensus, with what it learned.
        out_of_fold_: scores of every point of the grid and of the team, on rows that the models had not seen.
        best_single_: the point with the highest of these scores.
        n_features_in_: number of columns of `X`.
        feature_names_in_: their names, where all are text.
    """

    _kind: ClassVar[Literal["classifier", "regressor"]] = "classifier"

    def _take_truth(self, y: Any) -> tuple[NDArray[Any], NDArray[Any], Target]:
        own = column_or_1d(y, warn=True)
        assert_all_finite(own, input_name="y")
        check_classification_targets(own)
        if type_of_target(own) not in ("binary", "multiclass"):
            raise FitError(f"y is {type_of_target(own)}; give one class a row")
        self.classes_, labels = np.unique(own, return_inverse=True)
        if len(self.classes_) < 2:
            raise FitError(
                f"y holds only one class, {self.classes_.tolist()[0]!r}, of which there is nothing to learn; give two"
            )
        return own, labels.astype(np.int64), Classes(names=tuple(map(str, range(len(self.classes_)))))

    def _ask(self) -> Ask:
        return partial(ask, classes=self.classes_)

    def _rehearsal(self, estimator: Any) -> Predictions:
        if hasattr(estimator, "predict_proba"):
            return LogProbs(np.log(np.full((1, len(self.classes_)), 1 / len(self.classes_))))
        return Labels(np.zeros(1, dtype=np.int64))

    @_where_there_are_probabilities
    def predict_proba(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Probabilities [sample, class] by the team, in the order of `classes_`."""
        return self._combined(X)

    def predict(self, X: Any) -> NDArray[Any]:  # noqa: N803
        """The likeliest class of each row; of those that tie, the first."""
        places = likeliest(self._combined(X))
        return np.asarray(self.classes_[places])


def ask(model: Any, X: Any, *, classes: NDArray[Any]) -> Predictions:  # noqa: N803
    """What a fitted model says of rows: log-probabilities, or labels where it has no probabilities.

    A class that it has not seen is given zero.

    Raises:
        PredictionsError: probabilities that are none, or a label of no class.
    """
    if not hasattr(model, "predict_proba"):
        return Labels(_places(model.predict(X), classes))
    said = np.asarray(model.predict_proba(X), dtype=np.float64)
    known = _places(getattr(model, "classes_", classes), classes)
    if said.ndim != 2 or said.shape[1] != len(known):
        raise PredictionsError(f"predict_proba gave an array of shape {said.shape}; there are {len(known)} classes")
    check_probabilities(said, "predict_proba")
    probs = np.zeros((len(said), len(classes)))
    probs[:, known] = said
    with np.errstate(divide="ignore"):
        return LogProbs(np.maximum(np.log(probs), LOG_ZERO).astype(np.float32))


def _places(labels: Any, classes: NDArray[Any]) -> NDArray[np.int64]:
    """Places of labels among the classes."""
    given = np.asarray(labels).ravel()
    places = np.minimum(np.searchsorted(classes, given), len(classes) - 1)
    strange = np.flatnonzero(classes[places] != given)
    if len(strange):
        raise PredictionsError(f"a model says {given[strange[0]]!r}, which is none of the classes {classes.tolist()}")
    return places.astype(np.int64)
