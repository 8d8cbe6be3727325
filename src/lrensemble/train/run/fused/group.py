"""Several runs as one group, from their recipes or from where they were interrupted, to members of the pool."""

from __future__ import annotations

import logging
import math
import time
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field

from lrensemble import models
from lrensemble.config import Record
from lrensemble.data import Dataset, steps_per_epoch
from lrensemble.errors import StorageError
from lrensemble.pool import MemberRecord, Pool
from lrensemble.train.run.claims import GroupClaims
from lrensemble.train.run.engine import Step
from lrensemble.train.run.fused.loop import Steps, fit_together, predict_together
from lrensemble.train.run.fused.optimizers import StackedOptimizer
from lrensemble.train.run.fused.stacked import StackedModel
from lrensemble.train.run.interrupt import Interrupt
from lrensemble.train.run.member import Predictions, SaveClock, record_of, score_names, steps_at_once, val_scores
from lrensemble.train.run.moments import Moments
from lrensemble.train.run.runs import STATE, Run, entries_of, state_of, unfinished
from lrensemble.train.run.state import UNUSABLE, HistoryLine, Progress, read_progress, read_state, write_state
from lrensemble.train.run.threads import threads, threads_for

logger = logging.getLogger(__name__)


class GroupProgress(Record):
    """How far a group has come."""

    runs: tuple[str, ...] = Field(strict=False)
    """[member] ids, in the order of the stack."""
    step: int = 0
    """Steps done."""
    loss_sums: tuple[float, ...] = Field(strict=False)
    """[member] of the steps of the epoch that is under way."""
    histories: tuple[tuple[HistoryLine, ...], ...] = Field(strict=False)
    """[member]"""
    diverged: tuple[bool, ...] = Field(strict=False)
    """[member]"""
    seconds: float = 0.0
    """Wall-clock time so far of all together, interruptions not counted."""
    threads: int = 1
    """Threads of the CPU that the group computes on, from the first step to the last."""
    moments: tuple[tuple[float, ...], ...] = Field(default=(), strict=False)
    """`Moments.saved` of the steps so far."""


def begun_groups(pool: Pool) -> list[tuple[str, ...]]:
    """The ids of the runs of every group whose state lies in the pool; not of a state that is damaged."""
    found = list[tuple[str, ...]]()
    for name in [folder.name for folder in entries_of(unfinished(pool)) if folder.name.startswith("group-")]:
        if path := state_of(pool, name):
            try:
                found.append(read_progress(path, GroupProgress).runs)
            except UNUSABLE:
                continue
            except StorageError:
                if path.exists():  # or else another process has moved it just now, and has the group
                    raise
    return found


def train_group(
    claims: GroupClaims, dataset: Dataset, pool: Pool, interrupt: Interrupt, *, save_steps: int | None
) -> Generator[Step, None, list[MemberRecord]]:
    """Train runs together, from the start or from their saved state, and add them to the pool, however they end.

    A member that diverges stays in the stack and fills its own slices with what is no number: the others keep their
    bits, which another size of the stack might change.

    Args:
        claims: on runs that can be trained together (`fused.rule`); they are gone when the members are there.
        dataset: of their recipes, on the device to train on.
        pool: where the members go.
        interrupt: once it is pending, the state is saved and KeyboardInterrupt is raised.
        save_steps: how many steps lie between two savings of the state; None for as many as take some time.

    Returns:
        What is recorded of the members.

    Raises:
        SpecError, TrainingError, StorageError, LostClaimError: as for one member alone.
        Exception: the group does not fit the memory (`room`), or a network fails; nothing of it is in the pool.
    """
    runs = claims.runs
    group = _Group(claims, dataset)
    epoch_steps = group.epoch_steps
    clock = SaveClock(save_steps)
    at_once = steps_at_once(dataset.device, epoch_steps, save_steps)
    with threads(group.threads):
        steps = fit_together(
            group.model,
            group.optimizer,
            [run.policy for run in runs],
            [run.recipe.train for run in runs],
            dataset,
            first_step=group.step,
            at_once=at_once,
        )
        for done in steps:
            claims.beat()
            before = group.diverged.copy()
            group.take(done)
            if interrupt.pending or clock.strikes(group.step):
                group.save()
            if interrupt.pending:
                raise interrupt.error()
            yield from _told(done, runs, before)
            if group.diverged.all():
                break
        predictions = group.predictions()
    records = [group.add(member, pool, predictions) for member in range(len(runs))]
    claims.finish()
    return records


