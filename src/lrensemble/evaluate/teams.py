"""Choose teams from a pool on its `val` rows."""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from typing_extensions import TypedDict

from lrensemble.config import Record, SelectSettings
from lrensemble.errors import LREnsembleError, PoolError, SelectionError
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.streaming import SplitReader
from lrensemble.notebook import Shown
from lrensemble.pool import Member, Pool
from lrensemble.select import (
    SELECTORS,
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
from lrensemble.spec import Spec, SpecLike
from lrensemble.targets import Need, served_by_all
from lrensemble.text.counted import counted

logger = logging.getLogger(__name__)

DEFAULT_METRIC = "nll"
"""Metric that teams aim at where all members give probabilities of classes."""


class Team(Shown, Record):
    """A team chosen from a pool, by the ids of its members."""

    method: str
    metric: str
    consensus: str
    """Consensus fitted on `val`."""
    seed: int
    pool: tuple[str, ...] = Field(strict=False)
    """Ids of all members that could have been chosen."""
    team: tuple[str, ...] = Field(strict=False)
    weights: tuple[float, ...] = Field(strict=False)
    score: float
    """Score on `val` by `metric`, higher is better; optimistic, since the team was chosen by it."""
    cross_fitted: float | None = None
    """Cross-fitted score: every row is scored by a team chosen without it."""
    replicates: tuple[float | None, ...] = Field(default=(), strict=False)
    """Cross-fitted score on bootstrap resamples of the rows, the same ones for all teams; None where the metric is not
    defined on a resample."""
    tried: int
    seconds: float
    caution: str = ""
    """Warning where many teams were scored on few rows."""
    resamples: int = 0
    """Number of bootstrap resamples of the rows behind `optimism` and `frequency`."""
    optimism: float | None = None
    """Mean score of the method's teams on the resample that they were chosen on, minus their score on `val`."""
    frequency: dict[str, float] = Field(default_factory=dict)
    """Fraction of the resamples on which a member was chosen, by id."""
    details: dict[str, object] = Field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.team)

    def __iter__(self) -> Iterator[str]:  # type: ignore[override]  # of members, and not of fields
        return iter(self.team)

    def _headline(self) -> str:
        cross_fitted = "" if self.cross_fitted is None else f", cross-fitted {self.cross_fitted:.4f}"
        size = f"{len(self)} of {counted(len(self.pool), 'member')}"
        return f"{self.method}: {size}, {self.metric} {self.score:.4f}{cross_fitted}"

    def _table(self) -> list[dict[str, Any]]:
        """One row for each member of the team."""
        return [
            {"method": self.method, "member": member, "weight": weight}
            for member, weight in zip(self.team, self.weights, strict=True)
        ]


def validation_of(pool: Pool) -> Validation:
    """Validation data of a pool: predictions and labels of `val`, and weights and groups of its rows.

    Raises:
        PoolError: the pool has no finished member.
    """
    members = pool.members()
    if not members:
        raise PoolError(f"{pool.folder} has no finished member to choose from; train or collect some first")
    return Validation(
        tuple(member.predictions("val") for member in members),
        pool.truth("val"),
        target=pool.task.target,
        cost=_costs(members),
        weights=pool.weights("val"),
        groups=pool.groups("val"),
        choices=pool.choices("val"),
    )


def default_metric(pool: Pool) -> str:
    """Metric that teams aim at by default, by the target and what all members say."""
    return pool.task.target.default_metric(_served(pool))


def methods_of(asked: SelectSettings, pool: Pool) -> Sequence[Spec]:
    """Methods that `[select]` names, or those by default where it names none."""
    return asked.methods if "methods" in asked.model_fields_set else default_methods(pool)


def default_methods(pool: Pool) -> list[Spec]:
    """Methods by default: those of `[select]` that are for the pool's target and need no more than all members say."""
    served, kind = _served(pool), pool.task.target.kind
    facts = {spec: SELECTORS.facts(spec) for spec in SelectSettings().methods}
    return [spec for spec, each in facts.items() if kind in each.targets and each.needs in (None, *served)]


def default_consensus(pool: Pool) -> str:
    """Consensus of teams by default, by the target and what all members say."""
    return pool.task.target.default_consensus(_served(pool))


