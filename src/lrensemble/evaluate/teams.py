"""Choose teams from a pool on its `val` rows."""

from __future__ import annotations

import logging
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.config import Record
from lrensemble.consensus import combine
from lrensemble.errors import LREnsembleError, PoolError, SelectionError
from lrensemble.pool import Member, Pool
from lrensemble.select import (
    CrossFit,
    Selection,
    Stability,
    Validation,
    caution,
    cross_fit,
    fitted_consensus,
    select,
    stability,
)
from lrensemble.spec import SpecLike

logger = logging.getLogger(__name__)

DEFAULT_METRIC = "nll"
"""What teams aim at where all members can serve it."""

BLOCK = 4096
"""Rows combined at a time, so that memory is bounded by the team and not by the split."""


class Team(Record):
    """A team chosen from a pool, by the ids of its members."""

    method: str
    metric: str
    consensus: str
    """Fitted on `val`."""
    seed: int
    pool: tuple[str, ...] = Field(strict=False)
    """Ids of all members that could have been chosen."""
    team: tuple[str, ...] = Field(strict=False)
    weights: tuple[float, ...] = Field(strict=False)
    score: float
    """On `val`, by `metric`, higher is better: optimistic, since the team was chosen by it."""
    cross_fitted: float | None = None
    """The same score where every row is judged by a team chosen without it."""
    replicates: tuple[float | None, ...] = Field(default=(), strict=False)
    """That score on bootstrap resamples of the rows, the same ones for all teams: how far two teams differ by luck.
    None where the metric is not defined on a resample."""
    tried: int
    seconds: float
    caution: str = ""
    """A warning, where many teams were scored on few rows."""
    resamples: int = 0
    """Bootstrap resamples of the rows on which the method was tried again, for the two below."""
    optimism: float | None = None
    """How much higher the method's teams score on the resample they were chosen on than on `val` itself."""
    frequency: dict[str, float] = Field(default_factory=dict)
    """By id of a member, the share of the resamples on which it was chosen."""
    details: dict[str, object] = Field(default_factory=dict)


def validation_of(pool: Pool) -> Validation:
    """What selection may see of a pool: predictions and labels of `val`, and its rows' weights and groups.

    Raises:
        PoolError: the pool has no finished member.
    """
    members = pool.members()
    if not members:
        raise PoolError(f"{pool.folder} has no finished member to choose from; train or collect some first")
    return Validation(
        pool.stack("val"),
        pool.labels("val"),
        top1=tuple(member.kind == "top1" for member in members),
        cost=_costs(members),
        weights=pool.weights("val"),
        groups=pool.groups("val"),
    )


def default_metric(pool: Pool) -> str:
    """What teams aim at unless it is said: NLL, or accuracy where a member knows only labels."""
    return "accuracy" if any(member.kind == "top1" for member in pool.members()) else DEFAULT_METRIC


def _costs(members: Sequence[Member]) -> tuple[float, ...]:
    """The members' parameters, where all are known."""
    counts = [member.parameters for member in members]
    return tuple(float(count) for count in counts if count is not None) if None not in counts else ()


def choose(
    pool: Pool,
    method: SpecLike,
    *,
    metric: SpecLike | None = None,
    consensus: SpecLike = "mean",
    seed: int = 0,
    folds: int = 5,
    resamples: int = 0,
    validation: Validation | None = None,
) -> Team:
    """Choose a team on `val` and fit its consensus there.

    The method is also scored cross-fitted, unless `folds` is 0 or there are too few rows for it, and tried again on
    bootstrap resamples of the rows, as many as are asked for. Without a metric it is that of `default_metric`. Whoever
    chooses several times from one pool hands over its `validation`, and what it keeps is computed once.
    """
    validation, aim = validation or validation_of(pool), metric or default_metric(pool)
    selection = select(validation, method, metric=aim, consensus=consensus, seed=seed)
    honest, refusal = None, ""
    if folds:
        try:
            honest = cross_fit(validation, method, metric=aim, consensus=consensus, seed=seed, folds=folds)
        except SelectionError as error:  # too few rows or groups: what the method itself refuses, it has refused before
            refusal = str(error)
    again = (
        stability(validation, method, metric=aim, consensus=consensus, seed=seed, resamples=resamples)
        if resamples
        else None
    )
    team = team_of(pool, validation, selection, seed, honest, again)
    return team.model_copy(update={"caution": "; ".join(filter(None, (team.caution, refusal)))})


def try_to_choose(
    pool: Pool,
    method: SpecLike,
    *,
    metric: SpecLike | None = None,
    consensus: SpecLike = "mean",
    seed: int = 0,
    resamples: int = 0,
    validation: Validation | None = None,
) -> Team | str:
    """A team as by `choose`; where the method fails, in one line why, so that the others can go on."""
    try:
        return choose(
            pool,
            method,
            metric=metric,
            consensus=consensus,
            seed=seed,
            resamples=resamples,
            validation=validation,
        )
    except LREnsembleError as error:
        return str(error)
    except Exception as error:  # of a method of the user's own, or of a library: a row and not the end
        logger.debug("%s failed", method, exc_info=True)
        return f"{type(error).__name__}: {' '.join(str(error).split())}"


def team_of(
    pool: Pool,
    validation: Validation,
    selection: Selection,
    seed: int,
    honest: CrossFit | None,
    again: Stability | None = None,
) -> Team:
    """A selection's record, with ids for positions and its consensus fitted on `val`."""
    ids = tuple(member.id for member in pool.members())
    learned = fitted_consensus(validation, selection.team, selection.weights, selection.consensus)
    return Team(
        method=selection.method,
        metric=selection.metric,
        consensus=str(learned),
        seed=seed,
        pool=ids,
        team=tuple(ids[index] for index in selection.team),
        weights=selection.weights,
        score=selection.score,
        cross_fitted=None if honest is None or math.isnan(honest.score) else honest.score,
        replicates=() if honest is None else tuple(None if math.isnan(one) else one for one in honest.replicates),
        tried=selection.tried,
        seconds=selection.seconds,
        caution=caution(validation, selection, honest),
        resamples=again.resamples if again else 0,
        optimism=again.optimism if again else None,
        frequency=dict(zip(ids, again.frequency, strict=True)) if again else {},
        details=dict(selection.details),
    )


def predict(members: tuple[Member, ...], team: Team, split: str) -> NDArray[np.float64]:
    """The team's probabilities on a split: [sample, class], block by block."""
    by_id = {member.id: member for member in members}
    chosen = [by_id[name].predictions(split) for name in team.team]
    weights = np.asarray(team.weights, dtype=np.float64)
    blocks = []
    for start in range(0, len(chosen[0]), BLOCK):
        stacked = np.stack([p[start : start + BLOCK] for p in chosen]).astype(np.float64)
        blocks.append(combine(team.consensus, np.exp(stacked), weights))
    return np.concatenate(blocks)
