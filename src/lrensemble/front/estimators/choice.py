"""Choice of a team on out-of-fold predictions, and what came of it."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import SelectionError
from lrensemble.front.estimators.folds import Folds
from lrensemble.front.estimators.out_of_fold import Given, Heard
from lrensemble.front.estimators.record import OutOfFold, PointScore
from lrensemble.metrics.serving import require_target
from lrensemble.select import (
    SELECTORS,
    Selection,
    Validation,
    check_method,
    cross_fit,
    fitted_consensus,
    select,
    team_score,
)
from lrensemble.select.base import aim, selector_for
from lrensemble.spec import Spec, SpecLike
from lrensemble.targets import Predictions, Target

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Aim:
    """What a team is chosen by."""

    method: SpecLike
    metric: SpecLike | None
    consensus: SpecLike | None
    seed: int

    def check(self, said: Sequence[Predictions], target: Target) -> None:
        """Refuse names, and what members cannot serve, before anything is fitted.

        Args:
            said: predictions of one row by each member, in the form in which it will say them.
            target: what the truth is.

        Raises:
            UnknownNameError, SpecError: a name or an argument that is not known, or not for this target.
            SelectionError: a member that does not say what the metric, the consensus or the method needs.
        """
        require_target(SELECTORS, check_method(self.method), target.kind)
        row: NDArray[Any] = np.zeros(target.truth_shape(1), dtype=target.truth_type)
        validation = Validation(said, row, target=target)
        aim(validation, self.metric, self.consensus)
        selector_for(validation, self.method)


@dataclass(frozen=True)
class Choice:
    """A team of a grid's points."""

    selection: Selection
    """Its members are places in the grid."""
    consensus: Spec
    """Fitted consensus."""
    out_of_fold: OutOfFold


def choose(heard: Sequence[Heard], given: Given, folds: Folds, truth: NDArray[Any], target: Target, by: Aim) -> Choice:
    """Choose a team among the points that have predictions.

    Raises:
        Exception: that of the first point, where none has predictions.
        SelectionError: the method cannot choose as asked.
    """
    sound = [place for place, each in enumerate(heard) if each.error is None]
    _tell_failures(heard, bool(sound))
    said = tuple(each.predictions for each in heard if each.predictions is not None)
    validation = _validation(said, given, folds, truth, target)
    found = select(validation, by.method, metric=by.metric, consensus=by.consensus, seed=by.seed)
    learned = fitted_consensus(validation, found.team, found.weights, found.consensus)
    record = OutOfFold(
        _scores(heard, sound, validation, found),
        metric=found.metric,
        rows=len(validation.truth),
        unpredicted=len(truth) - len(np.unique(folds.rows)),
        team_score=found.score,
        cross_fitted=_cross_fitted(validation, found, by),
    )
    return Choice(replace(found, team=tuple(sound[member] for member in found.team)), learned, record)


def _tell_failures(heard: Sequence[Heard], some_sound: bool) -> None:
    failed = [each for each in heard if each.error is not None]
    if not some_sound:  # what is wrong is nearly always the same in all, and scikit-learn's own error says it best
        error = failed[0].error
        assert error is not None
        error.add_note(f"none of the {len(heard)} points of the grid could be fitted; the first is {_name(failed[0])}")
        raise error
    for each in failed:
        logger.warning("not in the choice, %s: %s", _name(each), _reason(each))


def _name(heard: Heard) -> str:
    return heard.point.name or "the estimator as it is"


def _reason(heard: Heard) -> str:
    """Why there are no predictions, in a line; empty where there are."""
    if heard.error is None:
        return ""
    return f"{type(heard.error).__name__}: {' '.join(str(heard.error).split())}"


def _validation(
    said: Sequence[Predictions], given: Given, folds: Folds, truth: NDArray[Any], target: Target
) -> Validation:
    """Predictions in the order of the folds. A row of several folds counts once in all, and its predictions are one
    group, so that they do not judge one another.
    """
    rows = folds.rows
    times = np.bincount(rows, minlength=len(truth))
    repeats = bool((times > 1).any())
    weights = None if given.weights is None else given.weights[rows]
    if repeats:
        weights = (1.0 if weights is None else weights) / times[rows]
    groups = given.groups if given.groups is not None or not repeats else np.arange(len(truth))
    return Validation(
        said, truth[rows], target=target, weights=weights, groups=None if groups is None else groups[rows]
    )


def _scores(
    heard: Sequence[Heard], sound: Sequence[int], validation: Validation, found: Selection
) -> tuple[PointScore, ...]:
    scores = {
        place: team_score(validation, (member,), metric=found.metric, consensus="mean")
        for member, place in enumerate(sound)
    }
    weights = dict(zip((sound[member] for member in found.team), found.weights, strict=True))
    return tuple(
        PointScore(
            name=_name(each),
            parameters=each.point.parameters,
            score=scores.get(place),
            weight=weights.get(place, 0.0),
            seconds=each.seconds,
            failure=_reason(each),
        )
        for place, each in enumerate(heard)
    )


def _cross_fitted(validation: Validation, found: Selection, by: Aim) -> float | None:
    try:
        return cross_fit(
            validation, by.method, metric=found.metric, consensus=found.consensus, seed=by.seed, repeats=1
        ).score
    except SelectionError:  # too few rows or groups to divide
        return None