def _served(pool: Pool) -> frozenset[Need]:
    return served_by_all(member.predictions("val") for member in pool.members())


def _costs(members: Sequence[Member]) -> tuple[float, ...]:
    """Number of parameters of each member; empty where one is unknown."""
    counts = [member.parameters for member in members]
    return tuple(float(count) for count in counts if count is not None) if None not in counts else ()


class Procedure(TypedDict):
    """How a team is chosen: what `select` is given beside the rows, and again on other rows."""

    method: SpecLike
    metric: SpecLike
    consensus: SpecLike
    seed: int


def choose(
    pool: Pool,
    method: SpecLike,
    *,
    metric: SpecLike | None = None,
    consensus: SpecLike | None = None,
    seed: int = 0,
    folds: int = 5,
    resamples: int = 0,
    validation: Validation | None = None,
) -> Team:
    """Choose a team on `val`, fit its consensus there, and score the method (`cross_fitted_team`).

    Metric and consensus default to `default_metric` and `default_consensus`. For several choices from one pool, pass
    its `validation`: its cached statistics are then computed once.
    """
    pool = pool.still()
    validation = validation or validation_of(pool)
    metric, consensus = metric or default_metric(pool), consensus or default_consensus(pool)
    procedure = Procedure(method=method, metric=metric, consensus=consensus, seed=seed)
    selection = select(validation, **procedure)
    return cross_fitted_team(pool, validation, selection, procedure, folds=folds, resamples=resamples)


def cross_fitted_team(
    pool: Pool, validation: Validation, selection: Selection, how: Procedure, *, folds: int = 5, resamples: int = 0
) -> Team:
    """The team of a selection, with what its score is worth.

    Args:
        pool: whose members were chosen from.
        validation: its rows.
        selection: of these rows by the procedure.
        how: what is judged on other rows.
        folds: folds that it is cross-fitted over; 0 for none. Too few rows for it are a caution, and the team has no
            cross-fitted score.
        resamples: bootstrap resamples of the rows that it is tried again on, for the team's stability.
    """
    cross_fitted, refusal = None, ""
    if folds:
        try:
            cross_fitted = cross_fit(validation, **how, folds=folds)
        except SelectionError as error:  # too few rows or groups: what the method itself refuses, it has refused before
            refusal = str(error)
    repeated = stability(validation, **how, resamples=resamples) if resamples else None
    team = team_of(pool, validation, selection, how["seed"], cross_fitted, repeated)
    return team.model_copy(update={"caution": "; ".join(filter(None, (team.caution, refusal)))})


def why_not_chosen(method: SpecLike, error: Exception) -> str:
    """The reason in one line why a method has no team, by the error that ended it, so that others can go on."""
    if isinstance(error, LREnsembleError):
        return str(error)
    logger.debug("%s failed", method, exc_info=error)  # a method of the user's own, or a library
    return f"{type(error).__name__}: {' '.join(str(error).split())}"


def team_of(
    pool: Pool,
    validation: Validation,
    selection: Selection,
    seed: int,
    cross_fitted: CrossFit | None,
    repeated: Stability | None = None,
) -> Team:
    """Team of a selection, with ids for positions and its consensus fitted on `val`."""
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
        cross_fitted=None if cross_fitted is None or math.isnan(cross_fitted.score) else cross_fitted.score,
        replicates=()
        if cross_fitted is None
        else tuple(None if math.isnan(one) else one for one in cross_fitted.replicates),
        tried=selection.tried,
        seconds=selection.seconds,
        caution=caution(validation, selection, cross_fitted),
        resamples=repeated.resamples if repeated else 0,
        optimism=repeated.optimism if repeated else None,
        frequency=dict(zip(ids, repeated.frequency, strict=True)) if repeated else {},
        details=dict(selection.details),
    )


def predictor_of(team: Team) -> Predictor:
    """The team as somebody who predicts."""
    return Predictor(team.team, team.weights, team.consensus)


def predict(pool: Pool, team: Team, split: str) -> NDArray[np.float64]:
    """Predictions [sample, column] of a team on a split, computed block by block."""
    return SplitReader(pool, split).whole(predictor_of(team))
