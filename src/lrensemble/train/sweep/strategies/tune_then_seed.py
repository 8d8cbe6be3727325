"""Tune, then seed: a part of the runs looks for policies, the others are fresh seeds of those that help most."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal

from pydantic import Field

from lrensemble.errors import SpecError
from lrensemble.limits import Count, Runs
from lrensemble.metrics import higher_is_better
from lrensemble.pool import Member, Pool
from lrensemble.spec import Spec, SpecLike, to_spec
from lrensemble.train.run.runs import Run
from lrensemble.train.sweep.points import number_of_points
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import KEY, STRATEGIES, Round, Strategy
from lrensemble.train.sweep.strategies.steering import arm_to_grow
from lrensemble.train.sweep.strategies.watched import watched_metric

logger = logging.getLogger(__name__)

Share = Annotated[float, Field(gt=0, lt=1)]


@STRATEGIES.register(runs=4)
def tune_then_seed(
    factory: RunFactory,
    *,
    runs: Annotated[Runs, Field(gt=1)] = 16,
    share: Share = 0.5,
    search: Any = "grid",
    objective: Literal["single", "ensemble"] = "single",
    best: Count = 1,
    metric: str | None = None,
    at_once: Count = 4,
) -> Strategy:
    """Runs of a search over policies, then fresh seeds of those that help most; every run is a member.

    In the line of hyper-deep ensembles (Wenzel et al. 2020), which train a search and then seeds of what it found, but
    within one number of runs. What a deep ensemble of a tuned policy costs twice – its tuning and its seeds – is here
    paid once, and the tuning's members stay in the pool.

    Args:
        factory: maker of the runs.
        runs: number of all runs together.
        share: fraction of them for the search; less where its space has fewer points.
        search: strategy that the first runs follow: `grid` (evenly spread points of it), `random`, `optuna`, with their
            arguments; `trials` follows from `share`.
        objective: who gets the seeds: `single`, the recipes that did best alone; or `ensemble`, after every `at_once`
            runs the recipe whose seeds add most to the team of all runs so far (`steering.arm_to_grow`).
        best: recipes that share the seeds with objective `single`, one after another.
        metric: metric that tells what did best, and that the team aims at; what suits the target unless given.
        at_once: runs of a round with objective `ensemble`.

    Raises:
        SpecError: a search that is unknown, that takes no number of trials, or that refuses an argument.
        ConfigError: epochs that cannot be divided evenly.
    """
    first = max(1, min(round(share * runs), runs - 1, number_of_points(factory.experiment) or runs))
    spec = _search(search, first)
    epochs = factory.epochs_per_run(runs)
    experiment = factory.experiment
    if epochs is not None:  # the search divides its own part of them
        sweep = experiment.sweep.model_copy(update={"epochs": epochs * first})
        experiment = experiment.model_copy(update={"sweep": sweep})
    searched = STRATEGIES.call(spec, replace(factory, experiment=experiment))
    watched = watched_metric(factory, metric)
    seeding = _Seeding(factory, searched, runs - first, objective, best, watched, at_once)
    return seeding.rounds


def _search(given: SpecLike, trials: int) -> Spec:
    """Strategy of the first runs, with their number.

    Raises:
        SpecError: it takes none, or has one already.
    """
    try:
        spec = to_spec(given)
        if "trials" in spec.arguments:
            raise SpecError(f"{spec}: trials follows from runs and share; remove it")
        return STRATEGIES.check(Spec(spec.name, {**spec.arguments, "trials": trials}))
    except SpecError as error:
        raise SpecError(f"{KEY}: search: {error}; give grid, random or optuna") from None


@dataclass(frozen=True)
class _Seeding:
    """Arguments of the strategy, and the rounds that follow from them."""

    factory: RunFactory
    search: Strategy
    seeds: int
    """Number of runs after the search."""
    objective: Literal["single", "ensemble"]
    best: int
    metric: str
    at_once: int

    def rounds(self, pool: Pool) -> Iterator[Round]:
        """Rounds of the search, then rounds of seeds; only runs of earlier rounds decide on one."""
        arms: list[list[Run]] = []
        for round_ in self.search(pool):
            arms += [[run] for run in round_.runs]
            yield replace(round_, remaining=round_.remaining + self.seeds)
        left = self.seeds
        while left:
            grown = self._grown(arms, pool, left)
            if not grown:
                logger.warning("none of %d runs became a member; no seeds of them are trained", len(arms))
                return
            left -= len(grown)
            yield Round(tuple(grown), left)

    def _grown(self, arms: list[list[Run]], pool: Pool, left: int) -> list[Run]:
        """Runs of the next round, added to their arms."""
        members = {member.id: member for member in pool.members()}
        alive = [arm for arm in arms if any(run.id in members for run in arm)]
        if not alive:
            return []
        alive.sort(key=lambda arm: -self._score(arm, members))
        count = sum(map(len, arms))
        if self.objective == "single":
            chosen = [alive[place % min(self.best, len(alive))] for place in range(left)]
        else:
            known = [[members[run.id] for run in arm if run.id in members] for arm in alive]
            chosen = [alive[arm_to_grow(pool, known, self.metric)]] * min(left, self.at_once)
        grown = []
        for order, arm in enumerate(chosen, count):
            grown.append(self.factory.replica(arm[0], len(arm), order))
            arm.append(grown[-1])
        return grown

    def _score(self, arm: Sequence[Run], members: dict[str, Member]) -> float:
        """Mean score of an arm's members, higher is better: chance speaks less in it than in their best."""
        scores = [members[run.id].scores["val"][self.metric] for run in arm if run.id in members]
        return sum(scores) / len(scores) * (1 if higher_is_better(self.metric) else -1)
