"""Strategy: what decides which recipes are trained, round after round."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from lrensemble.errors import SpecError
from lrensemble.pool import Pool
from lrensemble.registry import Call, Registry
from lrensemble.spec import Spec, SpecLike
from lrensemble.train.run.runs import Run, ShouldContinue


@dataclass(frozen=True)
class Round:
    """Runs, at least one, that do not depend on one another: they may be trained in any order, or in parallel."""

    runs: tuple[Run, ...]
    remaining: int = 0
    """Number of runs that later rounds are expected to have."""
    should_continue: ShouldContinue | None = None
    """Called after every epoch of a run but the last, in the process that has the strategy; None where no run is to be
    pruned."""


Strategy = Callable[[Pool], Iterator[Round]]
"""Function from a pool to the rounds that fill it. A round is asked for when all runs of the last one have ended; how
they ended is read from the pool. There is no other state, so that an interrupted sweep asks for the same rounds."""


@dataclass(frozen=True)
class StrategyFacts:
    """What others need to know of a strategy."""

    looks: bool = True
    """Whether what is trained later follows from how earlier runs ended."""


KEY = "sweep.strategy"
"""Path of the key of an experiment that names its strategy."""

STRATEGIES: Registry[Strategy, StrategyFacts] = Registry(
    "strategy", StrategyFacts, plural="strategies", call=Call(("factory",))
)
"""Functions of (factory, *, own arguments) that refuse at once what cannot be trained, and return a `Strategy`."""


def check_strategy(given: SpecLike) -> Spec:
    """Spec of a strategy whose name is known and whose arguments are accepted.

    Raises:
        UnknownNameError, SpecError: with the path of the key.
    """
    try:
        return STRATEGIES.check(given)
    except SpecError as error:
        raise type(error)(f"{KEY}: {error}") from None


def single_round(runs: Sequence[Run]) -> Strategy:
    """Strategy that needs no results: all runs are one round."""
    return lambda _pool: iter([Round(tuple(runs))])
