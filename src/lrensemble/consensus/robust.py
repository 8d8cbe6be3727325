"""Averages that a few odd members cannot move: median and trimmed mean, of each class's probability or of values.

Where everything that is left of a row's probabilities is zero, as with certain members who all say something else, the
mean decides.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from lrensemble.consensus.arrays import Array
from lrensemble.consensus.average import mean
from lrensemble.consensus.base import CONSENSUS
from lrensemble.numerics import TIE, namespace

Trim = Annotated[float, Field(ge=0, lt=0.5)]

ROUNDING = TIE / 2
"""Largest difference of a sum of weights from one half that counts as equal to it."""


@CONSENSUS.register(for_values="median_of_values")
def median(probs: Array, weights: Array) -> Array:
    """Weighted median of each class's probability, normalised (Kittler et al. 1998).

    Between two middle members it is their mean. Of members that know only labels, the label that has more than half of
    the weight gets everything.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.

    Returns:
        [sample, class] probabilities.
    """
    return _normalised(median_of_values(probs, weights), mean(probs, weights))


@CONSENSUS.register(targets=("values",))
def median_of_values(values: Array, weights: Array) -> Array:
    """Weighted median of each value (Edgeworth 1888); of normal distributions, of each mean and each variance.

    Between two middle members it is their mean. `median` means this one where the target is values.

    Args:
        values: [member, sample, column] values.
        weights: [member], summing to 1.

    Returns:
        [sample, column] values.
    """
    xp = namespace(values)
    rising, _, upto = _sorted(values, weights)
    lower = xp.sum(xp.astype(upto < 0.5 - ROUNDING, xp.int64), axis=0)
    upper = xp.sum(xp.astype(upto <= 0.5 + ROUNDING, xp.int64), axis=0)
    return (_at(rising, lower) + _at(rising, upper)) / 2


@CONSENSUS.register(for_values="trimmed_mean_of_values", trim=0.25)
def trimmed_mean(probs: Array, weights: Array, *, trim: Trim = 0.2) -> Array:
    """Mean of each class's probability without its lowest and its highest share of the weight (Jose & Winkler 2008).

    A member at the border counts with the part of its weight that is inside. A label that only the trimmed share of
    members who know only labels name gets nothing.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.
        trim: share of the weight to leave out at each end.

    Returns:
        [sample, class] probabilities.
    """
    values, kept = _trimmed(probs, weights, trim)
    return _normalised(namespace(probs).sum(values * kept, axis=0), mean(probs, weights))


@CONSENSUS.register(targets=("values",), trim=0.25)
def trimmed_mean_of_values(values: Array, weights: Array, *, trim: Trim = 0.2) -> Array:
    """Mean of each value without its lowest and its highest share of the weight (Jose & Winkler 2008).

    A member at the border counts with the part of its weight that is inside. Of normal distributions, that of each mean
    and each variance. `trimmed_mean` means this one where the target is values.

    Args:
        values: [member, sample, column] values.
        weights: [member], summing to 1.
        trim: share of the weight to leave out at each end.

    Returns:
        [sample, column] values.
    """
    xp = namespace(values)
    rising, kept = _trimmed(values, weights, trim)
    return xp.sum(rising * kept, axis=0) / xp.sum(kept, axis=0)


def _trimmed(values: Array, weights: Array, trim: float) -> tuple[Array, Array]:
    """Values [member, sample, column] rising along members, and what is left of the weight of each."""
    xp = namespace(values)
    rising, shares, upto = _sorted(values, weights)
    return rising, xp.clip(upto, trim, 1 - trim) - xp.clip(upto - shares, trim, 1 - trim)


def _sorted(probs: Array, weights: Array) -> tuple[Array, Array, Array]:
    """Predictions [member, sample, column] rising along members, their weights, and the weights up to each."""
    xp = namespace(probs)
    order = xp.argsort(probs, axis=0)
    shares = weights[order]
    return xp.sort(probs, axis=0), shares, xp.cumulative_sum(shares, axis=0)


def _at(values: Array, places: Array) -> Array:
    """Values [sample, class] of [member, sample, class] at these places [sample, class] along members.

    Not take_along_axis: torch traces it for one number of rows alone.
    """
    xp = namespace(values)
    members = xp.arange(values.shape[0], device=getattr(values, "device", None))
    return xp.sum(xp.where(members[:, None, None] == places, values, xp.zeros_like(values)), axis=0)


def _normalised(values: Array, otherwise: Array) -> Array:
    xp = namespace(values)
    totals = xp.sum(values, axis=1, keepdims=True)
    return xp.where(totals > 0, values / xp.where(totals > 0, totals, xp.ones_like(totals)), otherwise)
