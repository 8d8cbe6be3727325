"""What is told of runs after each of their epochs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from lrensemble.train.run.journal import Journal
from lrensemble.train.run.runs import Run


@dataclass(frozen=True)
class Epoch:
    """A run has done an epoch, alone or in a group."""

    run: str
    """Id of the run."""
    epoch: int
    """From 1."""
    epochs: int
    """Epoch after which the run ends; a part of a chain counts those of the parts before it."""
    step: int
    """Steps done."""
    rate: float
    """Rate of the last step."""
    train_loss: float
    """Mean over the steps of the epoch."""
    scores: dict[str, float]
    """Scores on the validation rows by metric."""
    samples_per_second: float
    """Training rows that the run has seen since its last epoch, by the wall-clock time since then, scoring included;
    those of runs that are trained together add up."""
    seconds: float
    """Wall-clock time so far of all runs that are trained together with it, interruptions not counted."""


class EpochWatch:
    """Makes the events of epochs from the lines of history that a journal has written."""

    def __init__(self, runs: Sequence[Run], journal: Journal) -> None:
        self._runs, self._journal = runs, journal
        self._last = journal.step, journal.seconds
        """Steps and seconds when the last epoch was told, or this process went on."""

    def ended(self) -> list[Epoch]:
        """The epoch that has just ended, of each member that did it."""
        journal, (step, seconds) = self._journal, self._last
        self._last = now_step, now = journal.step, journal.seconds
        steps_per_second = (now_step - step) / max(now - seconds, 1e-9)
        lines = [history[-1]["step"] if history else 0 for history in journal.histories]
        members = [m for m, last in enumerate(lines) if last == now_step and not journal.diverged[m]]
        return [self._told(member, steps_per_second) for member in members]

    def _told(self, member: int, steps_per_second: float) -> Epoch:
        run, line = self._runs[member], self._journal.histories[member][-1]
        scores = {key.removeprefix("val_"): value for key, value in line.items() if key.startswith("val_")}
        return Epoch(
            run=run.id,
            epoch=int(line["epoch"] or 0),
            epochs=run.policy.total // self._journal.epoch_steps,
            step=self._journal.step,
            rate=float(line["rate"] or 0),
            train_loss=float(line["train_loss"] or 0),
            scores={name: float(value) for name, value in scores.items() if value is not None},
            samples_per_second=steps_per_second * run.recipe.train.batch_size,
            seconds=self._last[1],
        )
