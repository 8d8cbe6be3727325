"""Turn members' predictions into one. One signature: predictions [member, sample, column] and weights [member] to
predictions [sample, column], for numpy and torch alike. Columns are probabilities of classes or answers; or values; or
means of values and then their variances. Each says for which target it is, and `for_target` asks.

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
    values,
    vote,
)
from lrensemble.consensus.arrays import Array
from lrensemble.consensus.base import (
    CONSENSUS,
    averaged,
    combine,
    fit,
    for_target,
    is_average,
    is_linear,
    learned_on_rows,
)

__all__ = [
    "CONSENSUS",
    "Array",
    "averaged",
    "combine",
    "fit",
    "for_target",
    "is_average",
    "is_linear",
    "learned_on_rows",
]
