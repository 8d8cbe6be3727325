"""Simulated annealing over subsets: for pools too large for an exhaustive search, and for what greedy misses."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lrensemble.limits import Count, Repeats
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.reduced import best_members
from lrensemble.select.methods.shared.scored import equal_team
from lrensemble.select.methods.shared.searching import DistinctTeams, Incumbent
from lrensemble.select.scoring.team_scores import first_best, team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

MOST_MEMBERS = 128
"""Members that take part: half of them are in a team at the beginning, and few steps would thin out more."""

COLDEST = 1e-3
"""The last temperature, as a share of the first."""


@SELECTORS.register(steps=50, chains=4)
def anneal(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    steps: Count = 500,
    chains: Repeats = 16,
) -> Selection:
    """The best team that simulated annealing has met (Kirkpatrick et al. 1983). Equal weights.

    Every chain begins with a random team and proposes, at each step, to let one member in or out, or to swap two. A
    worse team is accepted with probability exp(change / temperature). The temperature begins at the spread of the
    members' own scores and falls geometrically to a thousandth of it. In pools of more than 128 members the 128 best by
    their own scores take part, which `details["among"]` lists.

    Args:
        validation: the rows to choose on.
        metric: what teams are compared by.
        consensus: how members are combined.
        seed: of the moves.
        steps: of each chain.
        chains: searches side by side, each from a team of its own.
    """
    metric_text = check_metric(validation, metric, consensus)
    part = best_members(validation, MOST_MEMBERS, metric, consensus)
    return part.restored(_annealed(part.validation, metric_text, consensus, seed, steps, chains))


def _annealed(
    validation: Validation, metric: str, consensus: SpecLike, seed: int, steps: int, chains: int
) -> Selection:
    scorer = team_scorer(validation, metric, consensus)
    generator = np.random.default_rng(seed)
    own = scorer(np.eye(validation.members))
    incumbent = Incumbent()
    incumbent.update((first_best(own),), float(own.max()))
    teams = _random_teams(chains, validation.members, generator)
    scored = DistinctTeams(validation.members)
    scored.add(np.concatenate([np.eye(validation.members), teams]))
    scores = scorer(teams)
    hottest = max(float(own.std()), 1e-12)
    for temperature in hottest * COLDEST ** (np.arange(steps) / max(1, steps - 1)):
        best = first_best(scores)
        incumbent.update(tuple(np.flatnonzero(teams[best]).tolist()), float(scores[best]))
        proposed = _moved(teams, generator)
        scored.add(proposed)
        change = scorer(proposed) - scores
        accepted = generator.random(chains) < np.exp(np.minimum(change / temperature, 0))
        teams = np.where(accepted[:, None], proposed, teams)
        scores = np.where(accepted, scores + change, scores)
    best = first_best(scores)
    incumbent.update(tuple(np.flatnonzero(teams[best]).tolist()), float(scores[best]))
    return equal_team(validation, incumbent.team, metric, consensus, scored.count)


def _random_teams(chains: int, members: int, generator: np.random.Generator) -> NDArray[np.float64]:
    """[chain, member] teams that hold each member with a chance of one half, and at least one."""
    teams = (generator.random((chains, members)) < 0.5).astype(np.float64)
    teams[np.arange(chains), generator.integers(members, size=chains)] = 1
    return teams


def _moved(teams: NDArray[np.float64], generator: np.random.Generator) -> NDArray[np.float64]:
    """[chain, member] each team with one member let in or out, or two; a team that would be empty stays as it is."""
    chains, members = teams.shape
    moved, rows = teams.copy(), np.arange(chains)
    first, second = generator.integers(members, size=(2, chains))
    moved[rows, first] = 1 - moved[rows, first]
    both = (generator.random(chains) < 0.5) & (first != second)
    moved[rows[both], second[both]] = 1 - moved[rows[both], second[both]]
    empty = ~moved.any(axis=1)
    moved[empty] = teams[empty]
    return moved
