"""What a selector of one's own returns: a team of these members, whose score is measured here."""

from __future__ import annotations

import json
import math
import operator
from collections.abc import Callable, Sequence
from copy import copy
from dataclasses import replace
from typing import Any

from lrensemble.consensus import for_target
from lrensemble.errors import LREnsembleError, SelectionError
from lrensemble.metrics import METRICS
from lrensemble.rows import read_only
from lrensemble.select.base import SELECTORS, Selection, check_method, selector_for
from lrensemble.select.scoring.team_scores import team_score
from lrensemble.select.validation import Validation
from lrensemble.spec import Spec, SpecLike
from lrensemble.text import shortened

TOLERANCE = 1e-6
"""Largest accepted |Σ weights − 1|."""


def choosing(validation: Validation, method: SpecLike) -> Callable[..., Selection]:
    """A selector with its own arguments bound, as `selector_for`; of one's own, what it returns is checked.

    A team is stored and sealed: one that is none would be found damaged by every later command. The score is that which
    the team has, whatever the selector says of it.

    Raises:
        UnknownNameError, SpecError, SelectionError: as `selector_for` does. The selector refuses what is no selection
            among these members, with what it holds and what is allowed.
    """
    selector, spec = selector_for(validation, method), check_method(method)
    if SELECTORS.find(spec.name).shipped:
        return selector

    def chosen(validation: Validation, *, metric: SpecLike, consensus: SpecLike, seed: int) -> Selection:
        returned = selector(_read_only(validation), metric=metric, consensus=consensus, seed=seed)
        return _checked(validation, f"selector {spec.name!r} returned", METRICS.check(metric), returned)

    return chosen


def _read_only(validation: Validation) -> Validation:
    """A view of the same rows whose arrays nobody can write to."""
    view = copy(validation)
    for name in ("predictions", "truth", "weights", "groups", "choices"):
        object.__setattr__(view, name, read_only(getattr(validation, name)))
    return view


def _checked(validation: Validation, start: str, metric: Spec, returned: object) -> Selection:
    if not isinstance(returned, Selection):
        raise SelectionError(f"{start} {shortened(returned)}; it must return a lrensemble.select.Selection")
    team, weights = _team(returned, validation.members, start)
    consensus = _aimed(returned, metric, validation.target.kind, start)
    try:
        json.dumps(dict(returned.details), allow_nan=False)
    except (TypeError, ValueError) as error:
        raise SelectionError(
            f"{start} details that JSON cannot hold ({error}); give numbers, texts and lists"
        ) from None
    return replace(
        returned,
        team=team,
        weights=weights,
        score=team_score(validation, team, weights, metric=metric, consensus=consensus),
        tried=_whole([returned.tried], f"{start} tried =")[0],
    )


def _aimed(returned: Selection, metric: Spec, kind: str, start: str) -> Spec:
    """Consensus of a team that is by the metric that was asked for."""
    try:
        aimed = METRICS.check(returned.metric)
    except LREnsembleError:  # `metric=None`, for example, where a selector leaves out what it was given
        raise SelectionError(
            f"{start} a team by the metric {shortened(returned.metric)}; give {metric}, which it was asked for"
        ) from None
    if aimed != metric:
        raise SelectionError(f"{start} a team by {aimed}, and was asked for one by {metric}")
    try:
        return for_target(returned.consensus, kind)
    except LREnsembleError as error:
        raise SelectionError(f"{start} the consensus {shortened(returned.consensus)}: {error}") from None


def _team(returned: Selection, members: int, start: str) -> tuple[tuple[int, ...], tuple[float, ...]]:
    """Members in rising order, and their weights."""
    team = _whole(returned.team, f"{start} the team")
    shown = shortened(list(team))
    if not team or len(set(team)) < len(team) or min(team) < 0 or max(team) >= members:
        raise SelectionError(f"{start} the team {shown}; give different members, of 0 to {members - 1}, at least one")
    try:
        weights = tuple(map(float, returned.weights))
    except (TypeError, ValueError):
        weights = ()
    fits = len(weights) == len(team) and all(math.isfinite(weight) and weight >= 0 for weight in weights)
    if not fits or abs(math.fsum(weights) - 1) > TOLERANCE:
        raise SelectionError(
            f"{start} the weights {shortened(returned.weights)} of the team {shown}; "
            "give one for each, not negative, that sum to one"
        )
    rising = sorted(range(len(team)), key=team.__getitem__)
    return tuple(team[place] for place in rising), tuple(weights[place] for place in rising)


def _whole(given: Any, start: str) -> tuple[int, ...]:
    """Whole numbers of whatever type; true and false are none."""
    try:
        values: Sequence[Any] = tuple(given)
        if any(isinstance(value, bool) for value in values):
            raise TypeError
        return tuple(map(operator.index, values))
    except TypeError:
        raise SelectionError(f"{start} {shortened(given)}; give whole numbers") from None
