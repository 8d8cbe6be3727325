"""A search with a study that outlives the process: what has ended is told once, what was interrupted goes on."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Collection, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal

from lrensemble.files.claims import claimed, holder_of
from lrensemble.pool import Pool
from lrensemble.spec import SpecLike
from lrensemble.train.run.runs import Run, pruned_recipe, unfinished
from lrensemble.train.run.state import HistoryLine
from lrensemble.train.sweep.recipes import Recipes
from lrensemble.train.sweep.strategies.base import Batch
from lrensemble.train.sweep.strategies.gain import team_gain
from lrensemble.train.sweep.strategies.optuna_parts import (
    build_pruner,
    build_sampler,
    close_storage,
    need_optuna,
    open_storage,
    study_errors,
    suggest,
)

logger = logging.getLogger(__name__)

PATIENCE = 100
"""Trials in a row that may repeat known recipes before a search is given up."""
HOME = "pool"
"""The attribute of a trial that says in which pool it is trained: a study may serve several."""


@dataclass(frozen=True)
class Search:
    """What `optuna` was asked for."""

    recipes: Recipes
    trials: int
    epochs: int | None
    """Of each trial, in place of the experiment's."""
    sampler: SpecLike
    pruner: SpecLike
    objective: Literal["single", "ensemble"]
    metric: Literal["nll", "accuracy"]
    storage: str | None
    at_once: int
    seed: int

    def batches(self, pool: Pool) -> Iterator[Batch]:
        """The trials, in batches; the connection to the study lasts as long as the search.

        Raises:
            StorageError: the study cannot be opened, or is damaged on the way.
        """
        with _by_itself(pool):
            storage = open_storage(self.storage, pool.folder)
            with study_errors(self.storage, pool.folder):
                study = need_optuna().create_study(
                    storage=storage,
                    study_name=self._name(),
                    direction="maximize",
                    load_if_exists=True,
                    sampler=build_sampler(self.sampler, self.seed, place=0),
                    pruner=build_pruner(self.pruner),
                )
        with study_errors(self.storage, pool.folder):
            try:
                yield from _Session(self, pool, study).batches()
            finally:
                close_storage(storage)

    def _name(self) -> str:
        """A study for each space and objective: what another search has learned says nothing here."""
        experiment = self.recipes.experiment
        content = experiment.model_dump(
            mode="json", exclude={"select": True, "sweep": {"strategy"}, "data": {"folder"}}
        )
        aim = [self.epochs, self.objective, self.metric, self.recipes.dataset.fingerprint]
        return "lrensemble-" + hashlib.sha256(json.dumps([content, aim], sort_keys=True).encode()).hexdigest()[:12]


def _by_itself(pool: Pool) -> AbstractContextManager[object]:
    """A block that no other process is in: between looking at the study and writing to it, it shall not change."""
    return claimed(unfinished(pool), "search")


@dataclass(frozen=True)
class _Trial:
    """A trial that is under way."""

    optuna: Any
    run: Run


