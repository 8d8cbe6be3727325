"""How many different teams a search has scored, however often it came back to each."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ROUNDING = 1e-12
"""Sums of keys that are closer are those of the same team."""


@dataclass(eq=False)
class DistinctTeams:
    """Teams by their shares: two that weigh members in the same proportion are one.

    Every member has a random key, the same in each run of a program, and a team is known by the weighted mean of its
    members' keys. Of a million teams, one pair is taken for the same by chance.
    """

    members: int
    _seen: list[NDArray[np.int64]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.keys = np.random.default_rng(0).random(self.members)

    def see(self, weights: Floats) -> None:
        """Note teams [team, member]."""
        self._note(weights @ self.keys / weights.sum(axis=1))

    def see_additions(self, counts: Floats, candidates: NDArray[np.int64]) -> None:
        """Note the teams that come of `counts` [member] by each candidate added once."""
        self._note((counts @ self.keys + self.keys[candidates]) / (counts.sum() + 1))

    def _note(self, means: Floats) -> None:
        self._seen.append(np.unique(np.rint(means / ROUNDING).astype(np.int64)))

    @property
    def count(self) -> int:
        """How many different teams were noted."""
        return len(np.unique(np.concatenate(self._seen))) if self._seen else 0
