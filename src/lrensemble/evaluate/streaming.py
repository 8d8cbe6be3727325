"""Measure many predictors on one split in a single pass over blocks of rows: nothing holds predictions as a whole."""

from __future__ import annotations

import itertools
from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.kept import NUMBERS, Kept, way_of
from lrensemble.evaluate.predictors import Floats, Predictor, Said, Voices
from lrensemble.files import release
from lrensemble.pool import Pool

K = TypeVar("K", bound=Hashable)

BLOCK_BYTES = 64 * 2**20
"""Memory for what members say on the rows that are looked at together, in float64."""

KEPT_BYTES = 512 * 2**20
"""Memory for the numbers that are kept of predictors that are measured together; those beyond it are measured later."""

READ_BYTES = 256 * 2**20
"""Predictions that are read before the pages of the files are let go."""


@dataclass(frozen=True)
class Asked(Generic[K]):
    """What is asked of one predictor."""

    predictor: Predictor
    metrics: tuple[str, ...]
    """Metrics that it serves."""
    compared: tuple[K, ...] | None = None
    """Keys of others whose predictions may be the very same; None where it is measured alone, whose values of rows
    nobody needs afterwards."""


@dataclass(frozen=True, eq=False)
class Measured(Generic[K]):
    """What was measured of one predictor."""

    scores: dict[str, float | None]
    """Value of each metric; None where it is not defined on these rows."""
    values: dict[str, Floats] = field(default_factory=dict)
    """[sample] values that a metric is the mean of, for predictors that are compared."""
    same: frozenset[K] = frozenset()
    """Keys of those whose predictions are exactly these."""


class SplitReader:
    """The rows of one split: truth, weights, groups, and what members say."""

    def __init__(self, pool: Pool, split: str) -> None:
        self.split, self.target = split, pool.task.target
        self.truth, self.weights, self.groups = pool.truth(split), pool.weights(split), pool.groups(split)
        self.voices = Voices(self.target, {member.id: member.predictions(split) for member in pool.members()})

    def __len__(self) -> int:
        return len(self.truth)

    def measure(self, asked: Mapping[K, Asked[K]]) -> dict[K, Measured[K]]:
        """Measurements of all predictors; those that are compared are read together."""
        found: dict[K, Measured[K]] = {}
        for group in self._groups(asked):
            found |= self._measured({key: asked[key] for key in group})
        return found

    def whole(self, predictor: Predictor) -> Floats:
        """Predictions [sample, column] of one predictor on all rows."""
        return np.concatenate([said[predictor].predictions for _, said in self._blocks([predictor])])

    def _groups(self, asked: Mapping[K, Asked[K]]) -> Iterator[list[K]]:
        """Keys of predictors that are measured together: all that are compared, and others while they fit."""
        group = [key for key, own in asked.items() if own.compared is not None]
        size = sum(self._bytes(asked[key]) for key in group)
        for key, own in asked.items():
            if own.compared is not None:
                continue
            if group and size + self._bytes(own) > KEPT_BYTES:
                yield group
                group, size = [], 0
            group.append(key)
            size += self._bytes(own)
        yield group

    def _bytes(self, asked: Asked[K]) -> int:
        """Memory for what is kept of a predictor."""
        ways = [way_of(metric) for metric in asked.metrics]
        return 8 * len(self) * sum(NUMBERS.get(way, 2 * self.target.width) for way in ways)

    def _measured(self, asked: Mapping[K, Asked[K]]) -> dict[K, Measured[K]]:
        width = self.target.width
        kept = {key: {name: Kept(name, self.truth, width) for name in own.metrics} for key, own in asked.items()}
        same = {key: set(own.compared or ()) for key, own in asked.items()}
        for start, said in self._blocks([own.predictor for own in asked.values()]):
            for key, own in asked.items():
                block = said[own.predictor]
                for metric in kept[key].values():
                    metric.add(start, block.predictions, block.truth)
                same[key] -= {
                    other
                    for other in same[key]
                    if not np.array_equal(block.predictions, said[asked[other].predictor].predictions)
                }
        found = {}
        for key, own in asked.items():
            scores = {name: one.value(self.weights) for name, one in kept[key].items()}
            values = {name: one.values for name, one in kept[key].items() if one.values is not None}
            found[key] = Measured(scores, values if own.compared is not None else {}, frozenset(same[key]))
            del kept[key]
        return found

    def _blocks(self, predictors: Sequence[Predictor]) -> Iterator[tuple[int, Mapping[Predictor, Said]]]:
        """First row of each block, and what every predictor says there, found when it is asked for."""
        names = list(dict.fromkeys(itertools.chain.from_iterable(each.members for each in predictors)))
        mapped = [part for name in names for part in self.voices.predictions[name].parts.values()]
        row_bytes = 8 * len(names) * self.target.width
        step, unread = max(1, BLOCK_BYTES // row_bytes), 0
        for start in range(0, len(self), step):
            rows = slice(start, start + step)
            yield start, _Block(self.voices, rows, self.truth[rows])
            unread += sum(part[rows].nbytes for part in mapped)
            if unread > READ_BYTES:
                release(mapped)
                unread = 0
        release(mapped)


class _Block(dict[Predictor, Said]):
    """What predictors say on some rows: what members say is read once, and forgotten with the block."""

    def __init__(self, voices: Voices, rows: slice, truth: NDArray[Any]) -> None:
        super().__init__()
        self._voices, self._rows, self._truth = voices, rows, truth
        self._seen: dict[str, Floats] = {}

    def __missing__(self, predictor: Predictor) -> Said:
        for name in predictor.members:
            if name not in self._seen:
                self._seen[name] = self._voices.seen(name, self._rows)
        self[predictor] = found = self._voices.combined(predictor, self._seen, self._truth)
        return found
