"""A search with a study that outlives the process: what has ended is told once, what was interrupted goes on."""

from __future__ import annotations

import hashlib
import json
import logging
import platform
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from lrensemble.pool import Pool
from lrensemble.spec import SpecLike
from lrensemble.train.recipes import Recipes
from lrensemble.train.runs import Run, pruned_recipe
from lrensemble.train.state import HistoryLine
from lrensemble.train.strategies.base import Batch
from lrensemble.train.strategies.gain import team_gain
from lrensemble.train.strategies.optuna_parts import (
    build_pruner,
    build_sampler,
    close_storage,
    need_optuna,
    open_storage,
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
            StorageError: the study cannot be opened.
        """
        storage = open_storage(self.storage, pool.folder)
        try:
            study = need_optuna().create_study(
                storage=storage,
                study_name=self._name(),
                direction="maximize",
                load_if_exists=True,
                sampler=build_sampler(self.sampler, self.seed, place=0),
                pruner=build_pruner(self.pruner),
            )
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
        """First what has ended in earlier sweeps, then what was interrupted, then new trials."""
        trials = self._own()
        ended = [self._run(place, trial) for place, trial in trials if trial.state.is_finished()]
        waiting = [(place, trial) for place, trial in trials if not trial.state.is_finished()]
        known = {run.id for run in ended}
        to_come = max(len(waiting), self.search.trials - len(known))
        there = {run.id: run for run in reversed(ended) if not self._pruned(run)}
        if there:
            yield Batch(tuple(reversed(there.values())), to_come)
        while to_come:
            batch: list[_Trial] = []
            for _ in range(min(self.search.at_once, to_come)):
                trial = self._resumed(*waiting.pop(0)) if waiting else self._asked(known)
                if trial is None:
                    logger.warning("%s proposes nothing new; the search ends early", self.search.sampler)
                    to_come = len(batch)
                    break
                known.add(trial.run.id)
                batch.append(trial)
            to_come -= len(batch)
            yield from self._train(batch, to_come)

    def _train(self, batch: Sequence[_Trial], to_come: int) -> Iterator[Batch]:
        """A batch, after which its trials are told; one that failed stays open and is tried again by the next sweep."""
        trials = {trial.run.id: trial for trial in batch if not self._pruned(trial.run)}

        def watch(run: Run, line: HistoryLine) -> bool:
            trial, epoch = trials[run.id].optuna, int(line["epoch"] or 0)
            if epoch not in self._frozen(trial).intermediate_values:
                trial.report(self._higher_is_better(float(line[f"val_{self.search.metric}"] or 0)), epoch)
            return not trial.should_prune()

        if trials:
            yield Batch(tuple(trial.run for trial in trials.values()), to_come, watch)
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
            self.study.tell(trial.optuna, value)
        elif member is not None or self._pruned(trial.run):
            self.study.tell(trial.optuna, state=state.PRUNED)
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
