"""A pruned team: members taken away one by one, the one that is missed least on `val` first, until it costs half."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from lrensemble.consensus import learned_on_rows
from lrensemble.errors import ExportError, PoolError
from lrensemble.evaluate import default_metric, validation_of
from lrensemble.export.ensemble import Ensemble
from lrensemble.pool import Pool
from lrensemble.select import fitted_consensus
from lrensemble.select.scoring.team_scores import Scorer, first_best, team_scorer

SHARE = 0.5
"""Share of the members that stay unless a size is given."""


def pruned(ensemble: Ensemble, pool: Pool, *, size: int | None = None) -> Ensemble:
    """A team without the members that it misses least (ensemble pruning by ordering, Margineantu & Dietterich 1997).

    Backward elimination: again and again the member goes without which the others score best on `val`, by the metric
    that teams of the pool aim at by default; of those that are missed equally little the last one. The others keep
    their weights, in proportion.

    Args:
        ensemble: ensemble of a team of the pool.
        pool: pool with the members' predictions on `val`.
        size: how many members stay; half of them, rounded up, unless given.

    Raises:
        ExportError: fewer than three members, or a size that is none of a smaller team.
        PoolError: a member that the pool does not have.
    """
    description = ensemble.description
    count = len(description.parts)
    left = math.ceil(SHARE * count) if size is None else size
    if count < 3 and size is None:
        raise ExportError(
            f"a team of {count} is not pruned: what is left of it would be a single model; "
            "export a larger team: --method all"
        )
    if not 1 <= left < count:
        raise ExportError(f"size = {size} is refused: the team has {count} members; give 1 to {count - 1}")
    pool = pool.still()
    places = {member.id: place for place, member in enumerate(pool.members())}
    missing = [part.id for part in description.parts if part.id not in places]
    if missing:
        raise PoolError(f"{pool.folder} has no member {missing[0]}; name the pool that the ensemble was made of")
    validation = validation_of(pool).of_members([places[part.id] for part in description.parts])
    weights = np.maximum(description.weights, np.finfo(np.float64).tiny)
    present = _present(team_scorer(validation, default_metric(pool), description.consensus), weights, left)
    kept = weights[present] / weights[present].sum()
    consensus = description.consensus
    if learned_on_rows(consensus):
        consensus = fitted_consensus(validation, present, kept.tolist(), consensus)
    changes = {
        "parts": tuple(description.parts[place] for place in present),
        "weights": tuple(kept.tolist()),
        "consensus": consensus,
        "stages": None,
    }
    return Ensemble([ensemble.members[place] for place in present], description.model_copy(update=changes))


def _present(scorer: Scorer, weights: NDArray[np.float64], left: int) -> list[int]:
    """Positions of the members that stay, by a scorer of weights [team, member]."""
    present = list(range(len(weights)))
    while len(present) > left:
        latest_first = present[::-1]
        candidates = np.zeros((len(present), len(weights)))
        candidates[:, present] = weights[present]
        candidates[np.arange(len(present)), latest_first] = 0.0
        present.remove(latest_first[first_best(scorer(candidates))])
    return present
