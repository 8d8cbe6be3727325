"""What a selector is given, what it returns, and where it is registered."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError, SelectionError
from lrensemble.metrics import METRICS
from lrensemble.metrics.base import SUM_TOLERANCE, check_labels
from lrensemble.registry import Call, Registry
from lrensemble.spec import Spec, SpecLike

ACCELERATORS = ("cuda",)
"""Kinds of devices on which torch tensors stay; all others are read as numpy arrays."""

CHECKED_AT_ONCE = 2**20
"""Numbers of a member that are checked together."""


@dataclass(frozen=True, eq=False)
class Validation:
    """Predictions of all members on the validation rows, and the truth.

    Raises:
        PredictionsError: shapes that do not fit, NaN, rows that do not sum to one, labels outside the classes.
    """

    log_probs: Any
    """[member, sample, class] natural logarithms of probabilities: numpy, memory-mapped or not, or torch. A tensor on a
    GPU stays there: what looks at all predictions then runs there too, and gives the same scores."""
    labels: Any
    """[sample] class indices, int64."""
    top1: tuple[bool, ...] = ()
    """For each member, whether it knows only labels; empty where none does."""
    cost: tuple[float, ...] = ()
    """For each member, what it costs to run, in any unit; empty where nobody asks."""
    block_bytes: int = 64 * 2**20
    """Memory for the rows that are looked at together, in float64; predictions are never held as a whole."""

    def __post_init__(self) -> None:
        if not self.accelerated:
            object.__setattr__(self, "log_probs", np.asarray(self.log_probs))
        object.__setattr__(self, "labels", on_host(self.labels))
        shape = self.log_probs.shape
        if len(shape) != 3 or 0 in shape:
            raise PredictionsError(
                f"log_probs have shape {shape}; give [member, sample, class], with at least one of each"
            )
        for name, entries in (("top1", self.top1), ("cost", self.cost)):
            if entries and len(entries) != shape[0]:
                raise PredictionsError(f"{name} has {len(entries)} entries for {shape[0]} members; give one for each")
        if self.block_bytes < 1:
            raise PredictionsError(f"block_bytes = {self.block_bytes} is refused; give at least 1")
        if not all(0 <= cost < np.inf for cost in self.cost):
            raise PredictionsError(f"cost {self.cost} is refused: costs are finite and not negative")
        check_labels(self.labels, shape[1], shape[2])
        _check_sums(self.log_probs)

    @cached_property
    def probs(self) -> NDArray[np.float64]:
        """[member, sample, class] probabilities in float64, all at once: for small pools."""
        return self.probs_of(range(self.members))

    def probs_of(self, team: Sequence[int], rows: NDArray[np.int64] | slice = slice(None)) -> NDArray[np.float64]:
        """[member, sample, class] probabilities of some members on some rows, in float64: the ground of every score."""
        members = np.array(team, dtype=np.int64)
        place = (members, rows) if isinstance(rows, slice) else (members[:, None], rows[None])
        numbers: NDArray[np.float64] = on_host(self.log_probs[place]).astype(np.float64)
        return np.exp(numbers, out=numbers)

    def block_rows(self, members: int) -> int:
        """How many rows of so many members fit the memory of a block; at least one."""
        return max(1, self.block_bytes // (8 * members * int(self.log_probs.shape[2])))

    @property
    def accelerated(self) -> bool:
        """Whether the predictions lie on a GPU."""
        return getattr(getattr(self.log_probs, "device", None), "type", None) in ACCELERATORS

    @property
    def members(self) -> int:
        """How many members there are."""
        return int(self.log_probs.shape[0])

    def rows(self, index: NDArray[np.int64]) -> Validation:
        """The same members over some of the rows, repeated where the index repeats."""
        return replace(self, log_probs=self.log_probs[:, index], labels=self.labels[index])


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
    caution: str = ""
    """A warning, where many teams were scored on few rows."""
    details: Mapping[str, Any] = field(default_factory=dict)
    """What else the selector has to say, ready for JSON."""


def on_host(array: Any) -> NDArray[Any]:
    """Numpy or torch, wherever it lies, as numpy."""
    return np.asarray(array.cpu() if hasattr(array, "cpu") else array)


def _check_sums(log_probs: Any) -> None:
    """Refuse what is no distribution over classes, member by member and block of rows by block of rows."""
    members, rows, classes = log_probs.shape
    xp = array_namespace(log_probs)
    step = max(1, CHECKED_AT_ONCE // classes)
    for member, start in itertools.product(range(members), range(0, rows, step)):
        with np.errstate(over="ignore"):  # logits may be large; they are refused below
            sums = on_host(xp.sum(xp.exp(xp.astype(log_probs[member, start : start + step], xp.float32)), axis=1))
        bad = np.flatnonzero(~(np.abs(sums - 1) <= SUM_TOLERANCE))
        if len(bad):
            row = int(bad[0])
            reason = "holds NaN" if np.isnan(sums[row]) else f"does not sum to one (sum {sums[row]:.6g}; logits?)"
            raise PredictionsError(
                f"log_probs: member {member}, row {start + row} {reason}; give natural logarithms of probabilities"
            )


SELECTORS: Registry[Selection] = Registry(
    "selector", call=Call(("validation",), keywords=("metric", "consensus", "seed"))
)
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
    if METRICS.facts(spec).needs != "labels" and any(validation.top1):
        raise SelectionError(
            f"member {validation.top1.index(True)} knows only labels, which cannot serve {spec}; use metric accuracy"
        )
    return str(spec)


def equal_weights(team: tuple[int, ...]) -> tuple[float, ...]:
    """The same weight for every member of a team."""
    return tuple(1 / len(team) for _ in team)
