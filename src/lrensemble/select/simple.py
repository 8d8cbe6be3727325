"""The teams that need no search: the best member, all, the k best, and a draw at random."""

from __future__ import annotations

from typing import Annotated

import numpy as np
from pydantic import Field

from lrensemble.errors import SelectionError
from lrensemble.select.base import SELECTORS, Selection, Validation, check_metric, equal_weights
from lrensemble.select.scoring import first_best, team_score, team_scorer
from lrensemble.spec import SpecLike, to_spec

PositiveInt = Annotated[int, Field(gt=0)]
USUAL_SIZE = 5


@SELECTORS.register()
def best(validation: Validation, *, metric: SpecLike = "nll", consensus: SpecLike = "mean", seed: int = 0) -> Selection:
    """The single member with the best score; ties to the lowest index. The baseline of every sweep."""
    return _selection(validation, _ranking(validation, metric, consensus)[:1], metric, consensus, validation.members)


@SELECTORS.register("all")
def every(
    validation: Validation, *, metric: SpecLike = "nll", consensus: SpecLike = "mean", seed: int = 0
) -> Selection:
    """All members, with equal weights."""
    return _selection(validation, tuple(range(validation.members)), metric, consensus, 1)


@SELECTORS.register(k=3)
def top_k(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    k: PositiveInt | None = None,
) -> Selection:
    """The k members with the best scores of their own, with equal weights; ties to the lowest index.

    Args:
        validation: the rows to choose on.
        metric: what members are ranked by.
        consensus: how they are combined.
        seed: not used.
        k: how many; five, or all where there are fewer, unless given.

    Raises:
        SelectionError: k is above the number of members.
    """
    size = check_size(validation, k, "k")
    team = tuple(sorted(_ranking(validation, metric, consensus)[:size]))
    return _selection(validation, team, metric, consensus, validation.members)


@SELECTORS.register(size=3, trials=2)
def random(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    size: PositiveInt | None = None,
    trials: PositiveInt = 1,
) -> Selection:
    """A team drawn at random, without replacement; the best of `trials` draws, ties to the first.

    Args:
        validation: the rows to choose on.
        metric: what draws are compared by.
        consensus: how members are combined.
        seed: of the draws.
        size: members of the team; five, or all where there are fewer, unless given.
        trials: how many draws.

    Raises:
        SelectionError: size is above the number of members.
    """
    check_metric(validation, metric)
    size = check_size(validation, size, "size")
    generator = np.random.default_rng(seed)
    weights = np.zeros((trials, validation.members))
    for row in weights:
        row[generator.choice(validation.members, size=size, replace=False)] = 1
    chosen = first_best(team_scorer(validation, metric, consensus)(weights))
    team = tuple(np.flatnonzero(weights[chosen]).tolist())
    return _selection(validation, team, metric, consensus, trials)


def check_size(validation: Validation, size: int | None, name: str) -> int:
    """A team's size: as given, or five, or all where there are fewer.

    Raises:
        SelectionError: above the number of members.
    """
    if size is None:
        return min(USUAL_SIZE, validation.members)
    if size > validation.members:
        raise SelectionError(f"{name} = {size} is above the pool; it has {validation.members} members to choose from")
    return size


def _ranking(validation: Validation, metric: SpecLike, consensus: SpecLike) -> tuple[int, ...]:
    """All members, best first; ties to the lowest index."""
    check_metric(validation, metric)
    scores = team_scorer(validation, metric, consensus)(np.eye(validation.members))
    return tuple(np.argsort(-scores, kind="stable").tolist())


def _selection(
    validation: Validation, team: tuple[int, ...], metric: SpecLike, consensus: SpecLike, tried: int
) -> Selection:
    check_metric(validation, metric)
    score = team_score(validation, team, metric=metric, consensus=consensus)
    return Selection(team, equal_weights(team), score, str(to_spec(metric)), str(to_spec(consensus)), tried)
