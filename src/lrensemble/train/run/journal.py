"""The course of runs while they are trained: losses, lines of history, moments, and who diverged."""

from __future__ import annotations

import math
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.train.run.endings import OVER_CHANCE
from lrensemble.train.run.loop import Step, Steps
from lrensemble.train.run.moments import Moments
from lrensemble.train.run.predictions import Scoring
from lrensemble.train.run.state import HistoryLine, Progress, Stop

BySplit = Mapping[str, NDArray[np.floating]]
"""For each split, what the members say (`Head.stored`), [member, sample, column]."""


class Journal:
    """`Progress`, in plain numbers that change from step to step.

    A member whose rate, loss or predictions are not finite has diverged: of it nothing more is noted, nor of one that
    has ended early.
    """

    def __init__(self, progress: Progress, epoch_steps: int, scoring: Scoring) -> None:
        self.epoch_steps, self.scoring = epoch_steps, scoring
        self.step, self.threads, self.reproducible = progress.step, progress.threads, progress.reproducible
        self.diverged = list(progress.diverged)
        """[member]"""
        self.stops = list(progress.stops) or [None] * len(self.diverged)
        """[member]"""
        self.stacked = list(progress.stacked) or list(range(len(self.diverged)))
        """[place] members that are still trained; what is told of steps and epochs has this axis."""
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
            for member, rate, loss, norm in zip(self.stacked, *values, strict=True):
                if self.has_ended(member):
                    continue
                if not (math.isfinite(rate) and math.isfinite(loss)):
                    self._diverge(member, step, rate, loss)
                    continue
                self.moments.add(member, rate, norm)
                self._loss_sums[member] += loss
                seen.append(Step(step, rate, loss, norm, self._begun.runs[member]))
        self.step = done.steps.stop
        return seen

    def end_epoch(self, said: NDArray[np.floating], rates: Sequence[float], judged: Collection[int] = ()) -> None:
        """Write a line of history for each member that goes on.

        Args:
            said: [place, sample, column] on the validation rows.
            rates: [place] of the last step.
            judged: members whose line also says how far they are over chance.
        """
        going_on = [(place, member) for place, member in enumerate(self.stacked) if not self.has_ended(member)]
        self._check(said, going_on, rates)
        going_on = [(place, member) for place, member in going_on if not self.diverged[member]]
        for place, member in going_on:
            line: HistoryLine = {"step": self.step, "epoch": self.step // self.epoch_steps, "rate": rates[place]}
            line |= {"train_loss": self._loss_sums[member] / self.epoch_steps}
            scores = self.scoring.scores(said[place])
            self.histories[member].append(line | {f"val_{name}": value for name, value in scores.items()})
        if asked := [(place, member) for place, member in going_on if member in judged]:
            found = self.scoring.over_chance([said[place] for place, _ in asked])
            for (_, member), value in zip(asked, found, strict=True):
                self.histories[member][-1][OVER_CHANCE] = value
        self._loss_sums = [0.0] * len(self._loss_sums)

    def stop(self, member: int, how: Literal["learned_nothing", "pruned", "stopped"]) -> None:
        """Take note that a member ends after the epoch that was written last."""
        self.stops[member] = Stop(how=how, step=self.step)

    def end(self, predictions: BySplit) -> None:
        """Take note of who has no predictions, [place] of those that are predicted, in the end."""
        rates = [float(history[-1]["rate"] or 0) if history else 0.0 for history in self.histories]
        finished = [(place, member) for place, member in enumerate(self.stacked) if self.has_finished(member)]
        for said in predictions.values():
            self._check(said, finished, [rates[member] for member in self.stacked])

    def _check(self, said: NDArray[np.floating], members: Sequence[tuple[int, int]], rates: Sequence[float]) -> None:
        """Weights can overflow after a loss that was finite; `members` are pairs of place and member."""
        for place, member in members:
            if not self.diverged[member] and not self.scoring.is_usable(said[place]):
                self._diverge(member, self.step - 1, rates[place], math.nan)

    def _diverge(self, member: int, step: int, rate: float, loss: float) -> None:
        self.diverged[member] = True
        line: HistoryLine = {"step": step, "epoch": step // self.epoch_steps + 1, "rate": rate, "train_loss": loss}
        self.histories[member].append(line | {f"val_{name}": None for name in self.scoring.metrics})

    @property
    def going_on(self) -> list[int]:
        """Members that have not ended."""
        return [member for member in self.stacked if not self.has_ended(member)]

    def has_ended(self, member: int) -> bool:
        """Whether a member is trained to no end, or no more."""
        return self.diverged[member] or self.stops[member] is not None

    def has_finished(self, member: int) -> bool:
        """Whether a member has predictions in the end, as far as one knows."""
        stop = self.stops[member]
        return not self.diverged[member] and (stop is None or stop.how == "stopped")

    def steps_of(self, member: int) -> int:
        """Steps that a member has done, with those of the run that it goes on from."""
        if self.diverged[member]:
            return int(self.histories[member][-1]["step"] or 0)
        stop = self.stops[member]
        return self.step if stop is None else stop.step

    def steps(self, member: int) -> range:
        """Steps that a member has done, without those of the run that it goes on from."""
        return range(self._begun.inherited, self.steps_of(member))

    def seconds_of(self, member: int) -> float:
        """Seconds of training per member: those of all, divided by the steps that each has done."""
        steps = [max(1, self.steps_of(each)) for each in range(len(self.diverged))]
        return self.seconds * steps[member] / sum(steps)

    def progress(self) -> Progress:
        """All of it, for a file."""
        return Progress(
            runs=self._begun.runs,
            step=self.step,
            inherited=self._begun.inherited,
            loss_sums=tuple(self._loss_sums),
            histories=tuple(map(tuple, self.histories)),
            diverged=tuple(self.diverged),
            stops=tuple(self.stops) if any(self.stops) else (),
            stacked=tuple(self.stacked) if len(self.stacked) < len(self.diverged) else (),
            seconds=self.seconds,
            threads=self.threads,
            reproducible=self.reproducible,
            moments=self.moments.saved(),
        )
