"""Ensemble selection (Caruana et al. 2004, 2006): add the member that helps most, again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Annotated

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.errors import SelectionError
from lrensemble.limits import Count, Repeats
from lrensemble.select.base import SELECTORS, Selection, check_metric
from lrensemble.select.methods.shared.forward_selection import Rules, best_prefix
from lrensemble.select.methods.shared.scored import weighted_team
from lrensemble.select.methods.shared.searching import DistinctTeams
from lrensemble.select.methods.shared.weights import (
    SHIFTS,
    Runs,
    enough_members,
    heaviest,
    without_negligible,
)
from lrensemble.select.scoring.incremental import incremental_team
from lrensemble.select.scoring.resample import bootstrap_weights
from lrensemble.select.scoring.team_scores import SAME_SCORE, first_best
from lrensemble.select.validation import Validation
from lrensemble.spec import SpecLike

Some = Annotated[int, Field(ge=0, le=10_000)]
Share = Annotated[float, Field(gt=0, le=1)]
USUAL_SIZE = 25


@SELECTORS.register(size=10, bootstrap=3)
def greedy(
    validation: Validation,
    *,
    metric: SpecLike = "nll",
    consensus: SpecLike = "mean",
    seed: int = 0,
    size: Repeats | None = None,
    replacement: bool = True,
    bootstrap: Some = 20,
    bag: Share = 1.0,
    keep: Share = 1.0,
    start: Some = 0,
    max_members: Count | None = None,
    max_cost: Annotated[float, Field(gt=0)] | None = None,
    tie_break: str | None = None,
    prune: bool = True,
) -> Selection:
    """Add the member that raises the score most, and return the best of all prefixes (Caruana et al. 2004, sec. 2).

    With replacement a member can be added again and so gains weight (sec. 2.2). With `bootstrap` the search runs on
    resampled rows, and the weights of all runs are averaged: what helped by luck on a few rows is drowned out. With
    `bag` below 1 each run draws the members that it may use (sec. 2.3). A cap binds every run, and after averaging the
    members of most weight stay, as many as the cap allows.

    With `prune` members whose weight brings nothing are dropped: of those below a weight of 0.02, together at most 0.1,
    the lightest go whose absence makes the team no worse on the rows that a run has not seen, by more than a quarter of
    the standard error of the difference. No weight is below 0.005. A team that scores below the best member alone gives
    it 0.25, 0.5, 0.75 or 0.9 of its weight, until it does not, or gives way to it. `details["dropped"]`
    counts those that went.

    Args:
        validation: the rows to choose on.
        metric: what is raised.
        consensus: how members are combined.
        seed: of the resampling and of the bags.
        size: additions at most; 25 unless given, or all members where there are fewer and none is added twice.
        replacement: whether a member can be added more than once.
        bootstrap: runs, each on resampled rows; 0 for one run on the rows as they are.
        bag: share of the members that each run may use, drawn anew for each; at least one.
        keep: share of the members that are good enough to be used at all, the best by their own score on all rows
            (Caruana et al. 2006, sec. 3.2).
        start: begin each run with so many of the best single members (2004, sec. 2.2).
        max_members: distinct members at most.
        max_cost: sum of the distinct members' costs at most; the validation must hold costs.
        tie_break: a second metric that decides between candidates of the same score.
        prune: whether members that bring nothing are dropped.

    Raises:
        SelectionError: size is above the pool, without replacement; or a cap that no member meets.
    """
    metric_text = check_metric(validation, metric, consensus)
    tie_metric = None if tie_break is None else check_metric(validation, tie_break)
    cost = _costs(validation, max_cost)
    if size is None:
        size = USUAL_SIZE if replacement else min(USUAL_SIZE, validation.members)
    if not replacement and size > validation.members:
        raise SelectionError(
            f"size = {size} is above the pool of {validation.members} and replacement is off; lower size, or allow it"
        )
    generator = np.random.default_rng(seed)
    drawn = [bootstrap_weights(validation, generator) for _ in range(bootstrap)]
    samples = validation.resampled([validation.row_weights, *drawn]) if drawn else (validation,)
    empty = incremental_team(samples[0], metric, consensus)
    own = empty.scores(np.arange(validation.members))
    usable = _usable(own, keep, cost, max_cost)
    scored, chosen = DistinctTeams(validation.members), []
    scored.add(np.eye(validation.members))
    for sample in samples[1:] or samples:
        rules = Rules(size, _bag(usable, bag, generator), replacement, start, max_members, max_cost, cost)
        tie = None if tie_metric is None else incremental_team(sample, tie_metric, consensus)
        team = empty if sample is samples[0] else incremental_team(sample, metric, consensus)
        counts, _ = best_prefix(team, tie, rules, scored)
        chosen.append(counts / counts.sum())
    unseen = [sample.row_weights == 0 for sample in samples[1:]] or [np.zeros(len(validation.truth), dtype=bool)]
    runs = Runs(np.array(chosen), np.array(unseen))
    weights = _capped(runs.weights.sum(axis=0), max_members, max_cost, cost)
    if not prune:
        return weighted_team(validation, weights, metric_text, consensus, scored.count)
    pruned = without_negligible(heaviest(weights, enough_members(validation, runs, metric, consensus)))
    capped = partial(_capped, max_members=max_members, max_cost=max_cost, cost=cost)
    found = _not_below_best(
        pruned,
        np.where(usable, own, -np.inf),
        capped,
        partial(weighted_team, validation, metric=metric_text, consensus=consensus, tried=scored.count),
    )
    return replace(found, details={"dropped": max(0, int(np.count_nonzero(weights)) - len(found.team))})


def _not_below_best(
    weights: NDArray[np.float64],
    own: NDArray[np.float64],
    capped: Callable[[NDArray[np.float64]], NDArray[np.float64]],
    selection_of: Callable[[NDArray[np.float64]], Selection],
) -> Selection:
    """The selection by weights [member], moved to the best of the members' own scores [member] until it is no worse."""
    alone: NDArray[np.float64] = np.eye(len(own))[first_best(own)]
    for shift in (0.0, *SHIFTS):
        found = selection_of(without_negligible(capped((1 - shift) * weights + shift * alone)))
        if found.score >= own.max() - SAME_SCORE:
            return found
    return selection_of(alone)


