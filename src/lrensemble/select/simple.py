"""The teams that need no search: the best member, all, the k best, and a draw at random."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

import numpy as np
from pydantic import Field

from lrensemble.errors import SelectionError
from lrensemble.select.base import SELECTORS, Selection, Validation, check_metric, equal_weights
from lrensemble.select.learned import members_that_learned
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
    """All members that have learned something, with equal weights; all members where none has.

    Members whose predictions tell nothing of the labels, at a level of 5 %, are listed in `details["learned_nothing"]`.
    """
    learned, details = members_that_learned(validation)
    return _selection(validation, learned, metric, consensus, 1, details)


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

    Members that have learned nothing are left out, as in `all`, even where fewer than k are left.

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
    learned, details = members_that_learned(validation)
    ranking = [member for member in _ranking(validation, metric, consensus) if member in learned]
    team = tuple(sorted(ranking[:size]))
    return _selection(validation, team, metric, consensus, validation.members, details)


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

    Members that have learned nothing are left out, as in `all`, even where fewer than `size` are left.

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
    learned, details = members_that_learned(validation)
    for row in weights:
        row[generator.choice(learned, size=min(size, len(learned)), replace=False)] = 1
    chosen = first_best(team_scorer(validation, metric, consensus)(weights))
    team = tuple(np.flatnonzero(weights[chosen]).tolist())
    return _selection(validation, team, metric, consensus, len(np.unique(weights, axis=0)), details)


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
    validation: Validation,
    team: tuple[int, ...],
    metric: SpecLike,
    consensus: SpecLike,
    tried: int,
    details: Mapping[str, Any] | None = None,
) -> Selection:
    check_metric(validation, metric)
    score = team_score(validation, team, metric=metric, consensus=consensus)
    return Selection(
        team, equal_weights(team), score, str(to_spec(metric)), str(to_spec(consensus)), tried, details=details or {}
    )
