"""Greedy ensemble selection as it is defined: the loop of Caruana et al. (2004, sec. 2), and nothing else.

`greedy` chooses the same teams with an engine behind it (`shared/forward_selection`, which asks for the scores of all
candidates of a step together), and a test compares the two. What it does beside this loop, it does around it.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from lrensemble.select.scoring.team_scores import SAME_SCORE, first_best, team_score
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike


def ensemble_selection(
    validation: Validation, size: int, *, metric: SpecLike = "nll", consensus: SpecLike = "mean"
) -> tuple[int, ...]:
    """[member] how often each is in the team: the best prefix of `size` additions, each of the member that helps most.

    Ties go to the lowest index; of equal prefixes the shortest stays. A member of count c has weight c / sum of counts.
    """
    counts = best = (0,) * validation.members
    best_score = -math.inf
    for _ in range(size):
        candidates = [_one_more(counts, member) for member in range(validation.members)]
        scores = np.array([_score(validation, candidate, metric, consensus) for candidate in candidates])
        chosen = first_best(scores)
        counts = candidates[chosen]
        if scores[chosen] > best_score + SAME_SCORE:
            best, best_score = counts, float(scores[chosen])
    return best


def _one_more(counts: Sequence[int], member: int) -> tuple[int, ...]:
    return tuple(count + (place == member) for place, count in enumerate(counts))


def _score(validation: Validation, counts: Sequence[int], metric: SpecLike, consensus: SpecLike) -> float:
    team = [member for member, count in enumerate(counts) if count]
    weights = [float(counts[member]) for member in team]
    return team_score(validation, team, weights, metric=metric, consensus=consensus)
