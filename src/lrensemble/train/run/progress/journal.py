"""The course of runs while they are trained: losses, lines of history, moments, who diverged, and who ended early."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.pool.member import Status
from lrensemble.train.run.loop import Steps
from lrensemble.train.run.predictions import Scoring
from lrensemble.train.run.progress.events import Epoch, Step
from lrensemble.train.run.progress.moments import Moments
from lrensemble.train.run.progress.record import HistoryLine, Progress, Stop

BySplit = Mapping[str, NDArray[np.floating]]
"""For each split, what the members say (`Head.stored`), [place, sample, column]."""


class Journal:
    """`Progress`, in plain numbers that change from step to step.

    A member whose rate, loss or predictions are not finite has diverged: of it nothing more is noted, nor of one that
    has ended early.
    """

    def __init__(self, progress: Progress, scoring: Scoring, *, epoch_steps: int, total: int, batch_size: int) -> None:
        self.begun, self.scoring = progress, scoring
        self.epoch_steps, self._epochs, self._batch_size = epoch_steps, total // epoch_steps, batch_size
        self.step = progress.step
        self.stops = list(progress.stops) or [None] * len(progress.histories)
        """[member]"""
        self.stacked = list(progress.stacked) or list(range(len(self.stops)))
        """[place] members that are still trained; what is told of steps and epochs has this axis."""
        self.histories = [list(history) for history in progress.histories]
        """[member, line]"""
        self.moments = Moments(len(self.stops), progress.moments)
        self._loss_sums = list(progress.loss_sums)
        self._rates = [float(history[-1]["rate"] or 0) if history else 0.0 for history in self.histories]
        """[member] rate of its last step."""
        self._started = time.perf_counter() - progress.seconds
        self._epoch_began = progress.step, progress.seconds

    @property
    def at_epoch_end(self) -> bool:
        """Whether the last step was that of an epoch."""
        return self.step % self.epoch_steps == 0

    @property
    def seconds(self) -> float:
        """Wall-clock time so far of all members together, interruptions not counted."""
        return time.perf_counter() - self._started

    @property
    def going_on(self) -> list[int]:
        """Members that have not ended."""
        return [member for member in self.stacked if self.stops[member] is None]

    @property
    def finished(self) -> list[int]:
        """Members that have predictions in the end, as far as one knows."""
        return [member for member in range(len(self.stops)) if self.status_of(member) == "finished"]

    def status_of(self, member: int) -> Status:
        """Status in the pool, as far as one knows; a run that was stopped has finished."""
        stop = self.stops[member]
        return "finished" if stop is None or stop.how == "stopped" else stop.how

    def steps_of(self, member: int) -> int:
        """Steps that a member has done, with those of the run that it goes on from."""
        stop = self.stops[member]
        return self.step if stop is None else stop.step

    def steps(self, member: int) -> range:
        """Steps that a member has done, without those of the run that it goes on from."""
        return range(self.begun.inherited, self.steps_of(member))

    def seconds_of(self, member: int) -> float:
        """Seconds of training per member: those of all, divided by the steps that each has done."""
        steps = [max(1, self.steps_of(each)) for each in range(len(self.stops))]
        return self.seconds * steps[member] / sum(steps)

    def add(self, done: Steps) -> list[Step]:
        """Take note of some steps; those of members that go on, for people."""
        seen = []
        for step, *values in zip(*done, strict=True):
            for member, rate, loss, norm in zip(self.stacked, *values, strict=True):
                if self.stops[member] is not None:
                    continue
                self._rates[member] = rate
                if not (math.isfinite(rate) and math.isfinite(loss)):
                    self._diverge(member, step, loss)
                    continue
                self.moments.add(member, rate, norm)
                self._loss_sums[member] += loss
                seen.append(Step(step, rate, loss, norm, self.begun.runs[member]))
        self.step = done.steps.stop
        return seen

    def end_epoch(self, said: NDArray[np.floating]) -> list[Epoch]:
        """Write a line of history for each member that goes on; the epoch of each of these, for people.

        Args:
            said: [place, sample, column] on the validation rows.
        """
        self._check(said, self.going_on)
        scores = {member: self.scoring.scores(said[self.stacked.index(member)]) for member in self.going_on}
        epoch, seconds = self.step // self.epoch_steps, self.seconds
        steps_per_second = (self.step - self._epoch_began[0]) / max(seconds - self._epoch_began[1], 1e-9)
        found = []
        for member, own in scores.items():
            rate, loss = self._rates[member], self._loss_sums[member] / self.epoch_steps
            line: HistoryLine = {"step": self.step, "epoch": epoch, "rate": rate, "train_loss": loss}
            self.histories[member].append(line | {f"val_{name}": value for name, value in own.items()})
            event = Epoch(
                run=self.begun.runs[member],
                epoch=epoch,
                epochs=self._epochs,
                step=self.step,
                rate=rate,
                train_loss=loss,
                scores=own,
                samples_per_second=steps_per_second * self._batch_size,
                seconds=seconds,
            )
            found.append(event)
        self._loss_sums, self._epoch_began = [0.0] * len(self._loss_sums), (self.step, seconds)
        return found

    def stop(self, member: int, how: Literal["learned_nothing", "pruned", "stopped"]) -> None:
        """Take note that a member ends after the epoch that was written last."""
        self.stops[member] = Stop(how=how, step=self.step)

    def end(self, predictions: BySplit) -> None:
        """Take note of who has no predictions in the end."""
        for said in predictions.values():
            self._check(said, self.finished)

    def _check(self, said: NDArray[np.floating], members: Sequence[int]) -> None:
        """Weights can overflow after a loss that was finite."""
        for member in members:
            if not self.scoring.is_usable(said[self.stacked.index(member)]):
                self._diverge(member, self.step - 1, math.nan)

    def _diverge(self, member: int, step: int, loss: float) -> None:
        self.stops[member] = Stop(how="diverged", step=step)
        line: HistoryLine = {"step": step, "epoch": step // self.epoch_steps + 1, "rate": self._rates[member]}
        line |= {"train_loss": loss}
        self.histories[member].append(line | {f"val_{name}": None for name in self.scoring.metrics})

    def progress(self) -> Progress:
        """All of it, for a file."""
        return self.begun.model_copy(
            update={
                "step": self.step,
                "loss_sums": tuple(self._loss_sums),
                "histories": tuple(map(tuple, self.histories)),
                "stops": tuple(self.stops) if any(self.stops) else (),
                "stacked": tuple(self.stacked) if len(self.stacked) < len(self.stops) else (),
                "seconds": self.seconds,
                "moments": self.moments.saved(),
            }
        )