@dataclass(frozen=True)
class _Session:
    """A search that goes on in one pool."""

    search: Search
    pool: Pool
    study: Any

    def batches(self) -> Iterator[Batch]:
        """First what has ended in earlier sweeps, then what was interrupted, then new trials, then those that another
        process has.
        """
        with _by_itself(self.pool):
            trials = self._own()
        ended = [self._run(place, trial) for place, trial in trials if trial.state.is_finished()]
        there = {run.id: run for run in reversed(ended) if not self._pruned(run)}
        if there:
            yield Batch(tuple(reversed(there.values())), max(0, self.search.trials - len({run.id for run in ended})))
        seen = set[int]()
        while True:
            with _by_itself(self.pool):
                batch, to_come = self._next(seen)
            if not batch:
                return
            seen |= {trial.optuna.number for trial in batch}
            yield from self._train(batch, to_come)

    def _next(self, seen: Collection[int]) -> tuple[list[_Trial], int]:
        """The next trials, and how many are expected after them.

        Args:
            seen: numbers of trials that this session had; one of them that is still open has failed.
        """
        own = self._own()
        ended = {self._run(place, trial).id for place, trial in own if trial.state.is_finished()}
        open_ = {place: trial for place, trial in own if not trial.state.is_finished()}
        # A trial that was killed before its values were drawn has no member yet.
        member = {place: str(trial.user_attrs.get("member", "")) for place, trial in open_.items()}
        known = ended | set(member.values()) - {""}
        new = max(0, self.search.trials - len(known) - sum(not each for each in member.values()))
        begun = [place for place, trial in open_.items() if trial.number not in seen]
        free = [place for place in begun if not member[place] or not holder_of(unfinished(self.pool), member[place])]
        batch = [self._resumed(place, open_[place]) for place in free[: self.search.at_once]]
        known |= {trial.run.id for trial in batch}
        for _ in range(min(new, self.search.at_once - len(batch))):
            if (trial := self._asked(known)) is None:
                logger.warning("%s proposes nothing new; the search ends early", self.search.sampler)
                new = 0
                break
            batch.append(trial)
            known.add(trial.run.id)
            new -= 1
        if not batch:  # nothing is left but what others train: it is waited for, and had if they leave it
            batch = [self._resumed(place, open_[place]) for place in begun[: self.search.at_once]]
        resumed = {trial.optuna.number for trial in batch}
        return batch, new + sum(open_[place].number not in resumed for place in begun)

    def _train(self, batch: Sequence[_Trial], to_come: int) -> Iterator[Batch]:
        """A batch, after which its trials are told; one that failed stays open and is tried again by the next sweep."""
        trials = {trial.run.id: trial for trial in batch if not self._pruned(trial.run)}

        def watch(run: Run, line: HistoryLine) -> bool:
            trial, epoch = trials[run.id].optuna, int(line["epoch"] or 0)
            with study_errors(self.search.storage, self.pool.folder):
                if epoch not in self._frozen(trial).intermediate_values:
                    trial.report(self._higher_is_better(float(line[f"val_{self.search.metric}"] or 0)), epoch)
                return not trial.should_prune()

        if trials:
            yield Batch(tuple(trial.run for trial in trials.values()), to_come, watch)
        with _by_itself(self.pool):
            for place, trial in enumerate(batch):
                self._tell(trial, [later.run.id for later in batch[place + 1 :]])

    def _tell(self, trial: _Trial, later: Collection[str]) -> bool:
        """Tell how a trial ended, and whether it has.

        Args:
            trial: perhaps the second one with its recipe: it is told the same again, so that the sampler moves on.
            later: ids of members that do not count yet.
        """
        state = need_optuna().trial.TrialState
        member = {m.id: m for m in self.pool.members(include_diverged=True)}.get(trial.run.id)
        if member is not None and member.status == "finished":
            metric, others = self.search.metric, set(later) - {member.id}
            if self.search.objective == "ensemble":
                value = team_gain(self.pool, member.id, metric=metric, without=others)
            else:
                value = self._higher_is_better(member.scores["val"][metric])
            self.study.tell(trial.optuna, value, skip_if_finished=True)
        elif member is not None or self._pruned(trial.run):
            self.study.tell(trial.optuna, state=state.PRUNED, skip_if_finished=True)
        else:
            return False
        return True

    def _own(self) -> list[tuple[int, Any]]:
        """The trials of this pool with their places, oldest first, without those that were given up."""
        state = need_optuna().trial.TrialState
        if self.search.storage is None:
            for trial in self.study.get_trials(deepcopy=False, states=(state.RUNNING,)):
                if HOME not in trial.user_attrs:  # killed before it said whose it is
                    self.study.tell(trial.number, state=state.FAIL)
        own = [trial for trial in self.study.get_trials() if trial.user_attrs.get(HOME) == self._home]
        return [(place, trial) for place, trial in enumerate(own) if trial.state != state.FAIL]

    @property
    def _home(self) -> str:
        """A study inside the pool moves with it."""
        return "this" if self.search.storage is None else f"{platform.node()}:{self.pool.folder.resolve()}"

    def _asked(self, known: Collection[str]) -> _Trial | None:
        """A new trial with a recipe that is not known yet; after many others, none."""
        first = sum(trial.user_attrs.get(HOME) == self._home for trial in self.study.get_trials(deepcopy=False))
        for place in range(first, first + PATIENCE):
            self.study.sampler = build_sampler(self.search.sampler, self.search.seed, place)
            trial = self.study.ask()
            trial.set_user_attr(HOME, self._home)
            begun = self._begun(place, trial)
            if begun.run.id not in known:
                return begun
            if not self._tell(begun, later=()):  # the other one is under way
                self.study.tell(trial, state=need_optuna().trial.TrialState.FAIL)
        return None

    def _resumed(self, place: int, frozen: Any) -> _Trial:
        self.study.sampler = build_sampler(self.search.sampler, self.search.seed, place)
        return self._begun(place, need_optuna().trial.Trial(self.study, frozen._trial_id))

    def _begun(self, place: int, trial: Any) -> _Trial:
        run = self._run(place, trial)
        trial.set_user_attr("member", run.id)
        return _Trial(trial, run)

    def _run(self, place: int, trial: Any) -> Run:
        """The run of a trial; its values are drawn now, or those that it has."""
        point = suggest(self.search.recipes.experiment, trial)
        return self.search.recipes.run(place, point, epochs=self.search.epochs)

    def _pruned(self, run: Run) -> bool:
        epochs = range(1, run.recipe.train.epochs)
        return run.id not in self.pool and any(pruned_recipe(run.recipe, epoch).id in self.pool for epoch in epochs)

    def _frozen(self, trial: Any) -> Any:
        return self.study.get_trials(deepcopy=False)[trial.number]

    def _higher_is_better(self, value: float) -> float:
        return -value if self.search.metric == "nll" else value
