"""Diversity of the members of pools and of their default teams, beside the scores: on the same test rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.predictors import Floats
from lrensemble.evaluate.study.findings.reader import PoolReader
from lrensemble.evaluate.study.record import Diversity
from lrensemble.metrics import METRICS
from lrensemble.metrics.diversity import diversity
from lrensemble.rows import sampled
from lrensemble.targets import Need

ERROR = "member error"

CELLS = 2 * 10**8
"""Numbers that pairs of members are compared in, at most: rows beyond it are left out at random."""


def diverse(name: str, readers: Sequence[PoolReader], teams: Sequence[Sequence[str]]) -> Diversity | None:
    """Diversity of the members of pools and of their teams, mean over replicates; None where members do not say enough.

    Args:
        name: name of the pools.
        readers: one for each replicate with members.
        teams: ids of the members of the default team of each.
    """
    found, of_teams, rows = list[dict[str, float]](), list[dict[str, float]](), 0
    for reader, team in zip(readers, teams, strict=True):
        places = _rows(reader)
        rows = len(places)
        found.append(_measured(reader, reader.ids, places))
        of_teams.append(_measured(reader, team, places))
    if not found or not found[0]:
        return None
    return Diversity(pool=name, of_pool=_means(found), of_team=_means(of_teams), rows=rows)


def _measured(reader: PoolReader, ids: Sequence[str], rows: NDArray[np.int64]) -> dict[str, float]:
    test = reader.test
    truth, weights = test.truth[rows], None if test.weights is None else test.weights[rows]
    said = [test.voices.predictions[name] for name in ids]
    served = frozenset.intersection(*(each.needs_served for each in said))
    found = dict[str, float]()
    for measure, need in test.target.diversity:
        if need in served:
            found[measure] = diversity(measure, _seen(reader, ids, rows, need), truth, weights=weights)
    if test.target.answers in served:
        found[ERROR] = _error(reader, ids, rows, truth, weights)
    return found


def _seen(reader: PoolReader, ids: Sequence[str], rows: NDArray[np.int64], need: Need) -> NDArray[Any]:
    """What a measure needs of members: [member, sample] classes, or [member, sample, column] numbers."""
    voices, width = reader.test.voices, reader.test.target.width
    if need == "labels":
        return np.stack([voices.predictions[name][rows].labels() for name in ids])
    return np.stack([voices.seen(name, rows)[:, :width] for name in ids])


def _error(
    reader: PoolReader, ids: Sequence[str], rows: NDArray[np.int64], truth: Any, weights: Floats | None
) -> float:
    """Mean over members of their error rate, or of their RMSE."""
    target = reader.test.target
    if not target.has_labels:
        said = _seen(reader, ids, rows, target.answers)
        given = () if weights is None else (weights,)
        return float(np.mean([METRICS.call("rmse", one, truth, *given) for one in said]))
    wrong = _seen(reader, ids, rows, "labels") != truth
    return float(np.average(wrong.mean(axis=0), weights=weights))


def _rows(reader: PoolReader) -> NDArray[np.int64]:
    """Places of all test rows, or of a sample of them where members are many."""
    return sampled(len(reader.test), CELLS // (max(1, len(reader.ids) ** 2) * reader.test.target.width))


def _means(found: Sequence[dict[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([each[name] for each in found])) for name in found[0]}
