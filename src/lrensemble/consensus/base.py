"""The registry of consensus functions, and the two ways in: `combine` and `fit`."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, overload

import numpy as np
from array_api_compat import is_array_api_obj
from numpy.typing import NDArray

from lrensemble.consensus.arrays import Array, like
from lrensemble.consensus.returned import checked
from lrensemble.errors import PredictionsError
from lrensemble.metrics.base import Truth
from lrensemble.metrics.serving import OF_CLASSES, as_targets, least_needs, require_target
from lrensemble.numerics import namespace
from lrensemble.registry import Call, Registry
from lrensemble.rows import repeated, unmasked
from lrensemble.spec import Spec, SpecLike, to_spec
from lrensemble.targets import Need

if TYPE_CHECKING:
    from torch import Tensor

Floats = NDArray[np.float64]

Arguments = Mapping[str, Any]
"""All arguments of a consensus, those by default included."""

ArgumentFit = Callable[..., Mapping[str, object]]
"""Function of (arguments, predictions [member, sample, column], truth [sample, …], weights [member], counts [sample])
to the arguments learned. Counts say how often each row counts; where the function takes none, rows are repeated."""


@dataclass(frozen=True)
class ConsensusFacts:
    """A consensus says what it is for, what it needs and learns, and whether it is an average."""

    targets: tuple[str, ...] = OF_CLASSES
    """Kinds of target that it combines predictions of: `classes`, `choices`, `values`."""
    needs: Need = "probabilities"
    """Least that it needs of members: `labels` where their likeliest classes are enough, `likelihood` where what it
    gives a class follows from what members give that class alone; `values`, or `distribution` for a mean and a variance
    of each. One that is for values alone needs values unless it says otherwise."""
    for_values: str = ""
    """Name of the consensus that does the same for values, where it is another function."""
    learns: ArgumentFit | None = None
    """Fit of the arguments that are learned from validation rows; None where none are."""
    averages: Literal["probabilities", "log_probabilities", "votes"] | None = None
    """Quantity whose weighted mean is highest for the likeliest class; None where it is no such average. Probabilities
    are in proportion to that mean, or to the exponential of a mean of logarithms: so the same classes tie."""
    linear: bool = False
    """Whether its probabilities are that weighted mean itself, and not only ordered by it."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "targets", as_targets(self.targets))
        object.__setattr__(self, "needs", least_needs(self.needs, self.targets))


CONSENSUS: Registry[Array, ConsensusFacts] = Registry(
    "consensus", ConsensusFacts, plural="consensus", call=Call(("predictions", "weights")), adapt=checked
)
"""Functions of (predictions [member, sample, column], weights [member] that sum to 1) to [sample, column]: of
probabilities of classes, of values, or of the means of values and then their variances."""


def for_target(consensus: SpecLike, target: str) -> Spec:
    """The consensus, checked, as it is for a kind of target: `median` of values is `median_of_values`.

    Args:
        consensus: a registered name with its arguments.
        target: `classes`, `choices` or `values`.

    Raises:
        UnknownNameError, SpecError: as `Registry.check` does, or it is not for this kind of target.
    """
    spec = CONSENSUS.check(consensus)
    facts = CONSENSUS.facts(spec)
    if target not in facts.targets and target not in OF_CLASSES and facts.for_values:
        return require_target(CONSENSUS, Spec(facts.for_values, spec.arguments), target)
    return require_target(CONSENSUS, spec, target)


@overload
def combine(consensus: SpecLike, probs: NDArray[Any], weights: Array | None = None) -> NDArray[Any]: ...
@overload
def combine(consensus: SpecLike, probs: Tensor, weights: Array | None = None) -> Tensor: ...
@overload
def combine(consensus: SpecLike, probs: Array, weights: Array | None = None) -> Array: ...
def combine(consensus: SpecLike, probs: Array, weights: Array | None = None) -> Array:
    """Members' predictions as one.

    Args:
        consensus: a registered name with its arguments, one for the target (`for_target`); one that learns must have
            been fitted.
        probs: [member, sample, class] probabilities or [member, sample, column] values, numpy, torch or lists.
        weights: [member], not negative; normalised here to sum to one. Equal where not given.

    Returns:
        [sample, class] probabilities, or [sample, column] values, of the same kind of array.

    Raises:
        PredictionsError: `probs` has not three axes or no member, or the weights do not fit.
    """
    unmasked(probs, "predictions")
    try:
        given = probs if is_array_api_obj(probs) else np.asarray(probs)
    except ValueError:  # of lists
        raise PredictionsError(
            "predictions of members differ in shape; give the same rows and columns of all"
        ) from None
    return CONSENSUS.call(consensus, given, _normalised(given, weights))


