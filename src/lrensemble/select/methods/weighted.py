"""All members, each with the weight that its own record or a regression gives it: no search."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.consensus import for_target
from lrensemble.limits import Factor
from lrensemble.select.base import SELECTORS, Selection
from lrensemble.select.methods.shared.scored import weighted_team
from lrensemble.select.methods.shared.weights import without_negligible
from lrensemble.select.scoring.kernels.statistics import of_labels
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike

FEW_MEMBERS = 100
"""Pools of no more members lose those whose weight is below 0.005."""


@SELECTORS.register(targets=("classes", "choices"), needs="labels", power=2.0)
def accuracy_weights(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    power: Factor = 1.0,
) -> Selection:
    """All members, weighted by a power of their accuracy (Opitz & Shavlik 1996).

    Members that are never right have no weight, and in pools of at most 100 those of a weight below 0.005; where nobody
    is ever right, all weigh the same.

    Args:
        validation: the rows that accuracies are measured on.
        metric: what the score is given in.
        consensus: how members are combined.
        seed: not used.
        power: of the accuracy; 0 for equal weights.
    """
    accuracies = of_labels(validation, "plurality") @ validation.row_weights / validation.total_weight
    weights = np.where(accuracies > 0, accuracies**power, 0.0)
    return _weighted(validation, weights, metric, consensus)


@SELECTORS.register(targets=("classes", "choices"), needs="labels")
def log_odds_weights(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
) -> Selection:
    """All members better than chance, weighted by the log-odds of being right, as boosting weights its vote.

    The weight is log((1 - e) / e) + log(classes - 1), e being the member's error (Zhu et al. 2009, SAMME, eq. 7; for
    independent members under plurality the best weights there are, Kuncheva 2004, th. 4.1). Half an error and half a
    success are added to each member, so that one without errors weighs a finite number. Where nobody is better than
    chance, all weigh the same.

    Args:
        validation: the rows that errors are counted on.
        metric: what the score is given in.
        consensus: how members are combined; `plurality` is the vote of boosting.
        seed: not used.
    """
    right = of_labels(validation, "plurality") @ validation.row_weights
    rows, classes = validation.total_weight, validation.shape[2]
    odds = (right + 0.5) / (rows - right + 0.5) * max(classes - 1, 1)
    return _weighted(validation, np.maximum(np.log(odds), 0.0), metric, consensus)


@SELECTORS.register(penalty=10.0)
def stacking(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    penalty: Annotated[Factor, Field(gt=0)] = 1.0,
) -> Selection:
    """All members, combined by a logistic regression of the label on what they say (Wolpert 1992; Seewald 2002).

    Values are combined by a linear regression of each output (Breiman 1996).

    The score is measured on the rows that the regression was fitted to: `cross_fit` judges it on others.

    Args:
        validation: the rows to learn on.
        metric: what the score is given in.
        consensus: not used; the selection's own is `stacking`, or `stacked_regression`, which see.
        seed: not used.
        penalty: on the squared coefficients.
    """
    learned = for_target(Spec("stacking", {"penalty": penalty}), validation.target.kind)
    return _weighted(validation, np.ones(validation.members), metric, learned)


def _weighted(validation: Validation, weights: NDArray[np.float64], metric: SpecLike, consensus: SpecLike) -> Selection:
    """The members with a weight, in small pools without those whose weight is negligible."""
    if weights.any() and validation.members <= FEW_MEMBERS:
        weights = without_negligible(weights)
    return weighted_team(validation, weights, metric, consensus, tried=1)
