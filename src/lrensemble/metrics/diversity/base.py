"""The registry of diversity measures, and the ratio whose zero denominators they all have to define."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from lrensemble.metrics.diversity.teams import Values
from lrensemble.registry import Registry
from lrensemble.spec import SpecLike

DIVERSITY: Registry[Values] = Registry("diversity measure")
"""Functions of (outcomes over rows, teams) to one value a team."""

_LOWER_IS_MORE_DIVERSE = (
    "double_fault",
    "q_statistic",
    "correlation",
    "correctness_kappa",
    "cohen_kappa",
    "fleiss_kappa",
)


def higher_is_more_diverse(measure: SpecLike) -> bool:
    """Whether a measure grows with diversity; the others grow with likeness."""
    return DIVERSITY.check(measure).name not in _LOWER_IS_MORE_DIVERSE


def ratio(numerator: ArrayLike, denominator: ArrayLike, otherwise: float = 0.0) -> Values:
    """Quotient, and `otherwise` where the denominator is zero."""
    above, below = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    quotient: Values = np.divide(above, below, out=np.full(above.shape, otherwise), where=below != 0)
    return quotient