def fit(
    consensus: SpecLike,
    probs: Floats,
    labels: Truth,
    weights: Array | None = None,
    counts: Floats | None = None,
) -> Spec:
    """The consensus with what it learns from validation rows filled in; unchanged where it learns nothing.

    Args:
        consensus: a registered name with its arguments.
        probs: [member, sample, class] probabilities, or [member, sample, column] values, on validation rows.
        labels: [sample] class indices, or [sample, output] values.
        weights: [member] with which it will be combined. Equal where not given.
        counts: [sample] how often each row counts, positive; once each where not given.

    Raises:
        PredictionsError: as `combine` does, not one label or count a row, or counts that are no whole numbers for a
            consensus whose learner takes none.
    """
    spec = CONSENSUS.check(consensus)
    shares = _normalised(probs, weights)
    if labels.shape[:1] != probs.shape[1:2]:
        raise PredictionsError(f"labels have shape {labels.shape}; give one for each of {probs.shape[1]} rows")
    learner = CONSENSUS.facts(spec).learns
    if learner is None:
        return spec
    defaults = {name: own.default for name, own in CONSENSUS.arguments(spec.name).items()}
    times = np.ones(len(labels)) if counts is None else counts
    if times.shape != labels.shape[:1]:
        raise PredictionsError(f"counts have shape {times.shape}; give one for each of {probs.shape[1]} rows")
    arguments = defaults | dict(spec.arguments)
    if "counts" in inspect.signature(learner).parameters:
        learned = learner(arguments, probs, labels, shares, times)
    else:
        rows = repeated(times, f"what consensus {spec.name} learns takes no weights of rows")
        learned = learner(arguments, probs[:, rows], labels[rows], shares)
    return to_spec({"name": spec.name, **spec.arguments, **learned})


def learned_on_rows(consensus: SpecLike) -> bool:
    """Whether a consensus learns from validation rows."""
    return CONSENSUS.facts(CONSENSUS.check(consensus)).learns is not None


def require_fitted(name: str, known: tuple[int, ...], members: tuple[int, ...]) -> None:
    """Refuse learned numbers that are not of these members.

    Raises:
        PredictionsError: the shapes differ; the consensus must be fitted first.
    """
    if known != members:
        raise PredictionsError(
            f"{name} holds what was learned of {_shape(known)}, and is given {_shape(members)}; fit it to them first"
        )


def _shape(members: tuple[int, ...]) -> str:
    return " and ".join(f"{size} {axis}" for size, axis in zip(members, ("members", "classes"), strict=False))


def _normalised(probs: Array, weights: Array | None) -> Array:
    xp = namespace(probs)
    if probs.ndim != 3 or probs.shape[0] == 0:
        raise PredictionsError(f"probabilities have shape {tuple(probs.shape)}; give [member, sample, class]")
    # Weights that are plain numbers are checked as such: a program traced from tensors then asks nothing of them.
    given = np.ones(probs.shape[0]) if weights is None else weights
    shares = like(probs, given) if is_array_api_obj(given) and not isinstance(given, np.ndarray) else np.asarray(given)
    fits = tuple(shares.shape) == (probs.shape[0],)
    if not fits or bool((shares < 0).any()) or not 0 < float(shares.sum()) < np.inf:
        raise PredictionsError(
            f"weights {weights} do not fit {probs.shape[0]} members; give one for each, finite and not negative, "
            "not all zero"
        )
    shares = like(probs, shares)
    return shares / xp.sum(shares)


def averaged(consensus: str) -> str | None:
    """Quantity whose weighted mean is highest for the likeliest class of a consensus, by its name alone."""
    return CONSENSUS.facts(consensus).averages


def is_average(consensus: Spec) -> bool:
    """Whether the likeliest class of a consensus is the highest weighted mean of something."""
    return not consensus.arguments and averaged(consensus.name) is not None


def is_linear(consensus: Spec) -> bool:
    """Whether the probabilities of a consensus are a weighted mean of members' probabilities or votes."""
    return not consensus.arguments and CONSENSUS.facts(consensus).linear
