"""Forms of predictions: what one member says about some rows, kept as it was said, in its own type.

A form says which needs it serves; a metric or consensus says what it needs of every member.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, Self, get_args

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError

Form = Literal["labels", "top_k", "log_probs", "likelihood", "values", "gaussian"]
FORMS: tuple[Form, ...] = get_args(Form)

Need = Literal["labels", "ranks", "likelihood", "probabilities", "values", "distribution"]
"""What is needed of a member: the likeliest class; classes in order; the probability of the truth; probabilities of all
classes; a value for each output; a mean and a variance for each output."""

LOG_ZERO = -1e4
"""Stored log-probability of a zero: finite in float16, and exp(LOG_ZERO) = 0 in float64."""

CHECKED_AT_ONCE = 2**20
"""Numbers that are checked together."""

Floats = NDArray[np.float64]
Rows = NDArray[np.int64] | slice

SAID: tuple[tuple[Need, str], ...] = (
    ("probabilities", "gives probabilities"),
    ("labels", "knows only labels"),
    ("likelihood", "gives the likelihood of the truth alone"),
    ("distribution", "gives distributions"),
    ("values", "gives values without a variance"),
)
"""What members say, in words; the first that is served counts."""


@dataclass(frozen=True, eq=False)
class Predictions(ABC):
    """Predictions of one member on some rows."""

    form: ClassVar[Form]
    serves: ClassVar[frozenset[Need]]
    """Needs that every member of this form serves."""

    main: NDArray[Any]
    """The array that the form is named after; its first axis is of rows."""

    def __len__(self) -> int:
        return len(self.main)

    @property
    def needs_served(self) -> frozenset[Need]:
        """Needs that these predictions serve."""
        return self.serves

    @property
    def parts(self) -> dict[str, NDArray[Any]]:
        """Arrays to store, by part; that of the main array is empty."""
        return {"": self.main}

    def __getitem__(self, rows: Rows) -> Self:
        """Predictions of some rows."""
        return type(self)(*(part[rows] for part in self.parts.values()))

    @abstractmethod
    def dense(self, width: int) -> NDArray[np.floating]:
        """What consensus functions see, in one array [sample, column].

        Log-probabilities of classes, or values; of gaussians the means of all outputs and then their variances.

        Args:
            width: columns, for forms that do not tell it.

        Raises:
            PredictionsError: the form does not say it.
        """

    @abstractmethod
    def check(self, forms: Sequence[Form], rows: int, width: int, source: str) -> None:
        """Refuse predictions of another form or shape, or that cannot be.

        Raises:
            PredictionsError: what is wrong, after `source`; the first bad row is named.
        """

    def labels(self) -> NDArray[np.int64]:
        """Likeliest class [sample]; of those that tie, the lowest.

        Raises:
            PredictionsError: the form does not say it.
        """
        raise self._lacks("classes")

    def of_truth(self, truth: NDArray[np.int64], width: int) -> Floats:  # noqa: ARG002
        """Probability [sample] that is given to the true class [sample].

        Raises:
            PredictionsError: the form does not say it.
        """
        raise self._lacks("probabilities")

    def _lacks(self, what: str) -> PredictionsError:
        return PredictionsError(f"predictions of the form {self.form} hold no {what}")

    def _require_form(self, forms: Sequence[Form], source: str) -> None:
        if self.form not in forms:
            raise PredictionsError(f"{source} are of the form {self.form}; give one of {', '.join(forms)}")

    def _require_shape(self, shape: tuple[int, ...], axes: str, source: str) -> None:
        if self.main.shape != shape:
            raise PredictionsError(
                f"{source} have shape {self.main.shape}; the pool has {shape[0]} rows, so give [{axes}] = {shape}"
            )


def served_by_all(members: Iterable[Predictions]) -> frozenset[Need]:
    """Needs that all members serve; none at all without members."""
    each = [member.needs_served for member in members]
    return frozenset.intersection(*each) if each else frozenset()
