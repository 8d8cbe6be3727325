"""Targets: what the truth of a row is, and all that follows from it; and forms: what a member says of a row.

`classes`, `choices` and `values` are one file each; `forms` holds predictions of one member as they were said.
"""

from typing import Annotated, TypeAlias

from pydantic import Field

from lrensemble.targets.base import Target
from lrensemble.targets.checks import SUM_TOLERANCE, check_labels, check_probabilities
from lrensemble.targets.choices import Choices
from lrensemble.targets.classes import Classes
from lrensemble.targets.forms import (
    FORMS,
    LOG_ZERO,
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
from lrensemble.targets.past import with_target
from lrensemble.targets.values import Values

AnyTarget: TypeAlias = Annotated[Classes | Choices | Values, Field(discriminator="kind")]
"""A target in a record, told apart by its `kind`."""

__all__ = [
    "FORMS",
    "LOG_ZERO",
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
    "Predictions",
    "RealValues",
    "Target",
    "TopK",
    "Values",
    "check_labels",
    "check_probabilities",
    "predictions_of",
    "served_by_all",
    "with_target",
]
