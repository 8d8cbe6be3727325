"""Scores of variants on test rows, and their gains over the best single model and over the team."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from lrensemble.evaluate.comparison import gains_in_table
from lrensemble.evaluate.gain import Gain
from lrensemble.evaluate.predictors import Floats, Predictor
from lrensemble.evaluate.result import Scores
from lrensemble.evaluate.scores import measured_by, metrics_of_target
from lrensemble.evaluate.streaming import SplitReader
from lrensemble.evaluate.temperatures import SOFTENED, Temperatures
from lrensemble.evaluate.variants.record import SINGLE, TEAM, Kind
from lrensemble.evaluate.verdict import kind_by
from lrensemble.pool import Pool


@dataclass(frozen=True)
class VariantScores:
    """What was measured of one row of the table."""

    test: Scores
    gain: dict[str, Gain] = field(default_factory=dict)
    over_tempered: dict[str, Gain] = field(default_factory=dict)
    over_team: dict[str, Gain] = field(default_factory=dict)
    kind: Kind | None = None


def measured(
    pool: Pool, split: str, metric: str, predictors: Mapping[str, Predictor], said: Mapping[str, Floats]
) -> dict[str, VariantScores]:
    """Scores and gains of everybody, by name.

    Args:
        pool: with the rows of the split.
        split: a test set.
        metric: that the team aims at.
        predictors: members of the pool and their consensus, by name: `best single`, perhaps `team`, and variants that
            are members of the pool.
        said: predictions [sample, column] of the variants that are not.
    """
    reader = SplitReader(pool, split)
    single = predictors[SINGLE]
    able = [
        name
        for name in metrics_of_target(pool.task.target, [metric])
        if all(reader.voices.serves(each, name) for each in predictors.values())
    ]
    everybody = {name: reader.whole(each) for name, each in predictors.items()} | dict(said)
    compared = [name for name in dict.fromkeys((metric, *pool.task.target.compared)) if name in able]
    gain, over_team, over_tempered = (dict[str, dict[str, Gain]]() for _ in range(3))
    others = {name: own for name, own in everybody.items() if name != SINGLE}
    variants = {name: own for name, own in others.items() if name != TEAM}
    tempered = Temperatures(SplitReader(pool, "val"), single.members).predictors.get(single.members[0])
    for each in compared:
        gain[each] = _gains(each, others, everybody[SINGLE], reader)
        over_team[each] = _gains(each, variants, everybody[TEAM], reader) if TEAM in everybody else {}
        if tempered is not None and each in SOFTENED:
            distinct = {name: own for name, own in others.items() if not np.array_equal(own, everybody[SINGLE])}
            over_tempered[each] = _gains(each, distinct, reader.whole(tempered), reader)
    found = {}
    for name, own in everybody.items():
        gains, softened, over = (_of(name, each) for each in (gain, over_tempered, over_team))
        kind = _kind(metric, gains, softened) if name != SINGLE and metric in gains else None
        test = measured_by(able, own, _truth(reader, own), reader.target.width, reader.weights)
        found[name] = VariantScores(test, gains, softened, over, kind)
    return found


def _of(name: str, by_metric: Mapping[str, Mapping[str, Gain]]) -> dict[str, Gain]:
    return {metric: by_name[name] for metric, by_name in by_metric.items() if name in by_name}


def _gains(metric: str, said: Mapping[str, Floats], reference: Floats, reader: SplitReader) -> dict[str, Gain]:
    """Gains over a reference, adjusted for all of them."""
    if not said:
        return {}
    truth = _truth(reader, reference)
    return gains_in_table(metric, said, reference, truth, weights=reader.weights, groups=reader.groups)


def _truth(reader: SplitReader, said: Floats) -> Floats:
    """What predictions are compared with; of members that say the likelihood of the truth alone, their one column."""
    alone = reader.truth.ndim == 1 and said.shape[1] == 1
    truth: Floats = np.zeros_like(reader.truth) if alone else reader.truth
    return truth


def _kind(metric: str, gains: Mapping[str, Gain], over_tempered: Mapping[str, Gain]) -> Kind:
    """Outcome by gains that are adjusted for the rows of the table: nobody chose one of them beforehand."""
    if gains[metric].adjusted_p is None:
        return "the same"
    return kind_by(metric, _adjusted(gains), _adjusted(over_tempered))


def _adjusted(gains: Mapping[str, Gain]) -> dict[str, Gain]:
    """The same gains, whose interval and p-value are the adjusted ones."""
    return {
        name: each.model_copy(update={"low": each.adjusted_low, "high": each.adjusted_high, "p_value": each.adjusted_p})
        for name, each in gains.items()
        if each.adjusted_p is not None
    }
