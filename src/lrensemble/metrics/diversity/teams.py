"""The teams that a measure is taken of: one, some, every pair, or every team of the pool.

A measure is written once, in means over a team's members and over its pairs; what a mean over *all* teams costs is
decided here. Sums over pairs of every team follow from those of the teams without their last member, an addition each.
A team of one counts as a pair of the member with itself.
"""

from __future__ import annotations

from functools import partial
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import PredictionsError

Values = NDArray[np.float64]
"""Number for each team: [] of one team, [member, member] of every pair, [team] of some or of all."""

MOST_MEMBERS = 28
"""Members at most: with more, the numbers of all teams would fill more than 2 GiB."""

_BLOCK = 1 << 20
"""Number of (team, pattern) cells in memory at a time; a few MiB, so that they stay in the cache."""


class Teams(Protocol):
    """Teams, as a measure needs them."""

    def sizes(self) -> Values:
        """Number of members of each team."""

    def over_members(self, values: Values) -> Values:
        """Mean over a team's members of a value [member]."""

    def over_pairs(self, matrix: Values) -> Values:
        """Mean over a team's pairs of a symmetric matrix [member, member]; of a team of one, its diagonal."""

    def minorities(self, wrong: NDArray[np.bool_], weights: Values) -> Values:
        """Weighted sum over rows of how many of a team are on the smaller side of right and wrong [member, sample]."""


class OneTeam:
    """All members together as one team."""

    def __init__(self, members: int) -> None:
        self.members = members

    def sizes(self) -> Values:
        """Number of members []."""
        return np.array(float(self.members))

    def over_members(self, values: Values) -> Values:
        """Mean over members []."""
        return np.asarray(values.mean())

    def over_pairs(self, matrix: Values) -> Values:
        """Mean over pairs []."""
        pairs = matrix[np.triu_indices(self.members, k=1)] if self.members > 1 else matrix
        return np.asarray(pairs.mean())

    def minorities(self, wrong: NDArray[np.bool_], weights: Values) -> Values:
        """Sum over rows of the smaller side []."""
        failing = wrong.sum(axis=0)
        return np.asarray(np.minimum(failing, self.members - failing) @ weights)


class SomeTeams:
    """Teams by their masks [team, member], with one member or more each: [team]."""

    def __init__(self, masks: NDArray[np.bool_]) -> None:
        self.masks = masks.astype(np.float64)

    def sizes(self) -> Values:
        """Number of members [team]."""
        return np.asarray(self.masks.sum(axis=1))

    def over_members(self, values: Values) -> Values:
        """Mean over members [team]."""
        return np.asarray(self.masks @ values / self.sizes())

    def over_pairs(self, matrix: Values) -> Values:
        """Mean over pairs [team]; a pair stands in the matrix twice, and a member with itself on the diagonal."""
        sizes, alone = self.sizes(), self.masks @ matrix.diagonal()
        both = ((self.masks @ matrix) * self.masks).sum(axis=1) - alone
        return np.where(sizes > 1, both / np.maximum(sizes * (sizes - 1), 1), alone)

    def minorities(self, wrong: NDArray[np.bool_], weights: Values) -> Values:
        """Sum over rows of the smaller side [team]."""
        found, errors = np.zeros(len(self.masks)), wrong.astype(np.float64)
        step = max(1, _BLOCK // max(1, len(self.masks)))
        for start in range(0, len(weights), step):
            failing = self.masks @ errors[:, start : start + step]
            found += np.minimum(failing, self.sizes()[:, None] - failing) @ weights[start : start + step]
        return found


class EveryPair:
    """Every two members as a team: [member, member], a member with itself on the diagonal."""

    def sizes(self) -> Values:
        """Number of members [], two for every pair."""
        return np.array(2.0)

    def over_members(self, values: Values) -> Values:
        """Mean of the two [member, member]."""
        return (values[:, None] + values[None, :]) / 2

    def over_pairs(self, matrix: Values) -> Values:
        """The matrix [member, member] as it is."""
        return matrix

    def minorities(self, wrong: NDArray[np.bool_], weights: Values) -> Values:
        """Weight of rows [member, member] that one of the two gets wrong and the other right."""
        return np.array([(wrong != one) @ weights for one in wrong])


class EveryTeam:
    """All teams of the pool: [team], the index being the mask whose bit i says that member i is in.

    Entry 0, the team of nobody, holds 0 in every mean.

    Raises:
        PredictionsError: more members than `MOST_MEMBERS`.
    """

    def __init__(self, members: int) -> None:
        if members > MOST_MEMBERS:
            raise PredictionsError(
                f"{members} members have 2^{members} teams; up to {MOST_MEMBERS} members are allowed here, "
                "choose among fewer or take one team at a time"
            )
        self.members = members

    def sizes(self) -> Values:
        """Number of members [team]."""
        return sums_over_members(np.ones(self.members))

    def over_members(self, values: Values) -> Values:
        """Mean over members [team]."""
        return sums_over_members(values) / np.maximum(self.sizes(), 1)

    def over_pairs(self, matrix: Values) -> Values:
        """Mean over pairs [team]."""
        sizes = self.sizes()
        means = sums_over_pairs(matrix) / np.maximum(sizes * (sizes - 1) / 2, 1)
        means[1 << np.arange(self.members)] = matrix.diagonal()
        return means

    def minorities(self, wrong: NDArray[np.bool_], weights: Values) -> Values:
        """Sum over rows of the smaller side [team]. Rows with the same members wrong are counted together."""
        powers = 1 << np.arange(self.members, dtype=np.int64)
        patterns, place = np.unique(powers @ wrong, return_inverse=True)
        times: Values = np.bincount(place, weights=weights, minlength=len(patterns)).astype(np.float64)
        smaller = partial(_minorities, patterns.astype(np.uint32), times)
        step = max(1, _BLOCK // max(1, len(patterns)))
        masks = np.arange(1 << self.members, dtype=np.uint32)
        return np.concatenate([smaller(masks[start : start + step]) for start in range(0, len(masks), step)])


def _minorities(patterns: NDArray[np.uint32], times: Values, masks: NDArray[np.uint32]) -> Values:
    failing = np.bitwise_count(masks[:, None] & patterns)
    return np.asarray(np.minimum(failing, np.bitwise_count(masks)[:, None] - failing) @ times)


def sums_over_members(values: Values) -> Values:
    """Sums [team] over the members of each team of values [member]."""
    sums = np.zeros(1 << len(values))
    for member, value in enumerate(values):
        np.add(sums[: 1 << member], value, out=sums[1 << member : 2 << member])
    return sums


def sums_over_pairs(matrix: Values) -> Values:
    """Sums [team] over the pairs i < j of each team of a matrix [member, member]."""
    sums = np.zeros(1 << len(matrix))
    for member, row in enumerate(matrix):
        np.add(sums[: 1 << member], sums_over_members(row[:member]), out=sums[1 << member : 2 << member])
    return sums
