"""Targets: what the truth of a row is, and all that follows from it; and forms: what a member says of a row.

`classes`, `choices` and `values` are one file each; `forms` holds predictions of one member as they were said.
"""

from lrensemble.targets.base import Target, TruthKind
from lrensemble.targets.checks import SUM_TOLERANCE, check_labels, check_probabilities
from lrensemble.targets.choices import Choices
from lrensemble.targets.classes import Classes
from lrensemble.targets.forms import (
    FORMS,
    LOG_ZERO,
    SAID,
    Form,
    Gaussian,
    Labels,
    Likelihood,
    LogProbs,
    Need,
    Predictions,
    RealValues,
    TopK,
    predictions_of,
    served_by_all,
)
from lrensemble.targets.inferred import inferred_target, kind_of
from lrensemble.targets.record import KINDS, AnyTarget, OfTarget
from lrensemble.targets.values import Values

__all__ = [
    "FORMS",
    "KINDS",
    "LOG_ZERO",
    "SAID",
    "SUM_TOLERANCE",
    "AnyTarget",
    "Choices",
    "Classes",
    "Form",
    "Gaussian",
    "Labels",
    "Likelihood",
    "LogProbs",
    "Need",
    "OfTarget",
    "Predictions",
    "RealValues",
    "Target",
    "TopK",
    "TruthKind",
    "Values",
    "check_labels",
    "check_probabilities",
    "inferred_target",
    "kind_of",
    "predictions_of",
    "served_by_all",
]
