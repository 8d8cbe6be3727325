"""Forms of predictions of classes: labels, the k likeliest, log-probabilities, or the likelihood of the truth alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.numerics import TIE, exponential, likeliest
from lrensemble.targets.checks import check_labels, check_probabilities
from lrensemble.targets.forms.base import CHECKED_AT_ONCE, LOG_ZERO, Floats, Form, Need, Predictions

MIGHT_TIE = 4 * TIE
"""Distance of log-probabilities from which on two classes are no tie, with room for the rounding of float32."""


@dataclass(frozen=True, eq=False)
class Labels(Predictions):
    """The likeliest class alone: integers [sample]."""

    form = "labels"
    serves = frozenset[Need]({"labels"})

    def dense(self, width: int) -> NDArray[np.floating]:
        """[sample, class] log-probabilities of a member that is certain of its labels."""
        dense = np.full((len(self), width), LOG_ZERO, dtype=np.float32)
        dense[np.arange(len(self)), self.main] = 0
        return dense

    def check(self, forms: Sequence[Form], rows: int, width: int, source: str) -> None:
        """Refuse what is not one class index a row."""
        self._require_form(forms, source)
        self._require_shape((rows,), "sample", source)
        check_indices(source, self.main, rows, width)

    def labels(self) -> NDArray[np.int64]:
        """The labels."""
        return self.main.astype(np.int64)

    def of_truth(self, truth: NDArray[np.int64], width: int) -> Floats:  # noqa: ARG002
        """One where the label is the truth, else zero."""
        return np.asarray(self.main == truth, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class TopK(Predictions):
    """The k likeliest classes in order: integers [sample, k], perhaps with their probabilities [sample, k].

    What probabilities leave of one is shared equally by the classes that are not named.
    """

    form = "top_k"
    serves = frozenset[Need]({"labels", "ranks"})

    probs: NDArray[np.floating] | None = None
    """[sample, k]"""

    @property
    def needs_served(self) -> frozenset[Need]:
        """Probabilities as well, where they are given."""
        return self.serves if self.probs is None else self.serves | {"likelihood", "probabilities"}

    @property
    def parts(self) -> dict[str, NDArray[Any]]:
        """Classes, and probabilities where there are any."""
        return {"": self.main} if self.probs is None else {"": self.main, "probs": self.probs}

    def dense(self, width: int) -> NDArray[np.floating]:
        """[sample, class] log-probabilities; without any given, of a member that is certain of the first."""
        if self.probs is None:
            return Labels(self.main[:, 0]).dense(width)
        rest = self._rest(width)
        dense = np.repeat(rest[:, None], width, axis=1)
        dense[np.arange(len(self))[:, None], self.main] = self.probs
        with np.errstate(divide="ignore"):
            return np.asarray(np.maximum(np.log(dense), LOG_ZERO))

    def check(self, forms: Sequence[Form], rows: int, width: int, source: str) -> None:
        """Refuse classes that repeat or are none, and probabilities that fall out of order or sum to more than one."""
        self._require_form(forms, source)
        k = self.main.shape[1] if self.main.ndim == 2 else 1
        self._require_shape((rows, k), "sample, k", source)
        for rank in range(k):
            check_indices(source, self.main[:, rank], rows, width)
        repeats = np.flatnonzero((np.diff(np.sort(self.main, axis=1), axis=1) == 0).any(axis=1))
        if len(repeats):
            raise PredictionsError(f"{source}: row {repeats[0]} names a class twice; give {k} different ones")
        if self.probs is not None:
            self._check_probs(k, rows, source)

    def _check_probs(self, k: int, rows: int, source: str) -> None:
        assert self.probs is not None
        if self.probs.shape != (rows, k):
            raise PredictionsError(f"{source} have probabilities of shape {self.probs.shape}; give ({rows}, {k})")
        probs = self.probs.astype(np.float64)
        wrong = ~(probs >= 0).all(axis=1) | ~(probs.sum(axis=1) <= 1 + 1e-3) | (np.diff(probs, axis=1) > 0).any(axis=1)
        if wrong.any():
            raise PredictionsError(
                f"{source}: row {int(np.argmax(wrong))} has probabilities {probs[np.argmax(wrong)].tolist()}; "
                "give them from the highest down, not negative, summing to one at most"
            )

    def labels(self) -> NDArray[np.int64]:
        """The first class."""
        return self.main[:, 0].astype(np.int64)

    def of_truth(self, truth: NDArray[np.int64], width: int) -> Floats:
        """The probability of the truth where it is named, else its part of the rest."""
        named = self.main == truth[:, None]
        if self.probs is None:
            return np.asarray(named[:, 0], dtype=np.float64)
        given = np.where(named, self.probs.astype(np.float64), 0).sum(axis=1)
        return np.asarray(np.where(named.any(axis=1), given, self._rest(width)), dtype=np.float64)

    def _rest(self, width: int) -> Floats:
        """[sample] probability of each class that is not named."""
        assert self.probs is not None
        left = np.maximum(1 - self.probs.astype(np.float64).sum(axis=1), 0)
        return np.asarray(left / max(1, width - self.main.shape[1]))


@dataclass(frozen=True, eq=False)
class LogProbs(Predictions):
    """Natural logarithms of the probabilities of all classes: [sample, class]."""

    form = "log_probs"
    serves = frozenset[Need]({"labels", "ranks", "likelihood", "probabilities"})

    def dense(self, width: int) -> NDArray[np.floating]:  # noqa: ARG002
        """The log-probabilities as they are."""
        return self.main

    def check(self, forms: Sequence[Form], rows: int, width: int, source: str) -> None:
        """Refuse what is no distribution over classes."""
        self._require_form(forms, source)
        self._require_shape((rows, width), "sample, class", source)
        step = max(1, CHECKED_AT_ONCE // width)
        for start in range(0, rows, step):
            with np.errstate(over="ignore"):  # logits in place of log-probabilities are told apart by their sum
                check_probabilities(exponential(self.main[start : start + step]), source, start)

    def labels(self) -> NDArray[np.int64]:
        """The likeliest class; ties go to the lowest."""
        step = max(1, CHECKED_AT_ONCE // self.main.shape[1])
        blocks = (self.main[start : start + step] for start in range(0, len(self), step))
        return np.concatenate([_likeliest(block) for block in blocks])

    def of_truth(self, truth: NDArray[np.int64], width: int) -> Floats:  # noqa: ARG002
        """The probability of the truth."""
        return np.asarray(np.exp(self.main[np.arange(len(self)), truth].astype(np.float64)))


def _likeliest(logs: NDArray[np.floating]) -> NDArray[np.int64]:
    """`likeliest` of probabilities [sample, class] in float64, given their logarithms.

    Exponentials are taken of the rows alone where a second class is so close to the highest that it might tie.
    """
    numbers = logs.astype(np.promote_types(logs.dtype, np.float32), copy=False)
    close = numbers >= numbers.max(axis=1, keepdims=True) - MIGHT_TIE
    found: NDArray[np.int64] = close.argmax(axis=1).astype(np.int64)
    several = np.flatnonzero(np.count_nonzero(close, axis=1) > 1)
    found[several] = likeliest(np.exp(numbers[several].astype(np.float64)))
    return found


@dataclass(frozen=True, eq=False)
class Likelihood(Predictions):
    """The natural logarithm of the probability of the true class alone: [sample]. Enough for the NLL of a mean."""

    form = "likelihood"
    serves = frozenset[Need]({"likelihood"})

    def dense(self, width: int) -> NDArray[np.floating]:  # noqa: ARG002
        """Refused: other classes than the true one are not known."""
        raise self._lacks("probabilities of other classes than the true one")

    def check(self, forms: Sequence[Form], rows: int, width: int, source: str) -> None:
        """Refuse what is no logarithm of a probability."""
        del width
        self._require_form(forms, source)
        self._require_shape((rows,), "sample", source)
        bad = np.flatnonzero(~(self.main <= 1e-3))
        if len(bad):
            raise PredictionsError(
                f"{source}: row {bad[0]} has {self.main[bad[0]]}; give natural logarithms of probabilities, 0 at most"
            )

    def of_truth(self, truth: NDArray[np.int64], width: int) -> Floats:  # noqa: ARG002
        """The probability of the truth."""
        return np.asarray(np.exp(self.main.astype(np.float64)))


def check_indices(where: str, indices: NDArray[Any], rows: int, classes: int) -> None:
    """Refuse an array other than one class index a row; the message begins with `where`.

    Raises:
        PredictionsError: another number of rows, not integers, or outside the classes.
    """
    if indices.dtype.kind not in "iu":  # for numpy, durations are integers too
        raise PredictionsError(f"{where} are {indices.dtype}; give class indices as integers")
    try:
        check_labels(indices, rows, classes)
    except PredictionsError as error:
        raise PredictionsError(f"{where}: {error}") from None


def smallest_integers(indices: NDArray[np.integer], classes: int) -> NDArray[np.integer]:
    """Class indices in the smallest type that holds them all."""
    kinds = (np.uint8, np.uint16, np.uint32)
    return indices.astype(next((kind for kind in kinds if classes - 1 <= np.iinfo(kind).max), np.int64))
