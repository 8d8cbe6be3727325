"""Ensemble selection (Caruana et al. 2004): add the member that helps most, again and again."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.errors import SelectionError
from lrensemble.select.base import SELECTORS, Selection, Validation, check_metric
from lrensemble.select.scoring import SAME_SCORE, Scorer, first_best, team_score, team_scorer
from lrensemble.spec import SpecLike, to_spec


@SELECTORS.register(size=10, bootstrap=3)
def greedy(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    size: Annotated[int, Field(gt=0)] = 25,
    replacement: bool = True,
    bootstrap: Annotated[int, Field(ge=0)] = 20,
) -> Selection:
    """Add the member that raises the score most, and return the best of all prefixes (Caruana et al. 2004, sec. 2).

    With replacement a member can be added again and so gains weight (sec. 2.2). With `bootstrap` the search runs on
    resampled rows, and the weights of all runs are averaged: what helped by luck on a few rows is drowned out.

    Args:
        validation: the rows to choose on.
        metric: what is raised.
        consensus: how members are combined.
        seed: of the resampling.
        size: additions at most; without replacement not above the number of members.
        replacement: whether a member can be added more than once.
        bootstrap: resamples of the rows; 0 for one search on the rows as they are.

    Raises:
        SelectionError: size is above the pool, without replacement.
    """
    metric_text = check_metric(validation, metric)
    if not replacement and size > validation.members:
        raise SelectionError(
            f"size = {size} is above the pool of {validation.members} and replacement is off; lower size, or allow it"
        )
    generator = np.random.default_rng(seed)
    rows = len(validation.labels)
    weights, tried = np.zeros(validation.members), 0
    for _ in range(max(1, bootstrap)):
        sample = validation.rows(generator.integers(rows, size=rows)) if bootstrap else validation
        counts, looked_at = search(team_scorer(sample, metric, consensus), validation.members, size, replacement)
        weights += counts / counts.sum()
        tried += looked_at
    team = np.flatnonzero(weights)
    shares = tuple((weights[team] / weights.sum()).tolist())
    score = team_score(validation, team.tolist(), shares, metric=metric, consensus=consensus)
    return Selection(tuple(team.tolist()), shares, score, metric_text, str(to_spec(consensus)), tried)


def search(scorer: Scorer, members: int, size: int, replacement: bool) -> tuple[NDArray[np.float64], int]:
    """One greedy run: how often each member stands in the best prefix [member], and how many teams were scored.

    Ties go to the lowest index, and of equal prefixes to the shortest.
    """
    counts = np.zeros(members)
    best, best_score, tried = counts, -np.inf, 0
    for _ in range(size):
        candidates = np.arange(members) if replacement else np.flatnonzero(counts == 0)
        trial = counts + np.eye(members)[candidates]
        scores = scorer(trial)
        tried += len(candidates)
        chosen = first_best(scores)
        counts = trial[chosen]
        if scores[chosen] > best_score + SAME_SCORE:
            best, best_score = counts, float(scores[chosen])
    return best, tried
