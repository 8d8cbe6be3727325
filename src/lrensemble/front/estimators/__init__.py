"""Estimators of scikit-learn: a team from the points of a grid, chosen on out-of-fold predictions and fitted again.

`classifier` and `regressor` are the two; `base` is what they share, in the order of a fit: `grid` lists the points,
`folds` divides the rows, `out_of_fold` predicts each row by models that have not seen it, and `record` says what came
of it.
"""

from lrensemble.front.estimators.classifier import LREnsembleClassifier
from lrensemble.front.estimators.regressor import LREnsembleRegressor

__all__ = ["LREnsembleClassifier", "LREnsembleRegressor"]
