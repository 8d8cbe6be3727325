"""Turn members' predictions into one. One signature: probabilities [member, sample, class] and weights [member] to
probabilities [sample, class], for numpy and torch alike.

A consensus that learns takes what it learned as arguments: `fit` fills them in from validation rows, and the result is
again a spec that can be written down, scored and shipped.
"""

from lrensemble.consensus import (  # noqa: F401  (registers what they define)
    average,
    focal,
    learned,
    opinion,
    robust,
    temperature,
    thresholds,
    vote,
)
from lrensemble.consensus.arrays import Array
from lrensemble.consensus.base import CONSENSUS, averaged, combine, fit, is_average, is_linear, learned_on_rows

__all__ = ["CONSENSUS", "Array", "averaged", "combine", "fit", "is_average", "is_linear", "learned_on_rows"]
