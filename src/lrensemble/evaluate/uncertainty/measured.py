"""Measure uncertainty: who predicts, on which rows."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial

import numpy as np

from lrensemble.evaluate.comparison import gains
from lrensemble.evaluate.gain import Gain
from lrensemble.evaluate.predictors import Predictor
from lrensemble.evaluate.streaming import SplitReader
from lrensemble.evaluate.uncertainty.foreign import Reader, foreign
from lrensemble.evaluate.uncertainty.record import Selective, Uncertainty
from lrensemble.evaluate.uncertainty.sets import sets
from lrensemble.evaluate.uncertainty.stored import foreign_readers
from lrensemble.metrics import METRICS
from lrensemble.metrics.base import Floats, Labels
from lrensemble.metrics.calibration import confidence_and_correctness
from lrensemble.pool import Pool
from lrensemble.spec import SpecLike

COVERAGES = (0.5, 0.8, 0.9)
"""Shares of the rows that are kept."""

COMPARED = ("aurc", *(f"accuracy_at_coverage(coverage={share})" for share in COVERAGES))

ENOUGH_ROWS = 2
"""Smallest number of rows that a curve is drawn through."""


def uncertainty(
    pool: Pool, metric: str, single: str, team: tuple[str, Predictor] | None, *, seed: int = 0
) -> Uncertainty | None:
    """Uncertainty of the best single model and of the judged team on the first test set, and on further ones.

    Args:
        pool: with test rows.
        metric: of the verdict.
        single: id of the best single model.
        team: key and predictor of the judged team; None where there is none.
        seed: of the division of rows and of the draws of conformal sets.

    Returns:
        None where the target is not classes, or somebody does not give probabilities of all of them.
    """
    tests = pool.task.test_sets
    reader = SplitReader(pool, tests[0])
    predictors = {"single": Predictor((single,))} | ({} if team is None else {"team": team[1]})
    if pool.task.target.kind != "classes" or len(reader) < ENOUGH_ROWS:
        return None
    if not all("probabilities" in reader.voices.served(each) for each in predictors.values()):
        return None
    by_row = {who: partial(reader.by_row, each) for who, each in predictors.items()}
    sure = {who: own(lambda probs, rows: right_and_wrong(probs, reader.truth[rows])) for who, own in by_row.items()}
    needed = {member for each in predictors.values() for member in each.members}
    readers: dict[str, Reader] = {name: SplitReader(pool, name) for name in tests[1:]}
    readers |= foreign_readers(pool, needed)
    return Uncertainty(
        metric=metric,
        member=single,
        method=None if team is None else team[0],
        rows=len(reader),
        single=_selective(sure["single"], reader),
        team=_selective(sure["team"], reader) if "team" in sure else None,
        gain={} if "team" not in sure else _gains(sure, reader),
        sets=sets(by_row, reader.truth, reader.weights, reader.groups, seed=seed),
        foreign={name: foreign(predictors, reader, other) for name, other in readers.items()},
    )


def right_and_wrong(probs: Floats, labels: Labels) -> Floats:
    """Confidence [sample, 2] as the probability of being right, or else of being wrong; the other one is zero.

    All that metrics of abstention need of probabilities, as probabilities of two classes, the first of which is true.
    """
    confidence, right = confidence_and_correctness(probs, labels).T
    return np.stack([confidence * right, confidence * (1 - right)], axis=1)


def _selective(sure: Floats, reader: SplitReader) -> Selective:
    truth = np.zeros(len(sure), dtype=np.int64)

    def value(metric: SpecLike) -> float:
        return float(METRICS.call(metric, sure, truth, *(() if reader.weights is None else (reader.weights,))))

    return Selective(
        aurc=value("aurc"),
        accuracy={f"{100 * share:.0f}": value(metric) for share, metric in zip(COVERAGES, COMPARED[1:], strict=True)},
    )


def _gains(sure: Mapping[str, Floats], reader: SplitReader) -> dict[str, Gain]:
    same = np.array_equal(sure["team"], sure["single"])
    truth, metrics = np.zeros(len(reader), dtype=np.int64), () if same else COMPARED
    return gains(sure["team"], sure["single"], truth, metrics=metrics, weights=reader.weights, groups=reader.groups)
