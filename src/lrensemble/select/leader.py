"""Keep the best of the teams seen so far, and how many are as good."""

from __future__ import annotations

import math
from dataclasses import dataclass

from lrensemble.select.scoring import SAME_SCORE


@dataclass
class Leader:
    """The best team of a search: ties go to the smaller team, then to the lowest indices."""

    team: tuple[int, ...] = ()
    """Empty before any team was seen."""
    score: float = -math.inf
    tied: int = 0
    """Teams whose scores are the same but for rounding, this one included."""

    def see(self, team: tuple[int, ...], score: float, tied: int = 1) -> None:
        """Look at a team, the first of `tied` that have this score."""
        if score > self.score + SAME_SCORE:
            self.team, self.score, self.tied = team, score, tied
        elif score >= self.score - SAME_SCORE and self.tied:
            self.team = min(self.team, team, key=lambda indices: (len(indices), indices))
            self.score = max(self.score, score)
            self.tied += tied
