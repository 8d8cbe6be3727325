"""Turn members' predictions into one. One signature: probabilities [member, sample, class] and weights [member] to
probabilities [sample, class], for numpy and torch alike.

A consensus that learns takes what it learned as arguments: `fit` fills them in from validation rows, and the result is
again a spec that can be written down, scored and shipped.
"""

from lrensemble.consensus import average, vote  # noqa: F401  (registers what they define)
from lrensemble.consensus.base import CONSENSUS, Array, combine, fit

__all__ = ["CONSENSUS", "Array", "combine", "fit"]
