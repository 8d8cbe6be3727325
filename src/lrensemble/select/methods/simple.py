"""The teams that need no search: the best member, all, the k best, and a draw at random."""

from __future__ import annotations

import numpy as np

from lrensemble.errors import SelectionError
from lrensemble.limits import Count, Runs
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.scored import equal_team
from lrensemble.select.scoring.learned import learned_nothing
from lrensemble.select.scoring.team_scores import first_best, team_scorer
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

USUAL_SIZE = 5


@SELECTORS.register()
def best(validation: Validation, *, metric: SpecLike = "nll", consensus: SpecLike = "mean", seed: int = 0) -> Selection:
    """The single member with the best score; ties to the lowest index. The baseline of every sweep."""
    return equal_team(validation, _ranking(validation, metric, consensus)[:1], metric, consensus, validation.members)


@SELECTORS.register("all")
def every(
    validation: Validation, *, metric: SpecLike = "nll", consensus: SpecLike = "mean", seed: int = 0
) -> Selection:
    """All members but those that learned nothing, with equal weights."""
    check_metric(validation, metric, consensus)
    return _chosen(validation, _useful(validation), metric, consensus, 1)


@SELECTORS.register(k=3)
def top_k(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    k: Count | None = None,
) -> Selection:
    """The k members with the best scores of their own, with equal weights; ties to the lowest index.

    Members that learned nothing are taken last, and unless k is given not at all.

    Args:
        validation: the rows to choose on.
        metric: what members are ranked by.
        consensus: how they are combined.
        seed: not used.
        k: how many; five, or all that learned something where these are fewer, unless given.

    Raises:
        SelectionError: k is above the number of members.
    """
    useful = _useful(validation)
    size = check_size(validation, k, "k", usual=len(useful))
    ranked = sorted(_ranking(validation, metric, consensus), key=lambda member: member not in useful)
    team = tuple(sorted(ranked[:size]))
    return _chosen(validation, team, metric, consensus, validation.members)


@SELECTORS.register(size=3, trials=2)
def random(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    size: Count | None = None,
    trials: Runs = 1,
) -> Selection:
    """A team drawn at random, without replacement; the best of `trials` draws, ties to the first.

    Members that learned nothing are not drawn, unless a larger team is asked for than there are others.

    Args:
        validation: the rows to choose on.
        metric: what draws are compared by.
        consensus: how members are combined.
        seed: of the draws.
        size: members of the team; five, or all that learned something where these are fewer, unless given.
        trials: how many draws.

    Raises:
        SelectionError: size is above the number of members.
    """
    check_metric(validation, metric, consensus)
    useful = _useful(validation)
    size = check_size(validation, size, "size", usual=len(useful))
    drawn_from = np.arange(validation.members) if size > len(useful) else np.array(useful)
    generator = np.random.default_rng(seed)
    weights = np.zeros((trials, validation.members))
    for row in weights:
        row[generator.choice(drawn_from, size=size, replace=False)] = 1
    chosen = first_best(team_scorer(validation, metric, consensus)(weights))
    team = tuple(np.flatnonzero(weights[chosen]).tolist())
    tried = len(np.unique(weights, axis=0))
    return _chosen(validation, team, metric, consensus, tried)


def check_size(validation: Validation, size: int | None, name: str, usual: int) -> int:
    """A team's size: as given, or five, or `usual` where that is less.

    Raises:
        SelectionError: above the number of members.
    """
    if size is None:
        return min(USUAL_SIZE, usual)
    if size > validation.members:
        raise SelectionError(f"{name} = {size} is above the pool; it has {validation.members} members to choose from")
    return size


def _ranking(validation: Validation, metric: SpecLike, consensus: SpecLike) -> tuple[int, ...]:
    """All members, best first; ties to the lowest index."""
    check_metric(validation, metric, consensus)
    scores = team_scorer(validation, metric, consensus)(np.eye(validation.members))
    return tuple(np.argsort(-scores, kind="stable").tolist())


def _useful(validation: Validation) -> tuple[int, ...]:
    """The members that learned something."""
    return tuple(np.flatnonzero(~learned_nothing(validation)).tolist())


def _chosen(
    validation: Validation, team: tuple[int, ...], metric: SpecLike, consensus: SpecLike, tried: int
) -> Selection:
    """A team with equal weights; where there are members that learned nothing, `details` lists them."""
    useless = np.flatnonzero(learned_nothing(validation)).tolist()
    return equal_team(validation, team, metric, consensus, tried, {"learned_nothing": useless} if useless else {})