def _told(done: Steps, runs: Sequence[Run], diverged: NDArray[np.bool_]) -> Generator[Step, None, None]:
    told = zip(done.rates.tolist(), done.losses.tolist(), done.norms.tolist(), strict=True)
    for place, (rates, losses, norms) in enumerate(told):
        for run, rate, loss, norm, gone in zip(runs, rates, losses, norms, diverged, strict=True):
            if not gone and math.isfinite(rate) and math.isfinite(loss):
                yield Step(done.first + place, rate, loss, norm, run.id)


@dataclass(init=False)
class _Group:
    """Stacked networks, their optimizer and how far they have come."""

    def __init__(self, claims: GroupClaims, dataset: Dataset) -> None:
        self.runs, self.dataset, self._claims = claims.runs, dataset, claims
        runs = claims.runs
        recipe, device = runs[0].recipe, dataset.device
        self.epoch_steps = steps_per_epoch(len(dataset.rows["train"]), recipe.train.batch_size)
        built = [models.build(r.recipe.model, dataset.shape, len(dataset.classes), r.recipe.train.seed) for r in runs]
        built = [model.to(device) for model in built]
        self.parameters = sum(parameter.numel() for parameter in built[0].parameters())
        self.model = StackedModel(built, compile_it=recipe.train.compile)
        self.optimizer = StackedOptimizer([run.recipe.train for run in runs], self.model)
        progress = self._restored() or GroupProgress(
            runs=tuple(run.id for run in runs),
            loss_sums=(0.0,) * len(runs),
            histories=((),) * len(runs),
            diverged=(False,) * len(runs),
            threads=threads_for(
                built[0], dataset.batch(dataset.rows["train"][: recipe.train.batch_size])[0], len(runs)
            ),
        )
        self.step, self.threads = progress.step, progress.threads
        self.diverged = np.array(progress.diverged)
        self._loss_sums = np.array(progress.loss_sums)
        self._histories = [list(history) for history in progress.histories]
        self._moments = Moments(len(runs), progress.moments)
        self._started = time.perf_counter() - progress.seconds

    def take(self, done: Steps) -> None:
        """Take note of some steps: who diverged, and at the end of an epoch a line of history for each."""
        for rates, norms in zip(done.rates, done.norms, strict=True):
            self._moments.add(rates.tolist(), norms.tolist())
        self.step = done.first + len(done.rates)
        finite = np.isfinite(done.rates) & np.isfinite(done.losses)
        for member in np.flatnonzero(~finite.all(axis=0) & ~self.diverged).tolist():
            place = int(finite[:, member].argmin())
            self._gone(member, done.first + place, done.rates[place, member], done.losses[place, member])
        self._loss_sums += np.where(self.diverged, 0.0, done.losses.sum(axis=0))
        if self.step % self.epoch_steps == 0 and not self.diverged.all():
            self._end_epoch(done.rates[-1])

    def _end_epoch(self, rates: NDArray[np.float64]) -> None:
        """A line of history for each member that goes on; `rates` [member] are those of the last step."""
        log_probs = predict_together(self.model, self.dataset, "val").numpy()
        for member in np.flatnonzero(~self.diverged).tolist():
            if np.isnan(log_probs[member]).any():
                self._gone(member, self.step - 1, rates[member], math.nan)
                continue
            scores = val_scores(log_probs[member], self.dataset)
            line: HistoryLine = {
                "step": self.step,
                "epoch": self.step // self.epoch_steps,
                "rate": float(rates[member]),
            }
            line |= {"train_loss": float(self._loss_sums[member] / self.epoch_steps)}
            self._histories[member].append(line | dict(zip(score_names(), scores.values(), strict=True)))
        self._loss_sums[:] = 0.0

    def _gone(self, member: int, step: int, rate: float, loss: float) -> None:
        """A member has diverged at a step."""
        self.diverged[member] = True
        line: HistoryLine = {"step": step, "epoch": step // self.epoch_steps + 1, "rate": float(rate)}
        self._histories[member].append(line | {"train_loss": float(loss)} | dict.fromkeys(score_names()))

    @property
    def path(self) -> Path:
        """Of its state."""
        return self._claims.state.folder / STATE

    def save(self) -> None:
        """Write the state of the group, in the place of an earlier one."""
        tensors = {f"model/{name}": tensor for name, tensor in self.model.state().items()}
        tensors |= {f"optimizer/{name}": tensor for name, tensor in self.optimizer.state.items()}
        progress = GroupProgress(
            runs=tuple(run.id for run in self.runs),
            step=self.step,
            loss_sums=tuple(self._loss_sums.tolist()),
            histories=tuple(map(tuple, self._histories)),
            diverged=tuple(self.diverged.tolist()),
            seconds=time.perf_counter() - self._started,
            threads=self.threads,
            moments=self._moments.saved(),
        )
        with self._claims.state.fenced():
            write_state(self.path, progress, tensors)

    def _restored(self) -> GroupProgress | None:
        """Bring networks and optimizer to where the group was; None, with a warning, where its state is of no use."""
        if not self.path.exists():
            return None
        try:
            progress, tensors = read_state(self.path, GroupProgress)
            device = self.dataset.device
            parts: dict[str, dict[str, torch.Tensor]] = {"model": {}, "optimizer": {}}
            for name, tensor in tensors.items():
                kind, _, rest = name.partition("/")
                parts[kind][rest] = tensor.to(device)
            if parts["optimizer"].keys() != self.optimizer.state.keys():
                raise ValueError("its optimizer is another one")
            self.model.load(parts["model"])
        except UNUSABLE as error:
            logger.warning("%s cannot be used (%s); the group starts again from its first step", self.path, error)
            return None
        self.optimizer.state.update(parts["optimizer"])
        return progress

    def predictions(self) -> list[Predictions]:
        """Of every member; none of those that diverged."""
        if self.diverged.all():
            return [{} for _ in self.runs]
        both = {split: predict_together(self.model, self.dataset, split).numpy() for split in ("val", "test")}
        return [
            {} if gone else {split: log_probs[member] for split, log_probs in both.items()}
            for member, gone in enumerate(self.diverged)
        ]

    def add(self, member: int, pool: Pool, predictions: Sequence[Predictions]) -> MemberRecord:
        """Add a member to the pool, unless a sweep that was killed while adding has done so."""
        run, own = self.runs[member], predictions[member]
        gone = not own or any(np.isnan(log_probs).any() for log_probs in own.values())
        history = tuple(self._histories[member])
        step = int(history[-1]["step"] or 0) if gone and history else self.step
        share = (time.perf_counter() - self._started) / len(self.runs)
        progress = Progress(step=step, history=history, seconds=share, threads=self.threads)
        record = record_of(
            run,
            run.recipe,
            "diverged" if gone else "finished",
            self.dataset,
            progress,
            self.parameters,
            {} if gone else own,
            self._moments.statistics(member),
            execution=f"fused, {len(self.runs)} members",
        )
        if (mine := self._claims.members.get(run.id)) and run.id not in pool:
            weights = None if gone else self.model.state_of(member)
            with mine.fenced():
                pool.add(record, {} if gone else own, weights=weights, history=history, within=mine.folder)
        return record
