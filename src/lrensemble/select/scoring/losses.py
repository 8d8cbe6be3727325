"""Losses that are convex in the weights of the members, with their derivatives: what the best weights minimise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrensemble.numerics import SMALLEST_PROBABILITY
from lrensemble.select.scoring.kernels.statistics import error_gram, of_labels
from lrensemble.select.validation import Validation

Floats = NDArray[np.float64]


class Loss(Protocol):
    """A convex function of weights [member]."""

    def value(self, weights: Floats) -> float:
        """The loss."""
        ...

    def derivatives(self, weights: Floats) -> tuple[Floats, Floats]:
        """Gradient [member] and Hessian [member, member]."""
        ...

    def gradient(self, weights: Floats) -> Floats:
        """Gradient [member]."""
        ...

    def among(self, members: NDArray[np.int64]) -> Loss:
        """The loss of teams of these members alone."""
        ...


@dataclass(frozen=True, eq=False)
class MixtureNll:
    """NLL of a mean of probabilities."""

    likelihoods: Floats
    """[sample, member] what each member gives the label, positive."""
    shares: Floats
    """[sample] how often each row counts, summing to one."""

    def value(self, weights: Floats) -> float:
        """The NLL."""
        return float(-(np.log(self.likelihoods @ weights) @ self.shares))

    def derivatives(self, weights: Floats) -> tuple[Floats, Floats]:
        """Gradient [member] and Hessian [member, member]."""
        ratios = self.likelihoods / (self.likelihoods @ weights)[:, None]
        return -(self.shares @ ratios), ratios.T @ (self.shares[:, None] * ratios)

    def gradient(self, weights: Floats) -> Floats:
        """Gradient [member]."""
        return -((self.shares / (self.likelihoods @ weights)) @ self.likelihoods)

    def among(self, members: NDArray[np.int64]) -> MixtureNll:
        """The NLL of teams of these members alone."""
        return MixtureNll(self.likelihoods[:, members], self.shares)


@dataclass(frozen=True, eq=False)
class QuadraticForm:
    """Brier score of a mean of probabilities, or mean squared error of a mean of values."""

    gram: Floats
    """[member, member] of the members' errors."""

    def value(self, weights: Floats) -> float:
        """The loss."""
        return float(weights @ self.gram @ weights)

    def derivatives(self, weights: Floats) -> tuple[Floats, Floats]:
        """Gradient [member] and Hessian [member, member]."""
        return 2 * self.gram @ weights, 2 * self.gram

    def gradient(self, weights: Floats) -> Floats:
        """Gradient [member]."""
        return 2 * self.gram @ weights

    def among(self, members: NDArray[np.int64]) -> QuadraticForm:
        """The loss of teams of these members alone."""
        return QuadraticForm(self.gram[np.ix_(members, members)])


def nll_of(validation: Validation, consensus: str) -> MixtureNll:
    """The NLL of a weighted mean of probabilities, or of votes.

    A member's likelihoods below `SMALLEST_PROBABILITY` count as that. Derivatives stay finite, and the loss is never
    above the NLL, which clips the mean.
    """
    rows = validation.counted
    likelihoods = np.maximum(of_labels(validation, consensus)[:, rows].T, SMALLEST_PROBABILITY)
    return MixtureNll(likelihoods, validation.row_weights[rows] / validation.total_weight)


def quadratic_of(validation: Validation, consensus: str) -> QuadraticForm:
    """The Brier score of a weighted mean of probabilities or of votes; the mean squared error of one of values."""
    return QuadraticForm(error_gram(validation, consensus))
