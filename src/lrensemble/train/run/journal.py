"""The course of runs while they are trained: losses, lines of history, moments, and who diverged."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from lrensemble.train.run.loop import Step, Steps
from lrensemble.train.run.moments import Moments
from lrensemble.train.run.predictions import Scoring
from lrensemble.train.run.state import HistoryLine, Progress

BySplit = Mapping[str, NDArray[np.floating]]
"""For each split, what the members say (`Head.stored`), [member, sample, column]."""


class Journal:
    """`Progress`, in plain numbers that change from step to step.

    A member whose rate, loss or predictions are not finite has diverged: of it nothing more is noted.
    """

    def __init__(self, progress: Progress, epoch_steps: int, scoring: Scoring) -> None:
        self.epoch_steps, self.scoring = epoch_steps, scoring
        self.step, self.threads, self.reproducible = progress.step, progress.threads, progress.reproducible
        self.diverged = list(progress.diverged)
        """[member]"""
        self.histories = [list(history) for history in progress.histories]
        """[member, line]"""
        self.moments = Moments(len(self.diverged), progress.moments)
        self._started = time.perf_counter() - progress.seconds
        self._begun = progress
        self._loss_sums = list(progress.loss_sums)

    @property
    def at_epoch_end(self) -> bool:
        """Whether the last step was that of an epoch."""
        return self.step % self.epoch_steps == 0

    @property
    def seconds(self) -> float:
        """Wall-clock time so far of all members together, interruptions not counted."""
        return time.perf_counter() - self._started

    def add(self, done: Steps) -> list[Step]:
        """Take note of some steps; those of members that go on, for people."""
        seen = []
        for step, *values in zip(*done, strict=True):
            for member, (rate, loss, norm) in enumerate(zip(*values, strict=True)):
                if self.diverged[member]:
                    continue
                if not (math.isfinite(rate) and math.isfinite(loss)):
                    self._diverge(member, step, rate, loss)
                    continue
                self.moments.add(member, rate, norm)
                self._loss_sums[member] += loss
                seen.append(Step(step, rate, loss, norm, self._begun.runs[member]))
        self.step = done.steps.stop
        return seen

    def end_epoch(self, said: NDArray[np.floating], rates: Sequence[float]) -> None:
        """Write a line of history for each member that goes on.

        Args:
            said: [member, sample, column] on the validation rows.
            rates: [member] of the last step.
        """
        self._check(said, rates)
        for member in self._going_on():
            line: HistoryLine = {"step": self.step, "epoch": self.step // self.epoch_steps, "rate": rates[member]}
            line |= {"train_loss": self._loss_sums[member] / self.epoch_steps}
            scores = self.scoring.scores(said[member])
            self.histories[member].append(line | {f"val_{name}": value for name, value in scores.items()})
        self._loss_sums = [0.0] * len(self._loss_sums)

    def end(self, predictions: BySplit) -> None:
        """Take note of who has no predictions in the end."""
        rates = [float(history[-1]["rate"] or 0) if history else 0.0 for history in self.histories]
        for said in predictions.values():
            self._check(said, rates)

    def _check(self, said: NDArray[np.floating], rates: Sequence[float]) -> None:
        """Weights can overflow after a loss that was finite."""
        for member in self._going_on():
            if not self.scoring.is_usable(said[member]):
                self._diverge(member, self.step - 1, rates[member], math.nan)

    def _diverge(self, member: int, step: int, rate: float, loss: float) -> None:
        self.diverged[member] = True
        line: HistoryLine = {"step": step, "epoch": step // self.epoch_steps + 1, "rate": rate, "train_loss": loss}
        self.histories[member].append(line | {f"val_{name}": None for name in self.scoring.metrics})

    def _going_on(self) -> list[int]:
        return [member for member, gone in enumerate(self.diverged) if not gone]

    def steps(self, member: int) -> range:
        """Steps that a member has done, without those of the run that it goes on from."""
        done = int(self.histories[member][-1]["step"] or 0) if self.diverged[member] else self.step
        return range(self._begun.inherited, done)

    def progress(self) -> Progress:
        """All of it, for a file."""
        return Progress(
            runs=self._begun.runs,
            step=self.step,
            inherited=self._begun.inherited,
            loss_sums=tuple(self._loss_sums),
            histories=tuple(map(tuple, self.histories)),
            diverged=tuple(self.diverged),
            seconds=self.seconds,
            threads=self.threads,
            reproducible=self.reproducible,
            moments=self.moments.saved(),
        )
