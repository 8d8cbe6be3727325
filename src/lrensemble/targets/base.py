"""What a target says of itself: one record a kind, complete in one file."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Gives, Record, Scale, TrainSettings
from lrensemble.errors import ConfigError
from lrensemble.targets.forms import Form, Need, Predictions

if TYPE_CHECKING:
    from lrensemble.targets.heads import Head

H = TypeVar("H")

TruthKind = Literal["classes", "values"]
"""What a column of data holds, as people say it."""


def head_of(form: Form | None, heads: Mapping[Form, H], kind: str) -> H:
    """The head of a form, or the first where none is asked for.

    Raises:
        ConfigError: there is none of this form.
    """
    if form is None:
        return next(iter(heads.values()))
    if form not in heads:
        raise ConfigError(f"train.form = {form!r} is refused: networks that learn {kind} give {' or '.join(heads)}")
    return heads[form]


class Target(Record):
    """The truth of a row, and all that follows from it: checks, division of rows, default metric and consensus.

    A new target is one subclass in a file of its own, and one line in `lrensemble.targets.AnyTarget`.
    """

    truth_type: ClassVar[type]
    """Type of the truth, as numpy names it."""
    metrics: ClassVar[tuple[str, ...]]
    """Metrics that every member and team is measured by; the first is the one that people know best."""
    compared: ClassVar[tuple[str, ...]]
    """Metrics by which gains are given beside the one that a team aims at."""
    nouns: ClassVar[tuple[str, str]]
    """What its columns are called, several and one."""
    forms: ClassVar[tuple[Form, ...]]
    """Forms in which members may say their predictions."""
    has_labels: ClassVar[bool]
    """Whether the truth of a row is one of its columns, so that predictions have a likeliest one."""
    answers: ClassVar[Need]
    """What members say at least where they answer, rather than tell the likelihood of the truth alone."""
    shown: ClassVar[tuple[str, ...]]
    """Metrics in tables of members, those that are known."""
    diversity: ClassVar[tuple[tuple[str, Need], ...]]
    """Measures of diversity by which pools are compared, and what each needs of members."""
    truth_kind: ClassVar[TruthKind]
    """What columns of data are as its truth."""
    network_gives: ClassVar[Gives]
    """What networks give that were trained elsewhere, where they do not say."""
    estimator_gives: ClassVar[Gives]
    """What fitted models of other libraries give, where they do not say."""
    estimator_method: ClassVar[str]
    """Method of such a model that gives it."""
    task: ClassVar[str]
    """Learning it, as hubs of models call that."""

    kind: str
    """Name of the target in files."""
    names: tuple[str, ...]
    """Names of its columns, one for each."""

    @property
    @abstractmethod
    def width(self) -> int:
        """Columns of a dense prediction: classes, the most choices of a row, or outputs."""

    @property
    def dense_widths(self) -> tuple[int, ...]:
        """Columns that dense predictions may have: `width`, and last those of distributions, where there are any."""
        return (self.width,)

    @abstractmethod
    def truth_shape(self, rows: int) -> tuple[int, ...]:
        """Shape of the truth of so many rows."""

    @abstractmethod
    def check_truth(self, truth: NDArray[Any], rows: int) -> None:
        """Refuse a truth of another shape or type, or with values that cannot be.

        Raises:
            PredictionsError: what is wrong; the first bad row is named.
        """

    @abstractmethod
    def outputs(self, columns: int) -> tuple[str, ...]:
        """Names of what exported programs give, by the number of columns of a prediction."""

    @abstractmethod
    def dense_serves(self, columns: int) -> frozenset[Need]:
        """Needs that dense predictions serve, by their number of columns."""

    def check(self, predictions: Predictions, rows: int, source: str) -> None:
        """Refuse predictions of a form that does not serve this target, of another shape, or that cannot be.

        Args:
            predictions: of one member, on one split.
            rows: number of rows of the split.
            source: beginning of the message.

        Raises:
            PredictionsError: what is wrong; the first bad row is named.
        """
        predictions.check(self.forms, rows, self.width, source)

    def difference(self, other: Target) -> str:
        """Description of how this target differs from another; empty where they are the same."""
        noun, one = self.nouns
        if self.kind != other.kind:
            return f"{self.kind}, not {other.kind}"
        if len(self.names) != len(other.names):
            return f"{len(self.names)} {noun}, not {len(other.names)}"
        pairs = enumerate(zip(self.names, other.names, strict=True))
        return next((f"{one} {i} is {mine!r}, not {theirs!r}" for i, (mine, theirs) in pairs if mine != theirs), "")

    @abstractmethod
    def from_array(self, array: NDArray[Any]) -> Predictions:
        """Predictions of a plain array, as networks give them: log-probabilities, or values [sample, output]."""

    @abstractmethod
    def of_numbers(self, array: NDArray[Any]) -> Predictions:
        """Predictions of numbers of which nothing else is known: what they are follows from shape and sign."""

    def seen(self, predictions: Predictions) -> NDArray[np.float64]:
        """What consensus functions and metrics see of predictions, [sample, column]: probabilities, or values."""
        return predictions.dense(self.width).astype(np.float64)

    @abstractmethod
    def head(self, form: Form | None = None, scale: Scale | None = None) -> Head:
        """Loss and link of networks that learn this target.

        Args:
            form: form that members speak in; the target's own unless given.
            scale: units of the truth; none unless given.

        Raises:
            ConfigError: networks that learn this target do not speak in this form.
        """

    def check_training(self, settings: TrainSettings) -> None:
        """Refuse settings that have no meaning for this target.

        Raises:
            UnknownNameError, SpecError: no such loss, or an argument that it refuses.
            ConfigError: with the key.
        """
        from lrensemble.targets.losses import check_loss

        check_loss(settings, self.head(settings.form).form)

    @abstractmethod
    def strata(self, truth: NDArray[Any]) -> NDArray[np.int64]:
        """[sample] the stratum of each row: a division of rows takes its part of each."""

    @abstractmethod
    def uninformed(self, truth: NDArray[Any]) -> NDArray[np.float64]:
        """Predictions [sample, column] of who knows nothing of a row, as consensus functions and metrics see them."""

    @abstractmethod
    def default_metric(self, served: frozenset[Need]) -> str:
        """Metric that selection aims at unless told, by the needs that all members serve."""

    @abstractmethod
    def default_consensus(self, served: frozenset[Need]) -> str:
        """Consensus of a team unless told, by the needs that all members serve."""
