"""Forms of predictions, one class each, and how one is made again from the arrays that were stored."""

from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from lrensemble.targets.forms.base import FORMS, LOG_ZERO, SAID, Form, Need, Predictions, served_by_all
from lrensemble.targets.forms.of_classes import Labels, Likelihood, LogProbs, TopK, check_indices, smallest_integers
from lrensemble.targets.forms.of_values import Gaussian, RealValues

__all__ = [
    "FORMS",
    "LOG_ZERO",
    "SAID",
    "Form",
    "Gaussian",
    "Labels",
    "Likelihood",
    "LogProbs",
    "Need",
    "Predictions",
    "RealValues",
    "TopK",
    "check_indices",
    "predictions_of",
    "served_by_all",
    "smallest_integers",
]

_CLASSES: dict[Form, type[Predictions]] = {
    kind.form: kind for kind in (Labels, TopK, LogProbs, Likelihood, RealValues, Gaussian)
}


def predictions_of(form: Form, parts: Mapping[str, NDArray[Any]]) -> Predictions:
    """Predictions of a form from its arrays by part, as `Predictions.parts` gives them."""
    return _CLASSES[form](**{part or "main": array for part, array in parts.items()})
