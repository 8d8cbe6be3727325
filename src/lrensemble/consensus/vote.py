"""Votes: every member counts for its likeliest class alone (ties to the lowest class), or for its ranking of them."""

from __future__ import annotations

from lrensemble.consensus.arrays import Array
from lrensemble.consensus.average import mean
from lrensemble.consensus.base import CONSENSUS
from lrensemble.numerics import least_tie, likeliest, namespace


@CONSENSUS.register(needs="labels", averages="votes", linear=True)
def plurality(probs: Array, weights: Array) -> Array:
    """Weighted share of votes for each class; the class with most wins, ties to the lowest class (Kuncheva 2004, 4.2).

    Members that know only labels lose nothing here. Shares are coarse as probabilities: a class without a vote has 0.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.

    Returns:
        [sample, class] shares, summing to 1.
    """
    return mean(_votes(probs), weights)


@CONSENSUS.register()
def majority(probs: Array, weights: Array) -> Array:
    """Share of votes where one class has more than half of them, else the mean of probabilities (Kuncheva 2004, 4.2).

    So a row without a majority is not left open: there the members' confidence decides, and members that know only
    labels count as certain of them.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.

    Returns:
        [sample, class] probabilities.
    """
    xp = namespace(probs)
    shares = plurality(probs, weights)
    # A tie of two halves is no majority, also when rounding lifts one of them a little above 1/2.
    decided = least_tie(xp.max(shares, axis=1, keepdims=True)) > 1 / 2
    return xp.where(decided, shares, mean(probs, weights))


@CONSENSUS.register(targets=("classes",))
def borda(probs: Array, weights: Array) -> Array:
    """Weighted share of points for rank: 1 for a member's least likely class, up to C for its likeliest (Borda 1784).

    Equally likely classes share their points: a member that knows only labels gives C to its label and the same to all
    others. Shares are flat as probabilities, since every class has points: so would an answer that a row has not.

    Args:
        probs: [member, sample, class] probabilities.
        weights: [member], summing to 1.

    Returns:
        [sample, class] shares, summing to 1.
    """
    xp = namespace(probs)
    classes = probs.shape[2]
    least = least_tie(probs)
    # Ranked among both, a value has before it those of its own kind, which are taken off, and those of the other.
    among_both = _ranks(xp.concat([least, probs], axis=2))
    behind = among_both[:, :, :classes] - _ranks(least)  # [member, sample, class] how many are behind this one
    not_before = among_both[:, :, classes:] - _ranks(probs)  # how many this one ties with or is ahead of, itself too
    points = xp.astype(behind + not_before + 1, probs.dtype) / 2
    return mean(points, weights) / (classes * (classes + 1) / 2)


def _ranks(values: Array) -> Array:
    """Places along the last axis when sorted, from 0; equal values in their order."""
    xp = namespace(values)
    return xp.argsort(xp.argsort(values, axis=-1, stable=True), axis=-1)


def _votes(probs: Array) -> Array:
    """Votes [member, sample, class]: 1 at each member's likeliest class, 0 elsewhere."""
    xp = namespace(probs)
    classes = xp.arange(probs.shape[2], device=getattr(probs, "device", None))
    return xp.astype(likeliest(probs)[:, :, None] == classes, probs.dtype)
