"""The validation rows of a pool, as selectors see them: what members say, the truth, and how often each row counts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError
from lrensemble.numerics import exponential
from lrensemble.rows import check_groups, check_weights, unmasked
from lrensemble.select.reading import ArrayReader, MembersReader, is_accelerated, is_by_member, on_host, reader
from lrensemble.targets import Choices, Need, Predictions, Target, inferred_target

R = TypeVar("R")
Floats = NDArray[np.float64]


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

    predictions: Any
    """What members say, in one array or member by member. Of classes an array holds natural logarithms of probabilities
    [member, sample, class]; of values, values [member, sample, output], or the means of all outputs and then their
    variances: numpy, memory-mapped or not, or torch. A tensor on a GPU stays there: what looks at all predictions then
    runs there too, and gives the same scores. Member by member, it is a sequence of `Predictions` of any forms."""
    truth: Any
    """[sample] class indices, int64; or [sample, output] values, float64."""
    target: Target = None  # type: ignore[assignment]  # filled in below, where it is not given
    """What the truth of a row is; where not given, values if the truth is floating-point, else as many classes as the
    array has columns."""
    cost: tuple[float, ...] = ()
    """For each member, what it costs to run, in any unit; empty where nobody asks."""
    weights: Any = None
    """[sample] how often each row counts, float64; once each where None."""
    groups: Any = None
    """[sample] which group each row belongs to, integers or strings, kept as numbers from 0; None where every row
    stands for itself. Rows of one group stay together in folds and are resampled together."""
    choices: Any = None
    """[sample] how many answers each row has, where the target is `Choices`: the first so many columns, the others are
    pads. All columns where None."""
    block_bytes: int = 64 * 2**20
    """Memory for the rows that are looked at together, in float64; predictions are never held as a whole."""
    _reader: ArrayReader | MembersReader = field(init=False, repr=False)
    _shared: dict[str, tuple[Any, Any]] = field(init=False, default_factory=dict, repr=False)
    """What was computed of the predictions, whatever the weights: the latest of each kind, shared by all views."""
    _views: Views | None = field(init=False, default=None, repr=False)
    _place: int = field(init=False, default=0, repr=False)
    """Which view of the batch this is."""

    def __post_init__(self) -> None:
        _require_unmasked(self)
        if not is_by_member(self.predictions) and not self.accelerated:
            object.__setattr__(self, "predictions", _as_numbers(self.predictions))
        object.__setattr__(self, "truth", on_host(self.truth))
        object.__setattr__(self, "cost", _as_costs(self.cost))
        if not is_by_member(self.predictions):
            shape = self.predictions.shape
            if len(shape) != 3 or 0 in shape:
                raise PredictionsError(
                    f"predictions have shape {shape}; give [member, sample, class], with at least one of each"
                )
        object.__setattr__(self, "target", self.target or self._inferred_target())
        object.__setattr__(self, "_reader", reader(self.predictions, self.target))
        members, rows, _ = self.shape
        if self.cost and len(self.cost) != members:
            raise PredictionsError(f"cost has {len(self.cost)} entries for {members} members; give one for each")
        if self.block_bytes < 1:
            raise PredictionsError(f"block_bytes = {self.block_bytes} is refused; give at least 1")
        if not all(0 <= cost < np.inf for cost in self.cost):
            raise PredictionsError(f"cost {self.cost} is refused: costs are finite and not negative")
        self.target.check_truth(self.truth, rows)
        if isinstance(self.target, Choices) and self.choices is not None:
            object.__setattr__(self, "choices", self.target.check_choices(on_host(self.choices), self.truth))
        if self.weights is not None:
            object.__setattr__(self, "weights", check_weights(on_host(self.weights), rows))
        if self.groups is not None:
            groups = on_host(self.groups)
            check_groups(groups, rows)
            object.__setattr__(self, "groups", np.unique(groups, return_inverse=True)[1].astype(np.int64))

    @property
    def shape(self) -> tuple[int, int, int]:
        """Members, rows, and columns of a dense prediction: classes, or outputs, twice as many for distributions."""
        return self._reader.shape

    def _inferred_target(self) -> Target:
        return inferred_target(self.truth, lambda: _classes_of(self.predictions, self.truth))

    @property
    def of_classes(self) -> bool:
        """Whether the truth is a class, or one of some choices."""
        return self.target.has_labels

    def needs_served(self, member: int) -> frozenset[Need]:
        """Needs of metrics and consensus functions that a member serves."""
        return self._reader.needs_served(member)

    @property
    def served(self) -> frozenset[Need]:
        """Needs that all members serve."""
        return frozenset.intersection(*map(self.needs_served, range(self.members)))

    def lacking(self, need: Need) -> int | None:
        """The first member that does not serve a need; None where all do."""
        return next((member for member in range(self.members) if need not in self.needs_served(member)), None)

    @property
    def by_member(self) -> tuple[Predictions, ...] | None:
        """Predictions member by member; None where they came in one array."""
        return self._reader.given if isinstance(self._reader, MembersReader) else None

    @property
    def probs(self) -> Floats:
        """[member, sample, class] probabilities in float64, all at once: for small pools."""
        return self.predictions_of(range(self.members))

    def raw(self, rows: NDArray[np.int64] | slice) -> NDArray[np.floating]:
        """[member, sample, column] of all members on some rows: log-probabilities of classes, or values, as stored."""
        return self._reader.dense(np.arange(self.members), rows)

    def predictions_of(self, team: Sequence[int], rows: NDArray[np.int64] | slice = slice(None)) -> Floats:
        """What consensus functions see of some members on some rows, in float64: the ground of every score.

        [member, sample, class] probabilities, or [member, sample, output] values, for distributions means and then
        variances.
        """
        numbers = self._reader.dense(np.array(team, dtype=np.int64), rows)
        return exponential(numbers) if self.of_classes else numbers.astype(np.float64)

    def of_members(self, team: Sequence[int]) -> Self:
        """The same rows with some of the members alone."""
        return type(self)(
            self._reader.members(team),
            self.truth,
            target=self.target,
            cost=tuple(self.cost[member] for member in team) if self.cost else (),
            weights=self.weights,
            groups=self.groups,
            choices=self.choices,
            block_bytes=self.block_bytes,
        )

    def of_truth(self) -> Floats:
        """[member, sample] the probability that each member gives the true class; the same array each time."""
        return self.once("of_labels", None, lambda: self._reader.of_truth(self.truth))

    def block_rows(self, members: int) -> int:
        """How many rows of so many members fit the memory of a block; at least one."""
        return max(1, self.block_bytes // (8 * members * self.shape[2]))

    @property
    def accelerated(self) -> bool:
        """Whether the predictions lie on a GPU."""
        return is_accelerated(self.predictions)

    @property
    def members(self) -> int:
        """How many members there are."""
        return self.shape[0]

    @property
    def row_weights(self) -> Floats:
        """[sample] how often each row counts."""
        return np.ones(len(self.truth)) if self.weights is None else np.asarray(self.weights)

    @property
    def total_weight(self) -> float:
        """The rows, as often as they count."""
        return float(len(self.truth) if self.weights is None else self.weights.sum())

    @property
    def counted(self) -> NDArray[np.int64] | slice:
        """The places of the rows that count at all."""
        return slice(None) if self.weights is None or self.weights.all() else np.flatnonzero(self.weights)

    @property
    def units(self) -> NDArray[np.int64]:
        """[sample] which of the units that are drawn together each row belongs to: its group, or itself."""
        return np.arange(len(self.truth)) if self.groups is None else np.asarray(self.groups)

    def weighted(self, weights: Any) -> Self:
        """The same rows with other weights [sample], in the place of those here: a view, without a copy.

        Raises:
            PredictionsError: not one weight a row, or negative, not finite, all zero.
        """
        return self.resampled(np.asarray(weights, dtype=np.float64)[None])[0]

    def rows(self, index: NDArray[np.int64]) -> Self:
        """Some of the rows, as often as the index names them, each with the weight it has: a view, without a copy."""
        return self.weighted(self.row_weights * np.bincount(index, minlength=len(self.truth)))

    def resampled(self, weights: Any) -> tuple[Self, ...]:
        """Views of the same rows with other weights [view, sample]; what needs all predictions is read once for all.

        Raises:
            PredictionsError: as `weighted` does.
        """
        batch = Views(np.array([check_weights(row, len(self.truth)) for row in weights]))
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


def _require_unmasked(given: Validation) -> None:
    for name in ("predictions", "truth", "weights", "groups", "choices"):
        unmasked(getattr(given, name), name)


def _as_numbers(given: Any) -> NDArray[Any]:
    """Predictions as an array of real numbers.

    Raises:
        PredictionsError: they are something else.
    """
    try:
        array = on_host(given)
    except ValueError:  # of lists
        raise PredictionsError(
            "predictions of members differ in shape; give [member, sample, class], the same rows and classes of all"
        ) from None
    if array.dtype.kind == "O" and array.ndim:
        try:
            return array.astype(np.float64)
        except (TypeError, ValueError):
            raise PredictionsError("predictions hold what is no number; give an array of floats") from None
    if array.dtype.kind not in "biuf" and array.ndim:
        raise PredictionsError(f"predictions are {array.dtype}; give an array of floats [member, sample, class]")
    return array


def _as_costs(given: Any) -> tuple[float, ...]:
    """Costs of members.

    Raises:
        PredictionsError: they are no numbers.
    """
    try:
        return tuple(float(cost) for cost in given)
    except (TypeError, ValueError):
        raise PredictionsError(f"cost {given!r} is refused; give one number for each member") from None


def _classes_of(predictions: Any, truth: NDArray[Any]) -> int:
    """Number of classes of predictions that come without a target."""
    if not is_by_member(predictions):
        return int(predictions.shape[2])
    widths = [one.main.shape[1] for one in predictions if one.form == "log_probs"]
    highest = max(
        int(array.max()) for array in (truth, *(one.main for one in predictions if one.main.dtype.kind in "iu"))
    )
    return int(max([*widths, 1 + highest]))
