"""The regressor: models say values."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from sklearn.base import RegressorMixin
from sklearn.utils import check_array, column_or_1d, get_tags

from lrensemble.errors import FitError, PredictionsError
from lrensemble.front.estimators.base import TeamOfGrid
from lrensemble.front.estimators.out_of_fold import Ask
from lrensemble.targets import Predictions, RealValues, Target, Values


class LREnsembleRegressor(RegressorMixin, TeamOfGrid):  # type: ignore[misc]  # scikit-learn has no types
    """Regressor that chooses a team from the points of a grid, where a search would keep the best one alone.

    Every point is fitted on all folds but one and predicts that one; on these out-of-fold predictions the team is
    chosen, and its models are then fitted on all rows. It says values without a spread: that of the models of a team
    is not the error of their mean.

    ```python
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import HistGradientBoostingRegressor
    from lrensemble import LREnsembleRegressor

    grid = {"learning_rate": [0.02, 0.05, 0.1], "max_depth": [2, 4]}
    model = LREnsembleRegressor(HistGradientBoostingRegressor(max_iter=60), grid, cv=3)
    print(model.fit(*load_diabetes(return_X_y=True)).out_of_fold_)
    ```

    Args:
        estimator: a regressor, or a pipeline with one at its end; of one output or several.
        grid: parameters by name with their values, or a list of such, as `ParameterGrid` takes them; or a
            `ParameterGrid` or `ParameterSampler`.
        method: selector that chooses the team, `greedy(size=25)`; `lrensemble ls selectors` lists them.
        metric: what the team aims at; `mse` unless given.
        consensus: how models' predictions are combined; `mean` unless given. One that learns does so on the
            out-of-fold predictions.
        cv: folds, 5 unless given: a number, a splitter, or pairs of (rows to fit on, rows to predict). A number divides
            the rows by chance, groups whole.
        n_jobs: fits at the same time, as joblib counts them.
        random_state: seed of folds, selectors and models. Of an estimator with `random_state=None`, every point gets a
            seed of its own.

    Attributes:
        estimators_: models of the team, fitted on all rows.
        weights_: their weights, which sum to one.
        selection_: the choice; its members are places in the grid.
        consensus_: consensus, with what it learned.
        out_of_fold_: scores of every point of the grid and of the team, on rows that the models had not seen.
        best_single_: the point with the highest of these scores.
        n_features_in_: number of columns of `X`.
        feature_names_in_: their names, where all are text.
    """

    _kind: ClassVar[Literal["classifier", "regressor"]] = "regressor"

    def _take_truth(self, y: Any) -> tuple[NDArray[Any], NDArray[Any], Target]:
        own = check_array(y, input_name="y", ensure_2d=False, dtype="numeric")
        if not get_tags(self).target_tags.multi_output:
            own = column_or_1d(own, warn=True)
        if own.ndim > 2:
            raise FitError(f"y has shape {own.shape}; give [sample] or [sample, output]")
        self._flat = own.ndim == 1
        truth = own.reshape(len(own), -1).astype(np.float64)
        return own, truth, Values(names=tuple(f"y{output}" for output in range(truth.shape[1])))

    def _ask(self) -> Ask:
        return ask

    def _rehearsal(self, estimator: Any) -> Predictions:  # noqa: ARG002 – all say values
        return RealValues(np.zeros((1, self._target.width)))

    def predict(self, X: Any) -> NDArray[np.float64]:  # noqa: N803
        """Values [sample], or [sample, output] where `y` had two axes, by the team."""
        said = self._combined(X)
        return said[:, 0] if self._flat else said


def ask(model: Any, X: Any) -> Predictions:  # noqa: N803
    """Values [sample, output] that a fitted model says of rows.

    Raises:
        PredictionsError: values that are not finite.
    """
    said = np.asarray(model.predict(X), dtype=np.float64)
    values = said.reshape(len(said), -1)
    bad = np.flatnonzero(~np.isfinite(values).all(axis=1))
    if len(bad):
        raise PredictionsError(f"predict gave {values[bad[0]].tolist()} in row {bad[0]}; finite numbers are needed")
    return RealValues(values)
