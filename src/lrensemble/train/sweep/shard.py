"""Shard: a fixed part of a sweep, for those who divide it themselves."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from lrensemble.config import Experiment
from lrensemble.errors import ConfigError
from lrensemble.train.run.runs import Run
from lrensemble.train.sweep.strategies import STRATEGIES, Round


@dataclass(frozen=True)
class Shard:
    """One of `count` parts of a sweep.

    Whose part a run is follows from its id alone, so that more runs, or other ones, move none of those that were there.
    The parts are therefore of about equal size and not of equal size. Runs that go on from one another stay together:
    the id of the first counts.
    """

    number: int
    """From 1 to `count`."""
    count: int
    _heads: dict[str, str] = field(default_factory=dict, compare=False, repr=False)
    """Id of the first run of a chain, by the id of each that has been met or announced."""

    def __str__(self) -> str:
        return f"{self.number}/{self.count}"

    def own(self, runs: Iterable[Run]) -> tuple[Run, ...]:
        """The runs of a round that are of this shard, in their order; rounds are given in their order."""
        return tuple(run for run in runs if self._has(run))

    def _has(self, run: Run) -> bool:
        head = self._heads.setdefault(run.id, run.id)
        if run.successor is not None:
            self._heads[run.successor] = head
        return int(head, 16) % self.count == self.number - 1


def read_shard(text: str) -> Shard:
    """The shard that `i/N` names.

    Raises:
        ConfigError: it is none.
    """
    match = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text.strip(), re.ASCII)
    if match is None:
        raise ConfigError(f"shard {text!r} is refused; give its number and how many there are, such as 1/8")
    number, count = int(match[1]), int(match[2])
    if not 1 <= number <= count:
        more = "; shards count from 1" if number == 0 < count else ""
        raise ConfigError(
            f"shard {text!r} is refused; of {max(count, 1)} there are 1/{max(count, 1)} to "
            f"{max(count, 1)}/{max(count, 1)}{more}"
        )
    return Shard(number, count)


def part_of(whole: Round, shard: Shard) -> Round:
    """What of a round is of a shard; perhaps nothing."""
    runs = shard.own(whole.runs)
    return replace(whole, runs=runs, remaining=round(whole.remaining * len(runs) / len(whole.runs)))


def check_dividable(experiment: Experiment, shard: Shard) -> None:
    """Refuse shards of a strategy whose runs follow from how others ended: a shard does not wait for the others.

    Raises:
        ConfigError: it is one of these.
    """
    strategy = experiment.sweep.strategy
    if STRATEGIES.facts(strategy).looks:
        fixed = ", ".join(name for name in STRATEGIES.names() if not STRATEGIES.facts(name).looks)
        raise ConfigError(
            f"shard {shard} is refused: strategy {strategy.name} decides by how other runs ended, and a shard does not "
            f"wait for those; start the same command {shard.count} times without a shard, or use {fixed}"
        )
