"""The registry of diversity measures, and the ratio whose zero denominators they all have to define."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from lrensemble.metrics.diversity.teams import Values
from lrensemble.registry import Call, Registry
from lrensemble.spec import SpecLike


@dataclass(frozen=True)
class DiversityFacts:
    """A diversity measure says whether it grows with diversity."""

    higher_is_more_diverse: bool
    """Whether it grows with diversity; otherwise it grows with likeness."""
    needs: Literal["labels", "probabilities"] = "labels"
    """Predictions that it needs: the likeliest class alone, or probabilities of all classes."""


DIVERSITY: Registry[Values, DiversityFacts] = Registry(
    "diversity measure",
    DiversityFacts,
    plural="diversity",
    title="Diversity measures",
    call=Call(("outcomes", "teams")),
)
"""Functions of (outcomes over rows, teams) to one value a team."""


def higher_is_more_diverse(measure: SpecLike) -> bool:
    """Whether a measure grows with diversity; the others grow with likeness."""
    return DIVERSITY.facts(DIVERSITY.check(measure)).higher_is_more_diverse


def ratio(numerator: ArrayLike, denominator: ArrayLike, otherwise: float = 0.0) -> Values:
    """Quotient, and `otherwise` where the denominator is zero."""
    above, below = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    quotient: Values = np.divide(above, below, out=np.full(above.shape, otherwise), where=below != 0)
    return quotient
