"""One training run of a sweep, and where a pool keeps it until it is a member."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from lrensemble.config import Recipe
from lrensemble.here import PREFIX
from lrensemble.policies import Policy
from lrensemble.pool import Pool
from lrensemble.train.run.progress.record import HistoryLine

STATE = "state.safetensors"


@dataclass(frozen=True)
class Run:
    """One training run of a sweep."""

    order: int
    """Position in the sweep, from 0."""
    recipe: Recipe
    policy: Policy
    """For as many steps as the run has."""
    varied: str = ""
    """What differs from the experiment beside the policy, for people: `batch_size=64, seed=3`."""
    successor: str | None = None
    """Id of the run that goes on where this one ends."""

    @cached_property
    def id(self) -> str:
        """The member's name in the pool."""
        return self.recipe.id  # kept, because every step names it

    @property
    def name(self) -> str:
        """The policy in its text form, and what else varies."""
        return ", ".join(part for part in (str(self.recipe.policy).replace(PREFIX, ""), self.varied) if part)


@dataclass(frozen=True)
class Elsewhere:
    """Another process has a run, or has taken it over from this one; once it has ended there, `Ended` says how."""

    run: Run
    holder: str
    """Which process, for people."""
    claim: str
    """The name of what it has: the run's id, or that of one in whose group this one was begun."""


ShouldContinue = Callable[[Run, HistoryLine], bool]
"""Whether a run goes on, by its line of history after an epoch."""


def unfinished(pool: Pool) -> Path:
    """Where the claims on runs lie, and in them their states until their members are complete."""
    return pool.folder / "unfinished"


def state_of(pool: Pool, name: str) -> Path | None:
    """The state of a run or a group that was begun, or is under way; None where there is none.

    It may go at any moment, where another process is at work on it.
    """
    home = unfinished(pool) / name
    found = [home / STATE, *(folder / STATE for folder in entries_of(home))]  # the first as version 0.1.0 had it
    return next((path for path in found if path.exists()), None)


def entries_of(folder: Path) -> list[Path]:
    """The entries of a folder, by name; none where it is not there, or has gone."""
    try:
        return [folder / name for name in sorted(os.listdir(folder))]
    except OSError:
        return []


def is_there(run: Run, pool: Pool, should_continue: ShouldContinue | None) -> bool:
    """Whether a pool has what a run would add to it; where runs are watched, also one that was pruned."""
    epochs = range(1, run.recipe.train.epochs) if should_continue else ()
    return run.id in pool or any(pruned_recipe(run.recipe, epoch).id in pool for epoch in epochs)


def pruned_recipe(recipe: Recipe, epoch: int) -> Recipe:
    """What a run that was pruned after an epoch has trained; so the whole recipe can still become a member."""
    return recipe.model_copy(update={"at_epoch": epoch})
