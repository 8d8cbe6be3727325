"""What is known of a sweep from its events: who is under way, how far, how fast, and what is left."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from lrensemble.metrics import METRICS
from lrensemble.train import Began, Elsewhere, Ended, Epoch, Event, Planned, Run, Step


@dataclass
class UnderWay:
    """A run that is under way."""

    run: Run
    step: int = 0
    """Steps done."""
    rate: float = math.nan
    loss: float = math.nan
    """Training loss: of the last step, and from its first epoch on the mean over the last epoch."""
    epoch: Epoch | None = None
    """The last one that ended."""

    @property
    def epochs(self) -> str:
        """Epochs done and all, `2/6`; the share of steps before the first has ended."""
        if self.epoch is not None:
            return f"{self.epoch.epoch}/{self.epoch.epochs}"
        return f"{self.step / self.run.policy.total:.0%}"


@dataclass
class Course:
    """A sweep on its way; every moment is given in seconds of one clock."""

    running: dict[str, UnderWay] = field(default_factory=dict)
    """By id."""
    planned: int = 0
    """Runs so far."""
    runs: int = 0
    """Runs in all, with those that later rounds are expected to have."""
    ended: int = 0
    _total: int = 0
    """Steps of the runs so far."""
    _later: int = 0
    """Runs of later rounds."""
    _left: int = 0
    """Steps left of the runs so far."""
    _done: int = 0
    """Steps done here."""
    _began: float | None = None
    """Moment of the first step."""

    def note(self, event: Event, now: float) -> None:
        """Take note of an event."""
        if isinstance(event, Step):
            self._step(event, now)
        elif isinstance(event, Epoch):
            if under_way := self.running.get(event.run):
                under_way.epoch, under_way.loss, under_way.rate = event, event.train_loss, event.rate
        elif isinstance(event, Planned):
            self.planned += len(event.runs)
            self.runs, self._later = self.planned + event.remaining, event.remaining
            steps = sum(run.policy.total for run in event.runs)
            self._total, self._left = self._total + steps, self._left + steps
        elif isinstance(event, Began):
            self.running.setdefault(event.run.id, UnderWay(event.run))
        elif isinstance(event, Elsewhere):
            self.running.pop(event.run.id, None)
        elif isinstance(event, Ended):
            under_way = self.running.pop(event.run.id, UnderWay(event.run))
            self._left -= event.run.policy.total - under_way.step
            self.ended += 1

    def _step(self, event: Step, now: float) -> None:
        under_way = self.running.get(event.run)
        if under_way is None:
            return
        if self._began is None:
            self._began = now
        # A part of a chain begins where the one before it ended; those that follow will as well.
        self._done += 1 if under_way.run.successor is None else event.step + 1 - under_way.step
        self._left -= event.step + 1 - under_way.step
        under_way.step, under_way.rate = event.step + 1, event.rate
        if under_way.epoch is None:
            under_way.loss = event.loss

    @property
    def steps_left(self) -> float:
        """Steps that are not done, with those of runs of later rounds, which are as long as those so far on average."""
        return self._left + self._later * self._total / max(self.planned, 1)

    @property
    def share(self) -> float:
        """Share of all steps that are done."""
        total = self._total * (1 + self._later / max(self.planned, 1))
        return 1 - self.steps_left / total if total else 0.0

    def seconds_left(self, now: float) -> float:
        """Seconds until all is done, at the mean speed since the first step here; NaN before there is one."""
        if self._began is None or now <= self._began or not self._done:
            return math.nan
        return self.steps_left * (now - self._began) / self._done

    @property
    def samples_per_second(self) -> float:
        """Training rows per second of all runs under way, by their last epochs; NaN before the first."""
        speeds = [each.epoch.samples_per_second for each in self.running.values() if each.epoch is not None]
        return math.fsum(speeds) if speeds else math.nan

    def best_first(self) -> list[UnderWay]:
        """Runs under way by their score on val, the best first; those that have none yet come last, in their order."""

        def key(each: UnderWay) -> tuple[bool, float]:
            if each.epoch is None or (shown := shown_metric(each.epoch.scores)) is None:
                return True, 0.0
            value = each.epoch.scores[shown]
            return False, -value if METRICS.facts(shown).higher_is_better else value

        return sorted(self.running.values(), key=key)


def shown_metric(scores: dict[str, float]) -> str | None:
    """The metric that people are shown: accuracy, or else the first of those that are watched."""
    return "accuracy" if "accuracy" in scores else next(iter(scores), None)
