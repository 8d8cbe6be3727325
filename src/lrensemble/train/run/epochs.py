"""Events at the ends of epochs."""

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


def epochs_ended(runs: Sequence[Run], journal: Journal, since: tuple[int, float], now: float) -> list[Epoch]:
    """The epoch that has just ended, of each member that did it.

    Args:
        runs: [member]
        journal: with the lines of the epoch.
        since: steps and seconds of the journal when the epoch before ended, or this process went on.
        now: seconds of the journal.
    """
    steps_per_second = (journal.step - since[0]) / max(now - since[1], 1e-9)
    found = []
    for run, history, diverged in zip(runs, journal.histories, journal.diverged, strict=True):
        line = history[-1] if history else {}
        if diverged or line.get("step") != journal.step:
            continue
        scores = {key.removeprefix("val_"): value for key, value in line.items() if key.startswith("val_")}
        own = Epoch(
            run=run.id,
            epoch=int(line["epoch"] or 0),
            epochs=run.policy.total // journal.epoch_steps,
            step=journal.step,
            rate=float(line["rate"] or 0),
            train_loss=float(line["train_loss"] or 0),
            scores={name: float(value) for name, value in scores.items() if value is not None},
            samples_per_second=steps_per_second * run.recipe.train.batch_size,
            seconds=now,
        )
        found.append(own)
    return found