def _costs(validation: Validation, max_cost: float | None) -> NDArray[np.float64]:
    if max_cost is not None and not validation.cost:
        raise SelectionError("max_cost is given but the members have no costs; give them as Validation(cost=(…))")
    return np.array(validation.cost or (0.0,) * validation.members)


def _usable(
    scores: NDArray[np.float64], keep: float, cost: NDArray[np.float64], max_cost: float | None
) -> NDArray[np.bool_]:
    """[member] the best share by their own scores, at least one, ties to the lowest index; none above the cap on cost.

    Raises:
        SelectionError: none is left.
    """
    best = np.argsort(-scores, kind="stable")[: max(1, round(keep * len(scores)))]
    usable = np.zeros(len(scores), dtype=bool)
    usable[best] = True
    if max_cost is not None and not (usable & (cost <= max_cost)).any():
        raise SelectionError(f"no member costs at most {max_cost:g}; the cheapest costs {cost[best].min():g}")
    return usable & (cost <= max_cost) if max_cost is not None else usable


def _bag(usable: NDArray[np.bool_], share: float, generator: np.random.Generator) -> NDArray[np.bool_]:
    """[member] a share of the usable members drawn at random, at least one."""
    if share == 1:
        return usable
    members = np.flatnonzero(usable)
    bag = np.zeros(len(usable), dtype=bool)
    bag[generator.choice(members, size=max(1, round(share * len(members))), replace=False)] = True
    return bag


def _capped(
    weights: NDArray[np.float64], max_members: int | None, max_cost: float | None, cost: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Weights [member] of the heaviest members that the caps allow, zero for the others; ties to the lowest index."""
    kept = np.zeros(len(weights), dtype=bool)
    for member in np.argsort(-weights, kind="stable"):
        narrow = max_members is None or kept.sum() < max_members
        cheap = max_cost is None or cost[kept].sum() + cost[member] <= max_cost * (1 + 1e-12)
        kept[member] = weights[member] > 0 and narrow and cheap
    return np.where(kept, weights, 0.0)
