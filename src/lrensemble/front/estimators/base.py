"""What the two estimators share: the way from a grid to a team that predicts."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Literal, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, MetaEstimatorMixin
from sklearn.utils import check_random_state, get_tags, indexable
from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data

from lrensemble.consensus import combine
from lrensemble.errors import FitError
from lrensemble.front.estimators.choice import Aim, Choice, choose
from lrensemble.front.estimators.folds import folds_of
from lrensemble.front.estimators.grid import points_of
from lrensemble.front.estimators.out_of_fold import Ask, Given, fit_all, hear
from lrensemble.spec import SpecLike
from lrensemble.targets import Predictions, Target


class TeamOfGrid(MetaEstimatorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A team from the points of a grid; the classifier and the regressor say what truth is, and how models say it."""

    _kind: ClassVar[Literal["classifier", "regressor"]]
    """What the estimator has to be."""

    def __init__(
        self,
        estimator: Any,
        grid: Any = None,
        *,
        method: SpecLike = "greedy",
        metric: SpecLike | None = None,
        consensus: SpecLike | None = None,
        cv: Any = None,
        n_jobs: int | None = None,
        random_state: Any = 0,
    ) -> None:
        self.estimator = estimator
        self.grid = grid
        self.method = method
        self.metric = metric
        self.consensus = consensus
        self.cv = cv
        self.n_jobs = n_jobs
        self.random_state = random_state

    @abstractmethod
    def _take_truth(self, y: Any) -> tuple[NDArray[Any], NDArray[Any], Target]:
        """The truth as models are fitted to it; as teams are judged by it; and what it is.

        Raises:
            ValueError: a truth that cannot be learned.
        """

    @abstractmethod
    def _ask(self) -> Ask:
        """How a fitted model is asked."""

    @abstractmethod
    def _rehearsal(self, estimator: Any) -> Predictions:
        """Predictions of one row, in the form in which the models of an estimator will say them."""

    def fit(self, X: Any, y: Any, sample_weight: Any = None, groups: Any = None) -> Self:  # noqa: N803
        """Choose a team of the grid's points on out-of-fold predictions, and fit its models on all rows.

        Args:
            X: rows, in whatever form the estimator takes them.
            y: truth of each row.
            sample_weight: [sample] how often each row counts, in fitting and in choosing.
            groups: [sample] group of each row; those of one group are in one fold.

        Raises:
            FitError: something that was given is refused; it is a `ValueError` too.
            SpecError: a name or an argument of `method`, `metric` or `consensus` that is not known.
            SelectionError: the method cannot choose as asked.
            Exception: that of the first point, where all points failed.
        """
        draws = check_random_state(self.random_state)
        by = Aim(self.method, self.metric, self.consensus, int(draws.randint(np.iinfo(np.int32).max)))
        points = points_of(self.estimator, self.grid, draws, self._kind)
        validate_data(self, X, y, skip_check_array=True)  # X stays as it is: the estimator knows what it takes
        X, y, groups = indexable(X, y, groups)  # noqa: N806
        if len(y) < 2:
            raise FitError(f"n_samples = {len(y)} is too few: a row is predicted by models that have not seen it")
        own, truth, self._target = self._take_truth(y)
        by.check([self._rehearsal(point.estimator) for point in points], self._target)
        given = Given(X, own, _weights(sample_weight, X), _numbered(groups))
        labels = truth if self._kind == "classifier" else None
        folds = folds_of(self.cv, X, own, labels, given.groups, by.seed)
        heard = hear(points, given, folds, self._ask(), self.n_jobs)
        self._keep(choose(heard, given, folds, truth, self._target, by))
        self.estimators_ = fit_all([points[place] for place in self.selection_.team], given, self.n_jobs)
        return self

    def _keep(self, choice: Choice) -> None:
        self.selection_ = choice.selection
        self.weights_ = np.asarray(choice.selection.weights)
        self.consensus_ = choice.consensus
        self.out_of_fold_ = choice.out_of_fold
        self.best_single_ = choice.out_of_fold.best

    def _combined(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """[sample, column] what the team says of rows."""
        check_is_fitted(self)
        ask = self._ask()
        said = np.stack([self._target.seen(ask(model, X)) for model in self.estimators_])
        return np.asarray(combine(self.consensus_, said, self.weights_))

    def __sklearn_tags__(self) -> Any:
        """What the estimator takes, its team takes."""
        tags = super().__sklearn_tags__()
        if hasattr(self.estimator, "__sklearn_tags__") and not isinstance(self.estimator, type):
            own = get_tags(self.estimator)
            tags.input_tags = own.input_tags
            tags.target_tags.multi_output = own.target_tags.multi_output and self._kind == "regressor"
        return tags


def _weights(given: Any, X: Any) -> NDArray[np.float64] | None:  # noqa: N803
    return None if given is None else np.asarray(_check_sample_weight(given, X, dtype=np.float64))


def _numbered(groups: Any) -> NDArray[np.int64] | None:
    return None if groups is None else np.unique(np.asarray(groups), return_inverse=True)[1].astype(np.int64)
