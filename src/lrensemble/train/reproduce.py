"""Reproduce a member: train its recipe again as it was trained, and say how far the two agree. The pool stays as it is.

A network of a group has its bits from the whole group, so the whole group is trained again.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from lrensemble import models
from lrensemble.config import Recipe, Record, to_record
from lrensemble.data import Learnable
from lrensemble.errors import ConfigError, LREnsembleError, PoolError, TrainingError
from lrensemble.files.scratch import scratch_folder
from lrensemble.policies import POLICIES
from lrensemble.pool import MadeWith, Member, Pool, find_member
from lrensemble.pool.member import Status
from lrensemble.registry import known_paths_only, reason_of, require_known_paths
from lrensemble.train.agreement import ORDER, Agreement, RowsOfSplit, ScoreOfTwo, agreement_of, rows_of, scores_of
from lrensemble.train.execution.devices import to_device
from lrensemble.train.execution.memory import kept_memory
from lrensemble.train.execution.signals import deferred_interrupt
from lrensemble.train.run.life import train_runs
from lrensemble.train.run.progress.claims import claim_group
from lrensemble.train.run.progress.record import HistoryLine
from lrensemble.train.run.reading import read_of_recipe
from lrensemble.train.run.runs import Run, ShouldContinue
from lrensemble.train.run.session import Interrupt, Session
from lrensemble.train.sweep.run_factory import run_of
from lrensemble.train.sweep.setup import pool_of

logger = logging.getLogger(__name__)


class Reproduction(Record):
    """A member, and the one that its recipe gave when it was trained again."""

    member: str
    """Id of the member."""
    name: str
    status: Status
    """Status of the member."""
    agreement: Agreement
    """What agrees, the most of `bits`, `labels`, `scores`, `status`, `nothing`."""
    promised: Agreement
    """What has to agree: `bits` where all that decides them is as it was; else the scores, or the status of a member
    without any."""
    kept: bool
    """Whether what is promised agrees."""
    alone: str
    """Reason why a member of a group was trained alone; empty where it was trained as before."""
    differences: dict[str, tuple[str, str]]
    """What decides bits and is not as it was, by name: then, and now."""
    rows: dict[str, RowsOfSplit]
    """How predictions differ, by split; none of a member without any."""
    scores: dict[str, ScoreOfTwo]
    """Scores on `val`, by metric; none of a member without any."""
    made_with: MadeWith | None
    """What it was made with this time."""
    seconds: float | None
    """Seconds of training this time, divided by the members of its group."""


@dataclass(frozen=True)
class _Original:
    """A member as it was trained: what has to be trained to have it again."""

    member: Member
    recipe: Recipe
    """Its own recipe."""
    recipes: tuple[Recipe, ...]
    """Recipes of all members of its program, in the order of the stack."""
    alone: str
    """Reason why these are not all."""

    @property
    def made(self) -> MadeWith:
        """What it was made with, as far as it is known."""
        return self.member.made_with or MadeWith()


def reproduce(
    pool: Pool | Path | str, member: str, *, data: Path | None = None, device: str | None = None
) -> Reproduction:
    """Train a member again as it was trained, and compare; nothing in the pool is changed.

    What is trained goes to a folder among the temporary files, and goes with it.

    Args:
        pool: a pool or its folder. Code that its recipes name is imported only where the pool was opened with
            `trust_code=True`, or where it was asked for in this process.
        member: id, the beginning of one that no other shares, or a name that no other has.
        data: folder of the data set's files, for sources that need one.
        device: `cpu`, `cuda`, `cuda:1`, `mps`; the kind that it was trained on unless given, where there is one here.

    Raises:
        PoolError: no such member, or one without a recipe.
        DataError: the files cannot be read, or are not those that it was trained on.
        UntrustedError: a recipe names code, or something of a hub, that was not asked for.
        TrainingError: its network cannot be trained here.
        StorageError: there is no room for what is trained.
        KeyboardInterrupt: Ctrl-C, SIGTERM or SIGHUP.
    """
    opened = pool if isinstance(pool, Pool) else Pool.open(pool)
    original = _original(opened, find_member(opened, member))
    source, trust_code = str(opened.folder), opened.trust_code
    with known_paths_only(source, trust_code=trust_code):
        for recipe in original.recipes:
            own = [recipe.train.function] if recipe.train.function else []
            require_known_paths(source, recipe.model, recipe.policy, *own, trust_code=trust_code)
            models.check(recipe.model)
            POLICIES.check(recipe.policy)
        place = _device(device, original.made)
        dataset = read_of_recipe(original.recipe, data, trust_code=trust_code).to(place)
        with scratch_folder() as folder, deferred_interrupt() as interrupt, kept_memory():
            trained = _train(original, dataset, pool_of(dataset, folder / "pool"), interrupt)
            return _compared(opened, original, trained)


def _original(pool: Pool, member: Member) -> _Original:
    own, made = _recipe(member), member.made_with
    if made is None or made.execution != "fused":
        return _Original(member, own, (own,), "")
    group = made.group or ((own.id,) if made.group_size == 1 else ())
    by_id = {each.id: each for each in pool.members(include_diverged=True)}
    missing = [id_ for id_ in group if id_ not in by_id]
    alone = ""
    if not group:
        alone = f"the version that trained it did not record its group of {made.group_size}"
    elif missing:
        alone = f"the pool does not have {', '.join(missing)} of its group of {made.group_size}"
    return _Original(member, own, (own,) if alone else tuple(_recipe(by_id[id_]) for id_ in group), alone)


def _recipe(member: Member) -> Recipe:
    if member.recipe is None:
        raise PoolError(f"member {member.id} ({member.name}) was trained elsewhere: it has no recipe to train again")
    try:
        return to_record(Recipe, member.recipe, "recipe")
    except ConfigError as error:
        raise PoolError(f"member {member.id} ({member.name}): {error}") from None


def _device(given: str | None, made: MadeWith) -> torch.device:
    """Device by its name, or of the kind that a member was made on; the CPU where there is none here."""
    if given is not None:
        return to_device(given)
    kind = made.device if made.device in ("cpu", "mps") else "cuda" if made.device else "cpu"
    try:
        return to_device(kind)
    except TrainingError as error:
        logger.warning("%s; it is trained again on the CPU", error)
        return to_device("cpu")


def _train(original: _Original, dataset: Learnable, pool: Pool, interrupt: Interrupt) -> Member:
    """The member, trained again into another pool.

    Raises:
        TrainingError: what fails in its network.
    """
    runs, made, pruned = _runs(original, dataset), original.made, original.member.status == "pruned"
    session = Session(
        interrupt,
        should_continue=_until(original.recipe.at_epoch) if pruned else None,
        execution="fused" if made.execution == "fused" and not original.alone else "one-by-one",
        threads=made.threads,
        reproducible=made.deterministic,
    )
    own = original.recipes.index(original.recipe)
    epoch_steps = runs[own].policy.total // (runs[own].recipe.at_epoch or runs[own].recipe.train.epochs)
    claims, _ = claim_group(runs, pool)
    if claims is None:
        raise TrainingError(f"another process is at work in {pool.folder}, which is this one's own")
    try:
        for step in train_runs(claims, dataset, pool, session):
            if step.run == runs[own].id and (step.step + 1) % epoch_steps == 0:
                logger.info("epoch %s of %s", (step.step + 1) // epoch_steps, runs[own].policy.total // epoch_steps)
    except LREnsembleError:
        raise
    except Exception as error:  # whatever a network raises
        raise TrainingError(f"{original.member.name} cannot be trained here: {reason_of(error)}") from error
    finally:
        claims.release()
    return find_member(pool, original.recipe.id)


def _runs(original: _Original, dataset: Learnable) -> Sequence[Run]:
    """Runs of its program; that of a member that was pruned is as long as it was to be."""
    if original.member.status == "pruned":
        return [run_of(original.recipe.model_copy(update={"at_epoch": None}), dataset)]
    return [run_of(recipe, dataset) for recipe in original.recipes]


def _until(epoch: int | None) -> ShouldContinue:
    """Whether a run goes on that was pruned after an epoch."""

    def should_continue(_run: Run, line: HistoryLine) -> bool:
        return line["epoch"] != epoch

    return should_continue


def _compared(pool: Pool, original: _Original, again: Member) -> Reproduction:
    member, made, now = original.member, original.made, again.made_with or MadeWith()
    rows, scores = rows_of(pool, member, again), scores_of(pool, member, again)
    agreement, differences = agreement_of(member, again, rows, scores), made.differences(now)
    promised: Agreement = "scores" if member.status == "finished" else "status"
    same_way = (
        member.made_with is not None and original.recipe.train.function is None
    )  # of a loop of one's own who knows
    if same_way and not differences and (now.device == "cpu" or now.deterministic):
        promised = "bits"
    return Reproduction(
        member=member.id,
        name=member.name,
        status=member.status,
        agreement=agreement,
        promised=promised,
        kept=ORDER.index(agreement) <= ORDER.index(promised),
        alone=original.alone,
        differences=differences,
        rows=rows,
        scores=scores,
        made_with=again.made_with,
        seconds=again.seconds,
    )
