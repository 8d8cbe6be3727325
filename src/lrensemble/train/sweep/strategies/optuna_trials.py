"""Trials of a search by Optuna, whose study outlives the process: those that were interrupted go on."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Literal

from lrensemble.config.records import later_at_default
from lrensemble.files.claims import claimed, holder_of
from lrensemble.metrics import higher_is_better
from lrensemble.pool import Pool
from lrensemble.spec import SpecLike
from lrensemble.train.run.progress.record import HistoryLine
from lrensemble.train.run.runs import Run, pruned_recipe, unfinished
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import Round
from lrensemble.train.sweep.strategies.gain import team_gain
from lrensemble.train.sweep.strategies.optuna_parts import (
    build_pruner,
    build_sampler,
    close_storage,
    need_optuna,
    open_storage,
    place_in,
    study_errors,
    suggest,
)
from lrensemble.train.sweep.strategies.pool_in_study import names_of

logger = logging.getLogger(__name__)

MAX_REPEATED_TRIALS = 100
"""Trials in a row that may repeat known recipes before a search is given up."""
POOL_ATTRIBUTE = "pool"
"""Attribute of a trial that says in which pool it is trained: a study may serve several."""
ANSWER_ATTRIBUTE = "answer"
"""Attribute of a trial: the last epoch after which the pruner was asked, and whether the trial went on."""


@dataclass(frozen=True)
class OptunaSearch:
    """Arguments of the strategy `optuna`, and the rounds that follow from them."""

    factory: RunFactory
    trials: int
    epochs: int | None
    """Epochs of each trial, in place of the experiment's."""
    sampler: SpecLike
    pruner: SpecLike
    objective: Literal["single", "ensemble"]
    metric: str
    storage: str | None
    at_once: int
    seed: int

    def rounds(self, pool: Pool) -> Iterator[Round]:
        """Rounds of trials; the connection to the study lasts as long as the search.

        Raises:
            StorageError: the study cannot be opened, or is damaged later.
        """
        with _exclusive(pool):
            place = self.storage or place_in(pool.folder)
            storage = open_storage(place)
            with study_errors(place):
                study = need_optuna().create_study(
                    storage=storage,
                    study_name=self._name(),
                    direction="maximize",
                    load_if_exists=True,
                    sampler=build_sampler(self.sampler, self.seed, index=0),
                    pruner=build_pruner(self.pruner),
                )
        with study_errors(place):
            try:
                yield from _StudyOfPool(self, pool, study, place).rounds()
            finally:
                close_storage(storage)

    def _name(self) -> str:
        """Name of the study: there is one for each space and objective, since scores of others say nothing here."""
        experiment = self.factory.experiment
        content = experiment.model_dump(
            mode="json", exclude={**later_at_default(experiment), "select": True, "data": {"folder"}}
        )
        for key in ("strategy", "keep_weights"):
            content["sweep"].pop(key, None)
        others = [self.epochs, self.objective, self.metric, self.factory.dataset.fingerprint]
        return "lrensemble-" + hashlib.sha256(json.dumps([content, others], sort_keys=True).encode()).hexdigest()[:12]


def _exclusive(pool: Pool) -> AbstractContextManager[object]:
    """Lock of the pool's study: between reading it and writing to it, no other process may change it."""
    return claimed(unfinished(pool), "search")


@dataclass(frozen=True)
class _Trial:
    """Trial of Optuna, and the run that it is trained by."""

    optuna: Any
    run: Run


