"""Forms of predictions of values: numbers, or normal distributions."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.targets.forms.base import CHECKED_AT_ONCE, Form, Need, Predictions

LARGEST_LOG_VARIANCE = 700
"""Logarithm of the largest variance: e^709 is the largest float64, and a mixture adds to it."""

LARGEST = 1e150
"""Largest size of a value, whose square is a number too."""


@dataclass(frozen=True, eq=False)
class RealValues(Predictions):
    """A value for each output: [sample, output]."""

    form = "values"
    serves = frozenset[Need]({"values"})

    def dense(self, width: int) -> NDArray[np.floating]:  # noqa: ARG002
        """The values as they are."""
        return self.main

    def check(self, forms: Sequence[Form], rows: int, width: int, source: str) -> None:
        """Refuse values that are not finite."""
        self._require_form(forms, source)
        self._require_shape((rows, width), "sample, output", source)
        _require_finite(self.main, source)


@dataclass(frozen=True, eq=False)
class Gaussian(Predictions):
    """A normal distribution for each output: means [sample, output] and logarithms of variances [sample, output]."""

    form = "gaussian"
    serves = frozenset[Need]({"values", "distribution"})

    log_variance: NDArray[np.floating]
    """[sample, output]"""

    @property
    def parts(self) -> dict[str, NDArray[Any]]:
        """Means and logarithms of variances."""
        return {"": self.main, "log_variance": self.log_variance}

    def dense(self, width: int) -> NDArray[np.floating]:  # noqa: ARG002
        """[sample, 2 · output] the means, and then the variances, in float64."""
        return np.concatenate([self.main.astype(np.float64), np.exp(self.log_variance.astype(np.float64))], axis=1)

    def check(self, forms: Sequence[Form], rows: int, width: int, source: str) -> None:
        """Refuse means and variances that are not finite, or that no number holds."""
        self._require_form(forms, source)
        self._require_shape((rows, width), "sample, output", source)
        if self.log_variance.shape != (rows, width):
            raise PredictionsError(
                f"{source} have log-variances of shape {self.log_variance.shape}; give {(rows, width)}"
            )
        _require_finite(self.main, source)
        _require_finite(self.log_variance, f"{source}, log-variances")
        beyond = np.flatnonzero((self.log_variance > LARGEST_LOG_VARIANCE).any(axis=1))
        if len(beyond):
            raise PredictionsError(
                f"{source}: row {beyond[0]} has the log-variances {self.log_variance[beyond[0]].tolist()}, and no "
                f"number holds such a variance; give natural logarithms, {LARGEST_LOG_VARIANCE} at most"
            )


def _require_finite(values: NDArray[np.floating], source: str) -> None:
    step = max(1, CHECKED_AT_ONCE // max(1, values.shape[1]))
    for start in itertools.count(0, step):
        if start >= len(values):
            return
        bad = np.flatnonzero(~(np.abs(values[start : start + step].astype(np.float64)) <= LARGEST).all(axis=1))
        if len(bad):
            raise PredictionsError(
                f"{source}: row {start + bad[0]} holds {values[start + bad[0]].tolist()}; "
                f"give finite numbers, up to {LARGEST:g}"
            )
