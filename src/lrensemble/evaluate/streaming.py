"""Measure many predictors on one split in a single pass over blocks of rows: nothing holds predictions as a whole."""

from __future__ import annotations

import itertools
import os
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from lrensemble.evaluate.kept import Kept
from lrensemble.evaluate.predictors import Floats, Predictor, Said, Voices
from lrensemble.files import release
from lrensemble.metrics.reduction import NUMBERS, reduction_of
from lrensemble.pool import Pool

K = TypeVar("K", bound=Hashable)
R = TypeVar("R")

Compute = Callable[[Floats, slice], NDArray[Any]]
"""From the predictions [sample, column] of some rows, and their places, to what is wanted of each [sample, …]."""

BLOCK_BYTES = 32 * 2**20
"""Memory for what members say on the rows of one block, in float64."""

ROW_BLOCK_BYTES = 4 * 2**20
"""The same where one predictor is looked at, of whose rows more is computed: sets of classes take several such."""

KEPT_BYTES = 512 * 2**20
"""Memory for the numbers that are kept of predictors that are measured together; those beyond it are measured later."""

THREADS = 4
"""Blocks that are looked at together, at most."""

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
        return self.by_row(predictor, lambda predictions, _: predictions)

    def by_row(self, predictor: Predictor, compute: Compute) -> NDArray[Any]:
        """What is computed of each row [sample, …]; predictions are forgotten with their block."""

        def look(block: _Block) -> NDArray[Any]:
            predictions = block[predictor].predictions
            return compute(predictions, slice(block.start, block.start + len(predictions)))

        return np.concatenate(list(self._looked_at([predictor], look, ROW_BLOCK_BYTES)))

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
        ways = [reduction_of(metric) for metric in asked.metrics]
        return 8 * len(self) * sum(NUMBERS.get(way, 2 * self.target.width) for way in ways)

    def _measured(self, asked: Mapping[K, Asked[K]]) -> dict[K, Measured[K]]:
        kept = {
            key: {name: Kept(name, self.truth, self.target.width) for name in own.metrics} for key, own in asked.items()
        }
        same = {key: set(own.compared or ()) for key, own in asked.items()}

        def look(block: _Block) -> list[tuple[K, K]]:
            """Take in a block; pairs of predictors that differ there."""
            differ = []
            for key, own in asked.items():
                said = block[own.predictor]
                for metric in kept[key].values():
                    metric.add(block.start, said.predictions, said.truth)
                others = ((other, block[asked[other].predictor].predictions) for other in tuple(same[key]))
                differ += [(key, other) for other, theirs in others if not np.array_equal(said.predictions, theirs)]
            return differ

        for differ in self._looked_at([own.predictor for own in asked.values()], look):
            for key, other in differ:
                same[key].discard(other)
        found = {}
        for key, own in asked.items():
            scores = {name: one.value(self.weights) for name, one in kept[key].items()}
            values = {name: one.values for name, one in kept[key].items() if one.values is not None}
            found[key] = Measured(scores, values if own.compared is not None else {}, frozenset(same[key]))
            del kept[key]
        return found

    def _looked_at(
        self, predictors: Sequence[Predictor], look: Callable[[_Block], R], block_bytes: int = BLOCK_BYTES
    ) -> Iterator[R]:
        """What is found of each block of rows, in order; the first one alone, the others a few at once."""
        names = list(dict.fromkeys(itertools.chain.from_iterable(each.members for each in predictors)))
        mapped = [part for name in names for part in self.voices.predictions[name].parts.values()]
        step = max(1, block_bytes // (8 * len(names) * self.target.width))
        starts = range(0, len(self), step)

        def looked(start: int) -> R:
            return look(_Block(self.voices, slice(start, start + step), self.truth[start : start + step]))

        yield looked(0)
        unread, block_bytes = 0, sum(part[:step].nbytes for part in mapped)
        if len(starts) > 1:
            with ThreadPoolExecutor(min(THREADS, os.cpu_count() or 1)) as threads:
                for found in threads.map(looked, starts[1:]):
                    yield found
                    unread += block_bytes
                    if unread > READ_BYTES:
                        release(mapped)
                        unread = 0
        release(mapped)


class _Block(dict[Predictor, Said]):
    """What predictors say on some rows: what members say is read once, and forgotten with the block."""

    def __init__(self, voices: Voices, rows: slice, truth: NDArray[Any]) -> None:
        super().__init__()
        self._voices, self._rows, self._truth, self.start = voices, rows, truth, rows.start
        self._seen: dict[str, Floats] = {}

    def __missing__(self, predictor: Predictor) -> Said:
        for name in predictor.members:
            if name not in self._seen:
                self._seen[name] = self._voices.seen(name, self._rows)
        self[predictor] = found = self._voices.combined(predictor, self._seen, self._truth)
        return found
