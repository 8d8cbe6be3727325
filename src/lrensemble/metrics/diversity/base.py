"""The registry of diversity measures, and the ratio whose zero denominators they all have to define."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from lrensemble.metrics.diversity.teams import Values
from lrensemble.metrics.serving import OF_CLASSES, as_targets, least_needs
from lrensemble.registry import Call, Registry
from lrensemble.spec import SpecLike
from lrensemble.targets import Need


@dataclass(frozen=True)
class DiversityFacts:
    """A diversity measure says whether it grows with diversity, and of what it is."""

    higher_is_more_diverse: bool
    """Whether it grows with diversity; otherwise it grows with likeness."""
    targets: tuple[str, ...] = OF_CLASSES
    """Kinds of target of whose predictions it is: `classes`, `choices`, `values`."""
    needs: Need = "labels"
    """Predictions that it needs: the likeliest class alone, or probabilities of all classes; values, where it is for
    values alone."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", as_targets(self.targets))
        object.__setattr__(self, "needs", least_needs(self.needs, self.targets))


DIVERSITY: Registry[Values, DiversityFacts] = Registry(
    "diversity measure",
    DiversityFacts,
    plural="diversity",
    title="Diversity measures",
    call=Call(("outcomes", "teams")),
)
"""Functions of (outcomes over rows, or deviations of values, teams) to one value a team."""


def higher_is_more_diverse(measure: SpecLike) -> bool:
    """Whether a measure grows with diversity; the others grow with likeness."""
    return DIVERSITY.facts(DIVERSITY.check(measure)).higher_is_more_diverse


def ratio(numerator: ArrayLike, denominator: ArrayLike, otherwise: float = 0.0) -> Values:
    """Quotient, and `otherwise` where the denominator is zero."""
    above, below = np.broadcast_arrays(np.asarray(numerator, np.float64), np.asarray(denominator, np.float64))
    quotient: Values = np.divide(above, below, out=np.full(above.shape, otherwise), where=below != 0)
    return quotient
