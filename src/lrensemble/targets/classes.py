"""One of a fixed number of classes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.config import Gives, Scale
from lrensemble.numerics import exponential
from lrensemble.targets.base import Target, TruthKind, head_of
from lrensemble.targets.checks import check_labels
from lrensemble.targets.forms import Form, Labels, LogProbs, Need, Predictions

if TYPE_CHECKING:
    from lrensemble.targets.heads import Head


class Classes(Target):
    """The truth is one class; members give probabilities of all of them, or less."""

    truth_type: ClassVar[type] = np.int64
    metrics: ClassVar[tuple[str, ...]] = ("accuracy", "nll", "brier", "ece", "top_k_accuracy(k=5)")
    compared: ClassVar[tuple[str, ...]] = ("accuracy", "nll")
    nouns: ClassVar[tuple[str, str]] = ("classes", "class")
    forms: ClassVar[tuple[Form, ...]] = ("labels", "top_k", "log_probs", "likelihood")
    has_labels: ClassVar[bool] = True
    answers: ClassVar[Need] = "labels"
    shown: ClassVar[tuple[str, ...]] = ("accuracy", "nll", "ece")
    diversity: ClassVar[tuple[tuple[str, Need], ...]] = (
        ("disagreement", "labels"),
        ("double_fault", "labels"),
        ("generalized_diversity", "labels"),
        ("jensen_shannon", "probabilities"),
    )
    truth_kind: ClassVar[TruthKind] = "classes"
    network_gives: ClassVar[Gives] = "logits"
    estimator_gives: ClassVar[Gives] = "probs"
    estimator_method: ClassVar[str] = "predict_proba"
    task: ClassVar[str] = "classification"

    kind: Literal["classes"] = "classes"
    names: Annotated[tuple[str, ...], Field(min_length=1, strict=False)]
    """Names of the classes, by index."""

    @property
    def width(self) -> int:
        """Number of classes."""
        return len(self.names)

    def truth_shape(self, rows: int) -> tuple[int, ...]:
        """One class index a row."""
        return (rows,)

    def check_truth(self, truth: NDArray[Any], rows: int) -> None:
        """Refuse what is not one class index a row."""
        check_labels(truth, rows, self.width)

    def outputs(self, columns: int) -> tuple[str, ...]:  # noqa: ARG002
        """Probabilities, and the likeliest class."""
        return ("probabilities", "label")

    def dense_serves(self, columns: int) -> frozenset[Need]:  # noqa: ARG002
        """All needs of classes."""
        return frozenset({"labels", "ranks", "likelihood", "probabilities"})

    def from_array(self, array: NDArray[Any]) -> Predictions:
        """Log-probabilities [sample, class]."""
        return LogProbs(array)

    def of_numbers(self, array: NDArray[Any]) -> Predictions:
        """Labels [sample]; log-probabilities [sample, class] where some are below zero, else probabilities."""
        if array.ndim == 1:
            return Labels(array)
        said = array.astype(np.float64)
        if (said < 0).any():
            return LogProbs(said)
        with np.errstate(divide="ignore"):
            return LogProbs(np.log(said))

    def seen(self, predictions: Predictions) -> NDArray[np.float64]:
        """Probabilities [sample, class]."""
        if predictions.form == "labels":
            named = np.zeros((len(predictions), self.width))
            named[np.arange(len(predictions)), predictions.main] = 1
            return named
        return exponential(predictions.dense(self.width))

    def head(self, form: Form | None = None, scale: Scale | None = None) -> Head:  # noqa: ARG002 – no units
        """Logits, cross-entropy and softmax; or the log-probability of the truth alone."""
        from lrensemble.targets.heads import ClassHead, LikelihoodHead

        heads: dict[Form, type[Head]] = {"log_probs": ClassHead, "likelihood": LikelihoodHead}
        return head_of(form, heads, self.kind)(self.width)

    def strata(self, truth: NDArray[Any]) -> NDArray[np.int64]:
        """The classes."""
        return truth.astype(np.int64)

    def uninformed(self, truth: NDArray[Any]) -> NDArray[np.float64]:
        """The same probability for every class."""
        return np.full((len(truth), self.width), 1 / self.width)

    def default_metric(self, served: frozenset[Need]) -> str:
        """NLL, or accuracy where a member says labels alone."""
        return "nll" if "likelihood" in served else "accuracy"

    def default_consensus(self, served: frozenset[Need]) -> str:  # noqa: ARG002
        """The mean of probabilities."""
        return "mean"
