"""What a selector is given, what it returns, and where it is registered."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError, SelectionError
from lrensemble.metrics import METRICS
from lrensemble.metrics.base import check_labels, check_probabilities
from lrensemble.registry import Registry
from lrensemble.spec import Spec, SpecLike

NEEDS_PROBABILITIES = ("nll", "brier", "ece", "top5_accuracy")
"""Metrics that members who know only labels cannot serve."""


@dataclass(frozen=True, eq=False)
class Validation:
    """Predictions of all members on the validation rows, and the truth.

    Raises:
        PredictionsError: shapes that do not fit, NaN, rows that do not sum to one, labels outside the classes.
    """

    log_probs: Any
    """[member, sample, class] natural logarithms of probabilities; numpy or torch, float32 or float16."""
    labels: Any
    """[sample] class indices, int64."""
    top1: tuple[bool, ...] = ()
    """For each member, whether it knows only labels; empty where none does."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "log_probs", np.asarray(self.log_probs))
        object.__setattr__(self, "labels", np.asarray(self.labels))
        shape = self.log_probs.shape
        if len(shape) != 3 or 0 in shape:
            raise PredictionsError(
                f"log_probs have shape {shape}; give [member, sample, class], with at least one of each"
            )
        if self.top1 and len(self.top1) != shape[0]:
            raise PredictionsError(f"top1 has {len(self.top1)} entries for {shape[0]} members; give one for each")
        check_labels(self.labels, shape[1], shape[2])
        check_probabilities(self.probs, "log_probs")

    @cached_property
    def probs(self) -> NDArray[np.float64]:
        """[member, sample, class] probabilities in float64, the ground of every score."""
        return np.asarray(np.exp(self.log_probs.astype(np.float64)))

    @property
    def members(self) -> int:
        """How many members there are."""
        return int(self.log_probs.shape[0])

    def rows(self, index: NDArray[np.int64]) -> Validation:
        """The same members over some of the rows, repeated where the index repeats."""
        return Validation(self.log_probs[:, index], self.labels[index], self.top1)


@dataclass(frozen=True)
class Selection:
    """A team, and how it was found."""

    team: tuple[int, ...]
    """Members' positions, distinct and rising."""
    weights: tuple[float, ...]
    """One for each of the team, summing to 1."""
    score: float
    """By `metric`, higher is better, on the rows of the selection: optimistic."""
    metric: str
    consensus: str
    tried: int
    """Teams that were scored."""
    method: str = ""
    seconds: float = 0.0
    details: Mapping[str, Any] = field(default_factory=dict)
    """What else the selector has to say, ready for JSON."""


SELECTORS: Registry[Selection] = Registry("selector")
"""Functions of (validation, *, metric, consensus, seed, …own arguments)."""


def check_method(method: SpecLike) -> Spec:
    """A selector's spec, its name and arguments checked.

    Raises:
        UnknownNameError, SpecError: as `Registry.check` does.
    """
    return SELECTORS.check(method, "metric", "consensus", "seed")


def check_metric(validation: Validation, metric: SpecLike) -> str:
    """The metric's text form, if every member can serve it.

    Raises:
        SelectionError: a member knows only labels and the metric needs probabilities.
    """
    spec = METRICS.check(metric)
    if spec.name in NEEDS_PROBABILITIES and any(validation.top1):
        raise SelectionError(
            f"member {validation.top1.index(True)} knows only labels, which cannot serve {spec}; use metric accuracy"
        )
    return str(spec)


def equal_weights(team: tuple[int, ...]) -> tuple[float, ...]:
    """The same weight for every member of a team."""
    return tuple(1 / len(team) for _ in team)
