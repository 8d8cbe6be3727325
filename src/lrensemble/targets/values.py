"""One or several real numbers: regression."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.config import Gives, Scale, TrainSettings
from lrensemble.errors import ConfigError, PredictionsError
from lrensemble.targets.base import Target, TruthKind, head_of
from lrensemble.targets.forms import Form, Need, Predictions, RealValues
from lrensemble.targets.forms.of_values import LARGEST

if TYPE_CHECKING:
    from lrensemble.targets.heads import Head

STRATA = 10
"""Parts of the rows, by the first output, of which a division takes equal shares."""


class Values(Target):
    """The truth is one number or several; members give numbers, or normal distributions."""

    truth_type: ClassVar[type] = np.float64
    metrics: ClassVar[tuple[str, ...]] = (
        "rmse",
        "mse",
        "mae",
        "r2",
        "gaussian_nll",
        "crps",
        "coverage(level=0.9)",
        "interval_width(level=0.9)",
    )
    compared: ClassVar[tuple[str, ...]] = ("rmse",)
    nouns: ClassVar[tuple[str, str]] = ("outputs", "output")
    forms: ClassVar[tuple[Form, ...]] = ("values", "gaussian")
    has_labels: ClassVar[bool] = False
    answers: ClassVar[Need] = "values"
    shown: ClassVar[tuple[str, ...]] = ("rmse", "mae", "r2", "gaussian_nll", "crps", "coverage(level=0.9)")
    diversity: ClassVar[tuple[tuple[str, Need], ...]] = (("ambiguity", "values"),)
    truth_kind: ClassVar[TruthKind] = "values"
    network_gives: ClassVar[Gives] = "values"
    estimator_gives: ClassVar[Gives] = "values"
    estimator_method: ClassVar[str] = "predict"
    task: ClassVar[str] = "regression"

    kind: Literal["values"] = "values"
    names: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Names of the outputs."""

    @property
    def width(self) -> int:
        """Number of outputs."""
        return len(self.names)

    @property
    def dense_widths(self) -> tuple[int, ...]:
        """A value for each output, and perhaps their variances."""
        return (self.width, 2 * self.width)

    def truth_shape(self, rows: int) -> tuple[int, ...]:
        """A number for each output of a row."""
        return (rows, self.width)

    def check_truth(self, truth: NDArray[Any], rows: int) -> None:
        """Refuse what is not one finite number for each output of a row."""
        if truth.shape != (rows, self.width):
            raise PredictionsError(
                f"the truth has shape {truth.shape}; the predictions have {rows} rows and {self.width} outputs, "
                f"so give [sample, output] = ({rows}, {self.width})"
            )
        if truth.dtype.kind != "f":
            raise PredictionsError(f"the truth is {truth.dtype}; give floating-point numbers")
        bad = np.flatnonzero(~(np.abs(truth) <= LARGEST).all(axis=1))
        if len(bad):
            raise PredictionsError(
                f"the truth holds {truth[bad[0]].tolist()} in row {bad[0]}; give finite numbers, up to {LARGEST:g}"
            )
        if 0 < np.abs(truth).max(initial=0) < 1 / LARGEST:
            raise PredictionsError(
                f"no value of the truth is above {1 / LARGEST:g}, and squared errors would be zero; give them in a "
                "smaller unit"
            )

    def from_array(self, array: NDArray[Any]) -> Predictions:
        """Values [sample, output]."""
        return RealValues(array)

    def of_numbers(self, array: NDArray[Any]) -> Predictions:
        """Values [sample, output]; of one output perhaps without that axis."""
        return RealValues((array[:, None] if array.ndim == 1 else array).astype(np.float64))

    def outputs(self, columns: int) -> tuple[str, ...]:
        """Values, and where there are variances their square roots."""
        return ("values", "std") if columns == 2 * self.width else ("values",)

    def dense_serves(self, columns: int) -> frozenset[Need]:
        """Values, and distributions where there are variances."""
        return frozenset({"values", "distribution"} if columns == 2 * self.width else {"values"})

    def head(self, form: Form | None = None, scale: Scale | None = None) -> Head:
        """Values and their squared error, or normal distributions and their likelihood."""
        from lrensemble.targets.heads import GaussianHead, ValueHead

        heads: dict[Form, type[Head]] = {"values": ValueHead, "gaussian": GaussianHead}
        return head_of(form, heads, self.kind)(self.width, scale or Scale())

    def check_training(self, settings: TrainSettings) -> None:
        """Refuse label smoothing as well: numbers have no other classes to share with."""
        super().check_training(settings)
        if settings.label_smoothing:
            raise ConfigError(
                f"train.label_smoothing = {settings.label_smoothing:g} is refused: there are no classes to share the "
                f"probability of a label where {self.kind} are learned; leave it out"
            )

    def strata(self, truth: NDArray[Any]) -> NDArray[np.int64]:
        """Parts of equal size by the first output, so that every split has low and high values."""
        order = np.argsort(np.argsort(truth[:, 0], kind="stable"), kind="stable")
        return np.asarray(order * min(STRATA, len(truth)) // len(truth), dtype=np.int64)

    def uninformed(self, truth: NDArray[Any]) -> NDArray[np.float64]:
        """Mean of the truth for every row, and then its variance."""
        variance = truth.var(axis=0)
        known = np.concatenate([truth.mean(axis=0), np.where(variance > 0, variance, 1)])
        return np.repeat(known[None], len(truth), axis=0)

    def default_metric(self, served: frozenset[Need]) -> str:
        """Gaussian NLL where all members give distributions, else the mean squared error."""
        return "gaussian_nll" if "distribution" in served else "mse"

    def default_consensus(self, served: frozenset[Need]) -> str:
        """The moment-matched mixture where all members give distributions, else the mean."""
        return "mixture" if "distribution" in served else "mean"
