"""Samplers: which training rows an epoch goes through, in which order; a pure function of a generator for the epoch."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import ConfigError, DataError
from lrensemble.registry import Call, Registry, is_shipped

POOLED = 32
"""Batches whose sequences are sorted together: more leave less padding, and less of the chance which meet."""

Sampler = Callable[[np.random.Generator], NDArray[np.int64]]
"""Function of the generator of an epoch to the positions [row] that it goes through, as many as there are rows."""


@dataclass(frozen=True, eq=False)
class TrainingRows:
    """The rows that are drawn from."""

    count: int
    labels: NDArray[np.int64] | None = None
    """Class [row] of each; None of values."""
    classes: tuple[str, ...] = ()
    """Names of the classes, by index."""
    weights: NDArray[np.float64] | None = None
    """Weight [row] of each, as the data set has them; None where it has none."""
    lengths: NDArray[np.int64] | None = None
    """Tokens [row] of each; None of rows that are no sequences."""
    batch_size: int = 1
    """Rows of a batch."""


def _checked(name: str, function: Callable[..., Sampler]) -> Callable[..., Sampler]:
    """A sampler of one's own, whose positions are looked at."""
    if is_shipped(function):
        return function

    @functools.wraps(function)
    def sampler(rows: TrainingRows, **own: Any) -> Sampler:
        draw = function(rows, **own)

        def checked(generator: np.random.Generator) -> NDArray[np.int64]:
            drawn = np.asarray(draw(generator))
            inside = drawn.dtype.kind in "iu" and bool(((drawn >= 0) & (drawn < rows.count)).all())
            if drawn.shape != (rows.count,) or not inside:
                raise DataError(
                    f"sampler {name!r} returned {drawn.dtype} of shape {drawn.shape}; it must return a position from 0 "
                    f"to {rows.count - 1} for each of {rows.count} rows"
                )
            return drawn.astype(np.int64)

        return checked

    return sampler


SAMPLERS: Registry[Sampler] = Registry("sampler", call=Call(("rows",)), adapt=_checked)
"""Functions of `TrainingRows` and their own arguments that return a `Sampler`."""


@SAMPLERS.register
def shuffle(rows: TrainingRows) -> Sampler:
    """Every row once, in a random order."""

    def draw(generator: np.random.Generator) -> NDArray[np.int64]:
        order: NDArray[np.int64] = generator.permutation(rows.count)
        return order

    return draw


@SAMPLERS.register
def balanced(rows: TrainingRows) -> Sampler:
    """Every class as likely as every other, every row of a class as likely as every other of it; with replacement.

    An epoch draws as many rows as there are: those of rare classes come several times, others not at all.

    Raises:
        ConfigError: no classes are learned, or one has no training rows.
    """
    if rows.labels is None:
        raise ConfigError("train.sampler = 'balanced' is refused: values have no classes; use shuffle or weighted")
    counts = np.bincount(rows.labels, minlength=len(rows.classes))
    if not counts.all():
        missing = rows.classes[int(np.argmin(counts))]
        raise ConfigError(f"train.sampler = 'balanced' is refused: class {missing!r} has no training rows to draw")
    return _drawn_by(1 / counts[rows.labels])


@SAMPLERS.register
def weighted(rows: TrainingRows) -> Sampler:
    """Every row with a probability in proportion to its weight in the data; with replacement.

    The weights come from the data: `[data] weights` of `npz` and `table`. An epoch draws as many rows as there are, as
    `torch.utils.data.WeightedRandomSampler` does. The loss is not weighted beside.

    Raises:
        ConfigError: the data set has no weights, or all of the training rows' are 0.
    """
    if rows.weights is None:
        raise ConfigError(
            "train.sampler = 'weighted' is refused: the data set has no weights; name an array or column of them, "
            "[data] weights = '…', with npz or table"
        )
    if not rows.weights.any():
        raise ConfigError("train.sampler = 'weighted' is refused: the weights of all training rows are 0")
    return _drawn_by(rows.weights)


@SAMPLERS.register
def by_length(rows: TrainingRows) -> Sampler:
    """Every row once, a batch of sequences of nearly the same length, so that less padding is computed.

    The order is drawn first; the rows of `POOLED` batches at a time are sorted by length, and the batches come in an
    order of their own. What fills no batch comes last.

    Raises:
        ConfigError: the rows are no sequences.
    """
    if rows.lengths is None:
        raise ConfigError("train.sampler = 'by_length' is refused: only sequences of tokens have lengths; use shuffle")
    lengths, size = rows.lengths, rows.batch_size

    def draw(generator: np.random.Generator) -> NDArray[np.int64]:
        order: NDArray[np.int64] = generator.permutation(rows.count)
        full = rows.count // size * size
        for start in range(0, full, POOLED * size):
            part = order[start : min(start + POOLED * size, full)]
            part[:] = part[np.argsort(lengths[part], kind="stable")]
        batches = order[:full].reshape(-1, size)
        found: NDArray[np.int64] = np.concatenate([batches[generator.permutation(len(batches))].ravel(), order[full:]])
        return found

    return draw


def _drawn_by(weights: NDArray[np.float64]) -> Sampler:
    """Rows [row] by weights [row], each draw alike, whatever was drawn before."""
    ends = np.cumsum(weights, dtype=np.float64)
    last = int(np.flatnonzero(weights)[-1])

    def draw(generator: np.random.Generator) -> NDArray[np.int64]:
        places = np.searchsorted(ends, generator.random(len(ends)) * ends[-1], side="right")
        drawn: NDArray[np.int64] = np.minimum(places, last)  # a product may round up to the end itself
        return drawn

    return draw
