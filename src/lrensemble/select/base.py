"""What a selector is given, what it returns, and where it is registered."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
from array_api_compat import array_namespace
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError, SelectionError
from lrensemble.metrics import METRICS
from lrensemble.metrics.base import SUM_TOLERANCE, check_labels
from lrensemble.registry import Call, Registry
from lrensemble.rows import check_groups, check_weights
from lrensemble.spec import Spec, SpecLike

R = TypeVar("R")
Floats = NDArray[np.float64]

ACCELERATORS = ("cuda",)
"""Kinds of devices on which torch tensors stay; all others are read as numpy arrays."""

CHECKED_AT_ONCE = 2**20
"""Numbers of a member that are checked together."""


@dataclass(frozen=True, eq=False)
class Views:
    """Weights of the same rows that are looked at together: what needs all predictions is read once for all of them."""

    weights: Floats
    """[view, sample]"""
    statistics: dict[Any, Any] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Validation:
    """Predictions of all members on the validation rows, and the truth.

    Folds, resamples and class weights are other weights of the same rows: `weighted`, `rows` and `resampled` give views
    that share the predictions and what was computed of them.

    Raises:
        PredictionsError: shapes that do not fit, NaN, rows that do not sum to one, labels outside the classes, weights
            that are negative, not finite or all zero.
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
    weights: Any = None
    """[sample] how often each row counts, float64; once each where None."""
    groups: Any = None
    """[sample] which group each row belongs to, integers or strings, kept as numbers from 0; None where every row
    stands for itself. Rows of one group stay together in folds and are resampled together."""
    block_bytes: int = 64 * 2**20
    """Memory for the rows that are looked at together, in float64; predictions are never held as a whole."""
    _shared: dict[str, tuple[Any, Any]] = field(init=False, default_factory=dict, repr=False)
    """What was computed of the predictions, whatever the weights: the latest of each kind, shared by all views."""
    _views: Views | None = field(init=False, default=None, repr=False)
    _place: int = field(init=False, default=0, repr=False)
    """Which view of the batch this is."""

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
        if self.weights is not None:
            object.__setattr__(self, "weights", check_weights(on_host(self.weights), shape[1]))
        if self.groups is not None:
            groups = on_host(self.groups)
            check_groups(groups, shape[1])
            object.__setattr__(self, "groups", np.unique(groups, return_inverse=True)[1].astype(np.int64))
        _check_sums(self.log_probs)

    @property
    def probs(self) -> Floats:
        """[member, sample, class] probabilities in float64, all at once: for small pools."""
        return self.probs_of(range(self.members))

    def probs_of(self, team: Sequence[int], rows: NDArray[np.int64] | slice = slice(None)) -> Floats:
        """[member, sample, class] probabilities of some members on some rows, in float64: the ground of every score."""
        members = np.array(team, dtype=np.int64)
        place = (members, rows) if isinstance(rows, slice) else (members[:, None], rows[None])
        numbers: Floats = on_host(self.log_probs[place]).astype(np.float64)
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

    @property
    def row_weights(self) -> Floats:
        """[sample] how often each row counts."""
        return np.ones(len(self.labels)) if self.weights is None else np.asarray(self.weights)

    @property
    def total_weight(self) -> float:
        """The rows, as often as they count."""
        return float(len(self.labels) if self.weights is None else self.weights.sum())

    @property
    def counted(self) -> NDArray[np.int64] | slice:
        """The places of the rows that count at all."""
        return slice(None) if self.weights is None or self.weights.all() else np.flatnonzero(self.weights)

    @property
    def units(self) -> NDArray[np.int64]:
        """[sample] which of the units that are drawn together each row belongs to: its group, or itself."""
        return np.arange(len(self.labels)) if self.groups is None else np.asarray(self.groups)

    def weighted(self, weights: Any) -> Self:
        """The same rows with other weights [sample], in the place of those here: a view, without a copy.

        Raises:
            PredictionsError: not one weight a row, or negative, not finite, all zero.
        """
        return self.resampled(np.asarray(weights, dtype=np.float64)[None])[0]

    def rows(self, index: NDArray[np.int64]) -> Self:
        """Some of the rows, as often as the index names them, each with the weight it has: a view, without a copy."""
        return self.weighted(self.row_weights * np.bincount(index, minlength=len(self.labels)))

    def resampled(self, weights: Any) -> tuple[Self, ...]:
        """Views of the same rows with other weights [view, sample]; what needs all predictions is read once for all.

        Raises:
            PredictionsError: as `weighted` does.
        """
        batch = Views(np.array([check_weights(row, len(self.labels)) for row in weights]))
        views = tuple(copy(self) for _ in batch.weights)
        for place, (view, row) in enumerate(zip(views, batch.weights, strict=True)):
            for name, value in (("weights", row), ("_views", batch), ("_place", place)):
                object.__setattr__(view, name, value)
        return views

    def once(self, kind: str, of: Any, compute: Callable[[], R]) -> R:
        """What is computed of the predictions alone, kept for all views; of each kind the latest stays."""
        if not self.knows(kind, of):
            self._shared.pop(kind, None)  # let go first: two of a kind need not fit the memory
            self._shared[kind] = (of, compute())
        found: R = self._shared[kind][1]
        return found

    def knows(self, kind: str, of: Any) -> bool:
        """Whether `once` has computed this, and keeps it."""
        return kind in self._shared and self._shared[kind][0] == of

    def for_views(self, key: Any, compute: Callable[[Floats | None], Any]) -> Any:
        """This view's part of what is computed of weights [view, sample], or None, for all views that go together."""
        if self._views is None:
            return self.once("batch", key, lambda: compute(None if self.weights is None else self.weights[None]))[0]
        if key not in self._views.statistics:
            self._views.statistics[key] = compute(self._views.weights)
        return self._views.statistics[key][self._place]


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
    """Different teams that were scored; of a search among weights, its steps."""
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
