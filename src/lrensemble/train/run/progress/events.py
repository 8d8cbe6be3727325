"""Events of runs while they are trained: a step, an epoch."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple


class Step(NamedTuple):
    """One update of the optimizer."""

    step: int
    """From 0."""
    rate: float
    loss: float
    """Mean over the batch, before the update."""
    norm: float = math.nan
    """L2 norm of the gradient over all parameters, before clipping."""
    run: str = ""
    """Id of the run, in a sweep."""


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
