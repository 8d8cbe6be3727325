"""What a strategy is: it decides which recipes are trained, batch after batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lrensemble.errors import SpecError
from lrensemble.pool import Pool
from lrensemble.registry import Call, Registry
from lrensemble.spec import Spec, SpecLike
from lrensemble.train.run.runs import Run, Watch


@dataclass(frozen=True)
class Batch:
    """Runs, at least one, that do not depend on one another: they may be trained in any order, or at once."""

    runs: tuple[Run, ...]
    remaining: int = 0
    """How many runs later batches are expected to bring."""
    watch: Watch | None = None
    """Asked after every epoch but the last whether a run goes on, in the process that has the strategy; None where all
    do."""


Strategy = Callable[[Pool], Iterator[Batch]]
"""From a pool to the batches that fill it. A batch is asked for when all runs of the last one have ended; how they
ended lies in the pool. It remembers nothing else, so that a sweep that was interrupted asks for the same batches."""

KEY = "sweep.strategy"
"""Where an experiment names its strategy."""

STRATEGIES: Registry[Strategy] = Registry("strategy", plural="strategies", call=Call(("recipes",)))
"""Functions of (recipes, *, own arguments) that refuse at once what cannot be trained, and return a `Strategy`."""


def check_strategy(given: SpecLike) -> Spec:
    """The spec of a strategy, its name known and its arguments accepted.

    Raises:
        UnknownNameError, SpecError: with the path of the key.
    """
    try:
        return STRATEGIES.check(given)
    except SpecError as error:
        raise type(error)(f"{KEY}: {error}") from None


def at_once(runs: Sequence[Run]) -> Strategy:
    """A strategy that needs no results: all runs are one batch."""
    return lambda _pool: iter([Batch(tuple(runs))])
