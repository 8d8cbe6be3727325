"""Choose teams from a pool on its `val` rows, and keep them as `POOL/selections/*.json`.

A stored team names its members by id, so that it stays true when the pool grows.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from lrensemble.config import Record, to_record
from lrensemble.consensus import combine
from lrensemble.errors import LREnsembleError, PoolError, SelectionError
from lrensemble.files import read_json, to_json, write_whole
from lrensemble.pool import Member, Pool
from lrensemble.registry import require_known_paths
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
from lrensemble.spec import SpecLike, to_spec

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


def save(pool: Pool, team: Team) -> Path:
    """Write a team to `POOL/selections/`, in the place of an earlier one by the same method, metric and consensus."""
    key = json.dumps([team.method, team.metric, to_spec(team.consensus).name])
    name = f"{to_spec(team.method).name}-{hashlib.sha256(key.encode()).hexdigest()[:8]}.json"
    path = pool.folder / "selections" / name
    write_whole(path, to_json(team.model_dump(mode="json")).encode())
    return path


def load(pool: Pool) -> tuple[Team, ...]:
    """The teams stored in `POOL/selections/` that were chosen among the members that the pool has now.

    Raises:
        PoolError: there are stored teams, and all of them are stale.
        StorageError, ConfigError: a file is damaged.
        SpecError: a team needs code that was not asked for.
    """
    everything = _stored(pool)
    outdated = stale(pool)
    if everything and len(outdated) == len(everything):
        raise PoolError(f"no team in {pool.folder} is of today's members: {next(iter(outdated.values()))}")
    return tuple(team for path, team in everything.items() if path not in outdated)


def stale(pool: Pool) -> dict[Path, str]:
    """By the file of each stored team that was chosen among other members than the pool has now: what changed."""
    now = {member.id: member.name for member in pool.members()}
    found = {}
    for path, team in _stored(pool).items():
        came = [name for member, name in now.items() if member not in team.pool]
        gone = [member for member in dict.fromkeys((*team.pool, *team.team)) if member not in now]
        changes = [f"{len(came)} came ({came[0]}, …)" if len(came) > 1 else f"{came[0]} came"] if came else []
        changes += [f"{len(gone)} went ({gone[0]}, …)" if len(gone) > 1 else f"{gone[0]} went"] if gone else []
        if changes:
            again = f"choose again: lrensemble select {pool.folder} --method '{team.method}'"
            found[path] = (
                f"{team.method} was chosen among {len(team.pool)} members, and {' and '.join(changes)}; {again}"
            )
    return found


def _stored(pool: Pool) -> dict[Path, Team]:
    """All teams by their files, in the order of the file names."""
    found = {}
    for path in sorted((pool.folder / "selections").glob("[!.]*.json")):
        team = to_record(Team, read_json(path), str(path))
        require_known_paths(str(path), team.method, team.metric, team.consensus)
        found[path] = team
    return found


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
