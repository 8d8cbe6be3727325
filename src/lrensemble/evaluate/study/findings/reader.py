"""One pool of one replicate: what is chosen from it on `val`, and what that says on `test`."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, TypeVar

import numpy as np

from lrensemble.consensus import CONSENSUS, fit
from lrensemble.evaluate.comparison import is_mean
from lrensemble.evaluate.predictors import Floats, Predictor
from lrensemble.evaluate.result import Scores
from lrensemble.evaluate.scores import metrics_of_target, record_of
from lrensemble.evaluate.streaming import Asked, SplitReader
from lrensemble.evaluate.streaming import Measured as Of
from lrensemble.evaluate.study.record import TEMPERED
from lrensemble.evaluate.teams import validation_of
from lrensemble.evaluate.temperatures import FITTED_CELLS
from lrensemble.pool import Pool
from lrensemble.rows import sampled
from lrensemble.select import Validation, fitted_consensus, learned_nothing, select
from lrensemble.spec import Spec, SpecLike, to_spec

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True)
class Aim:
    """What teams are chosen for, the same in all pools of a study."""

    metric: str
    consensus: str
    method: SpecLike
    """Method of the default teams."""
    measures: tuple[str, ...]
    """Metrics, and perhaps `TEMPERED`, that scores are given by."""
    seed: int = 0

    @property
    def metrics(self) -> tuple[str, ...]:
        """Measures that are metrics of predictions as they are."""
        return tuple(measure for measure in self.measures if measure != TEMPERED)


@dataclass(frozen=True, eq=False)
class Measured:
    """Scores of one predictor on test, and by row what they are made of."""

    scores: dict[str, float]
    """By measure."""
    rows: dict[str, Floats] = field(default_factory=dict)
    """By measure, [sample] values that it is the mean of, or [sample, column] predictions where it is no mean."""


class PoolReader:
    """The members of one pool, read once."""

    def __init__(self, pool: Pool, aim: Aim) -> None:
        self.pool, self.aim, self.members = pool, aim, pool.members()
        self.test_set = pool.task.test_sets[0]
        self.ids = tuple(member.id for member in self.members)

    @cached_property
    def validation(self) -> Validation:
        """Rows of the selection."""
        return validation_of(self.pool)

    @cached_property
    def val(self) -> SplitReader:
        """What members say on `val`."""
        return SplitReader(self.pool, "val")

    @cached_property
    def test(self) -> SplitReader:
        """What members say on the first test set."""
        return SplitReader(self.pool, self.test_set)

    @cached_property
    def useful(self) -> tuple[int, ...]:
        """Positions of members that learned something."""
        useless = learned_nothing(self.validation)
        return tuple(np.flatnonzero(~useless).tolist())

    def chosen(self, method: SpecLike, among: Sequence[int] | None = None) -> Predictor:
        """The team that a method chooses on `val`, among some members or all."""
        rows = self.validation if among is None else self.validation.of_members(among)
        ids = self.ids if among is None else [self.ids[member] for member in among]
        aim = self.aim
        found = select(rows, method, metric=aim.metric, consensus=aim.consensus, seed=aim.seed)
        learned = fitted_consensus(rows, found.team, found.weights, found.consensus)
        return Predictor(tuple(ids[member] for member in found.team), found.weights, str(learned))

    def equal(self, team: Sequence[int]) -> Predictor:
        """Some members with equal weights, their consensus fitted on `val`."""
        weights = (1 / len(team),) * len(team)
        learned = fitted_consensus(self.validation, team, weights, self.aim.consensus)
        return Predictor(tuple(self.ids[member] for member in team), weights, str(learned))

    def tempered(self, predictor: Predictor, cells: int = FITTED_CELLS) -> Predictor:
        """The predictor with the temperature that lowers its NLL on `val` most, or on a sample of its rows.

        Args:
            predictor: whose predictions are probabilities.
            cells: number of probabilities that it is fitted to, at most.
        """
        val = self.val
        rows = sampled(len(val), cells // val.target.width)
        seen = {name: val.voices.seen(name, rows) for name in predictor.members}
        said = val.voices.combined(predictor, seen, val.truth[rows])
        weights = None if val.weights is None else val.weights[rows]
        fitted = fit("tempered", said.predictions[None], said.truth, counts=weights)
        inner = to_spec(predictor.consensus or "mean")
        softened = Spec("tempered", {"consensus": inner, "temperature": fitted.arguments["temperature"]})
        return Predictor(predictor.members, predictor.weights, str(CONSENSUS.check(softened)))

    def measure(self, predictors: Mapping[K, Predictor], *, rows: bool = False, cells: int = 0) -> dict[K, Measured]:
        """Test scores of predictors by the measures of the study.

        Args:
            predictors: by key.
            rows: whether to keep what the scores are made of, row by row.
            cells: number of probabilities that temperatures are fitted to, at most; without temperatures where 0.
        """
        asked = dict[tuple[K, bool], Asked[tuple[K, bool]]]()
        compared = () if rows else None
        for key, predictor in predictors.items():
            asked[key, False] = Asked(predictor, self._served(predictor), compared)
            if cells and TEMPERED in self.aim.measures:
                asked[key, True] = Asked(self.tempered(predictor, cells), ("nll",), compared)
        found = self.test.measure(asked)
        measured = {key: _measured(found[key, False], found.get((key, True))) for key in predictors}
        if rows:
            for key, predictor in predictors.items():
                self._add_whole(measured[key], predictor)
        return measured

    def scores(self, predictor: Predictor, split: str) -> Scores:
        """All scores of a predictor on a split, as a record."""
        reader = self.val if split == "val" else self.test
        wanted = metrics_of_target(reader.target, self.aim.metrics)
        asked = Asked[int](predictor, tuple(m for m in wanted if reader.voices.serves(predictor, m)))
        return record_of(reader.measure({0: asked})[0].scores)

    def _served(self, predictor: Predictor) -> tuple[str, ...]:
        return tuple(metric for metric in self.aim.metrics if self.test.voices.serves(predictor, metric))

    def _add_whole(self, measured: Measured, predictor: Predictor) -> None:
        """Keep predictions on all rows for the measures that are no means over rows."""
        others = [metric for metric in measured.scores if metric != TEMPERED and not is_mean(metric)]
        if others:
            measured.rows.update(dict.fromkeys(others, self.test.whole(predictor)))


def _measured(plain: Of[Any], tempered: Of[Any] | None) -> Measured:
    scores = {metric: value for metric, value in plain.scores.items() if value is not None}
    rows = dict(plain.values)
    loss = None if tempered is None else tempered.scores["nll"]
    if tempered is not None and loss is not None:
        scores[TEMPERED] = loss
        rows |= {TEMPERED: tempered.values["nll"]} if tempered.values else {}
    return Measured(scores, rows)
