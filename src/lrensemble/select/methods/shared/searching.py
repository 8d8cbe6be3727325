"""What a search keeps account of: the best team so far, how many are as good, and how many different ones it scored."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from lrensemble.select.scoring.team_scores import SAME_SCORE

Floats = NDArray[np.float64]

ROUNDING = 1e-12
"""Sums of keys that are closer are those of the same team."""

TOGETHER = 256
"""Grown teams whose keys are found together."""


@dataclass(eq=False)
class DistinctTeams:
    """Teams by their shares: two that weigh members in the same proportion are one.

    Every member has a random key, the same in each run of a program, and a team is known by the weighted mean of its
    members' keys. Of a million teams, one pair is taken for the same by chance.
    """

    members: int
    _keys_of_teams: list[NDArray[np.int64]] = field(default_factory=list)
    _grown: list[tuple[Floats, NDArray[np.int64]]] = field(default_factory=list)
    """Counts [member] and candidates that are noted but have no keys yet: those of many are found together."""

    def __post_init__(self) -> None:
        self.keys = np.random.default_rng(0).random(self.members)

    def add(self, weights: Floats) -> None:
        """Note teams [team, member]."""
        self._note(weights @ self.keys / weights.sum(axis=1))

    def add_candidates(self, counts: Floats, candidates: NDArray[np.int64]) -> None:
        """Note the teams that come of `counts` [member] by each candidate added once; neither may change afterwards."""
        self._grown.append((counts, candidates))
        if len(self._grown) == TOGETHER:
            self._note_grown()

    def _note_grown(self) -> None:
        counts = np.array([before for before, _ in self._grown])
        added = np.concatenate([candidates for _, candidates in self._grown])
        times = [len(candidates) for _, candidates in self._grown]
        sums, sizes = np.repeat(counts @ self.keys, times), np.repeat(counts.sum(axis=1), times)
        self._note((sums + self.keys[added]) / (sizes + 1))
        self._grown.clear()

    def _note(self, means: Floats) -> None:
        self._keys_of_teams.append(np.rint(means / ROUNDING).astype(np.int64))

    @property
    def count(self) -> int:
        """How many different teams were noted."""
        if self._grown:
            self._note_grown()
        return len(np.unique(np.concatenate(self._keys_of_teams))) if self._keys_of_teams else 0


@dataclass
class Incumbent:
    """The best team of a search: ties go to the smaller team, then to the lowest indices."""

    team: tuple[int, ...] = ()
    """Empty before any team was scored."""
    score: float = -math.inf
    ties: int = 0
    """Teams whose scores are the same but for rounding, this one included."""

    def update(self, team: tuple[int, ...], score: float, ties: int = 1) -> None:
        """Compare a team, the first of `ties` that have this score."""
        if score > self.score + SAME_SCORE:
            self.team, self.score, self.ties = team, score, ties
        elif score >= self.score - SAME_SCORE and self.ties:
            self.team = min(self.team, team, key=lambda indices: (len(indices), indices))
            self.score = max(self.score, score)
            self.ties += ties