@dataclass(frozen=True)
class _StudyOfPool:
    """Study that is open, and the pool that its trials are trained in."""

    search: OptunaSearch
    pool: Pool
    study: Any
    place: str
    """Where the study lies."""

    def rounds(self) -> Iterator[Round]:
        """Rounds of trials: first those that ended in earlier sweeps, then interrupted ones, then new ones, then those
        that another process has.
        """
        with _exclusive(self.pool):
            trials = self._own_trials()
        ended = [self._run(index, trial) for index, trial in trials if trial.state.is_finished()]
        in_pool = {run.id: run for run in reversed(ended) if not self._is_pruned(run)}
        if in_pool:
            yield Round(tuple(reversed(in_pool.values())), max(0, self.search.trials - len({run.id for run in ended})))
        earlier = set[int]()
        while True:
            with _exclusive(self.pool):
                next_trials, remaining = self._next_trials(earlier)
            if not next_trials:
                return
            earlier |= {trial.optuna.number for trial in next_trials}
            yield from self._round_of(next_trials, remaining)

    def _next_trials(self, earlier: Collection[int]) -> tuple[list[_Trial], int]:
        """Trials of the next round, and the number of runs that are expected after them.

        Args:
            earlier: numbers of the trials of earlier rounds; one of them that is still open has failed.
        """
        own = self._own_trials()
        ended = {self._run(index, trial).id for index, trial in own if trial.state.is_finished()}
        open_ = {index: trial for index, trial in own if not trial.state.is_finished()}
        # A trial that was killed before its values were drawn has no member yet.
        member = {index: str(trial.user_attrs.get("member", "")) for index, trial in open_.items()}
        known = ended | set(member.values()) - {""}
        new = max(0, self.search.trials - len(known) - sum(not each for each in member.values()))
        begun = [index for index, trial in open_.items() if trial.number not in earlier]
        free = [index for index in begun if not member[index] or not holder_of(unfinished(self.pool), member[index])]
        trials = [self._resume(index, open_[index]) for index in free[: self.search.at_once]]
        known |= {trial.run.id for trial in trials}
        for _ in range(min(new, self.search.at_once - len(trials))):
            if (trial := self._ask(known)) is None:
                logger.warning("%s proposes nothing new; the search ends early", self.search.sampler)
                new = 0
                break
            trials.append(trial)
            known.add(trial.run.id)
            new -= 1
        if (
            not trials
        ):  # all others are trained by other processes: they are waited for, and resumed if these leave them
            trials = [self._resume(index, open_[index]) for index in begun[: self.search.at_once]]
        numbers = {trial.optuna.number for trial in trials}
        return trials, new + sum(open_[index].number not in numbers for index in begun)

    def _round_of(self, trials: Sequence[_Trial], remaining: int) -> Iterator[Round]:
        """Round of trials, whose values go to the study when it has ended; a trial that failed stays open, and is tried
        again by the next sweep.
        """
        by_run = {trial.run.id: trial for trial in trials}

        def should_continue(run: Run, line: HistoryLine) -> bool:
            with study_errors(self.place):
                return self._goes_on(by_run[run.id].optuna, line)

        if not all(self._is_pruned(trial.run) for trial in trials):
            yield Round(tuple(trial.run for trial in by_run.values()), remaining, should_continue)
        with _exclusive(self.pool):
            for position, trial in enumerate(trials):
                self._tell(trial, [later.run.id for later in trials[position + 1 :]])

    def _goes_on(self, trial: Any, line: HistoryLine) -> bool:
        """Whether a trial goes on after an epoch. The answer is written down: where the epoch is done again after a
        kill, other trials have reported more by then, and the pruner might say something else.
        """
        frozen, epoch = self._frozen(trial), int(line["epoch"] or 0)
        last, went_on = frozen.user_attrs.get(ANSWER_ATTRIBUTE, (0, True))
        if epoch <= last:
            return epoch < last or bool(went_on)
        if epoch not in frozen.intermediate_values:
            trial.report(self._value(float(line[f"val_{self.search.metric}"] or 0)), epoch)
        goes_on = not trial.should_prune()
        trial.set_user_attr(ANSWER_ATTRIBUTE, [epoch, goes_on])
        return goes_on

    def _tell(self, trial: _Trial, later: Collection[str]) -> bool:
        """Give the study the value of a trial, or that it was pruned; returns whether the trial has ended.

        Args:
            trial: perhaps the second one with its recipe: it has the same value, so that the sampler moves on.
            later: ids of members that do not count yet.
        """
        state = need_optuna().trial.TrialState
        member = {m.id: m for m in self.pool.members(include_diverged=True)}.get(trial.run.id)
        if member is not None and member.status == "finished":
            metric, others = self.search.metric, set(later) - {member.id}
            if self.search.objective == "ensemble":
                value = team_gain(self.pool, member.id, metric=metric, without=others)
            else:
                value = self._value(member.scores["val"][metric])
            self.study.tell(trial.optuna, value, skip_if_finished=True)
        elif member is not None or self._is_pruned(trial.run):
            self.study.tell(trial.optuna, state=state.PRUNED, skip_if_finished=True)
        else:
            return False
        return True

    def _own_trials(self) -> list[tuple[int, Any]]:
        """Trials of this pool with their indices, oldest first, without those that were given up."""
        state = need_optuna().trial.TrialState
        if self.search.storage is None:
            for trial in self.study.get_trials(deepcopy=False, states=(state.RUNNING,)):
                if POOL_ATTRIBUTE not in trial.user_attrs:  # killed before the attribute was set
                    self.study.tell(trial.number, state=state.FAIL)
        own = [trial for trial in self.study.get_trials() if trial.user_attrs.get(POOL_ATTRIBUTE) in self._pool_names]
        return [(index, trial) for index, trial in enumerate(own) if trial.state != state.FAIL]

    @cached_property
    def _pool_names(self) -> tuple[str, ...]:
        """Names of the pool in its study, that which new trials get first."""
        return names_of(self.pool.folder, self.search.storage)

    def _ask(self, known: Collection[str]) -> _Trial | None:
        """New trial with a recipe that is not known yet; None after many with known ones."""
        trials = self.study.get_trials(deepcopy=False)
        first = sum(trial.user_attrs.get(POOL_ATTRIBUTE) in self._pool_names for trial in trials)
        for index in range(first, first + MAX_REPEATED_TRIALS):
            self._seed(index)
            trial = self.study.ask()
            trial.set_user_attr(POOL_ATTRIBUTE, self._pool_names[0])
            begun = self._begin(index, trial)
            if begun.run.id not in known:
                return begun
            if not self._tell(begun, later=()):  # the other one is running
                self.study.tell(trial, state=need_optuna().trial.TrialState.FAIL)
        return None

    def _resume(self, index: int, frozen: Any) -> _Trial:
        self._seed(index)
        return self._begin(index, need_optuna().trial.Trial(self.study, frozen._trial_id))

    def _seed(self, index: int, parameter: int = 0) -> None:
        """Have the study sample as it does for one parameter of one trial, whatever it drew before."""
        self.study.sampler = build_sampler(self.search.sampler, self.search.seed, index, parameter)

    def _begin(self, index: int, trial: Any) -> _Trial:
        run = self._run(index, trial)
        trial.set_user_attr("member", run.id)
        return _Trial(trial, run)

    def _run(self, index: int, trial: Any) -> Run:
        """Run of a trial, whose values are drawn now unless it has them."""
        point = suggest(self.search.factory.experiment, trial, partial(self._seed, index))
        return self.search.factory.run(index, point, epochs=self.search.epochs)

    def _is_pruned(self, run: Run) -> bool:
        epochs = range(1, run.recipe.train.epochs)
        return run.id not in self.pool and any(pruned_recipe(run.recipe, epoch).id in self.pool for epoch in epochs)

    def _frozen(self, trial: Any) -> Any:
        return self.study.get_trials(deepcopy=False)[trial.number]

    def _value(self, score: float) -> float:
        """Value of the objective, where higher is better, of a score by the metric."""
        return score if higher_is_better(self.search.metric) else -score
