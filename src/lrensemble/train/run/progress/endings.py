"""Ends of runs before their last step: functions of the lines of their history, so that a resumed run ends as well."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import TrainSettings
from lrensemble.metrics import higher_is_better
from lrensemble.train.run.progress.journal import Journal
from lrensemble.train.run.progress.record import HistoryLine

OVER_CHANCE = "over_chance"
"""Key of a line: standard deviations by which the predictions on `val` fit the truth better than chance."""

History = Sequence[HistoryLine]


def note_over_chance(journal: Journal, said: NDArray[np.floating], members: Sequence[int]) -> None:
    """Write into the last lines of members how far they are over chance, as selection judges it; None where it cannot.

    Args:
        journal: of the runs.
        said: [place, sample, column] on the validation rows.
        members: those that may end because they have learned nothing.
    """
    if not members:
        return
    from lrensemble.select import Validation  # with its compiler; most runs do without
    from lrensemble.select.scoring.learned import scores_over_chance

    scoring = journal.scoring
    own = [scoring.head.predictions(said[journal.stacked.index(member)]) for member in members]
    scores = scores_over_chance(Validation(own, scoring.truth, target=scoring.target)).tolist()
    for member, score in zip(members, scores, strict=True):
        journal.histories[member][-1][OVER_CHANCE] = score if math.isfinite(score) else None


def early_end(history: History, settings: TrainSettings, metric: str) -> Literal["learned_nothing", "stopped"] | None:
    """How a run ends after an epoch that is not its last; None where it goes on.

    Args:
        history: its lines so far, one for each epoch.
        settings: `learn_within` and `patience`.
        metric: metric of the `val` scores that epochs are compared by.
    """
    if learned_nothing(history, settings.learn_within):
        return "learned_nothing"
    if settings.patience and len(history) - 1 - best_epoch(history, metric) >= settings.patience:
        return "stopped"
    return None


def learned_nothing(history: History, epochs: int | None) -> bool:
    """Whether the last so many epochs all ended at chance, by the rule by which selection judges members."""
    if epochs is None or len(history) < epochs:
        return False
    from lrensemble.select.scoring.learned import LEAST_OVER_CHANCE  # with its compiler; most runs do without

    recent = [line.get(OVER_CHANCE) for line in history[-epochs:]]
    return all(value is not None and value < LEAST_OVER_CHANCE for value in recent)


def best_epoch(history: History, metric: str) -> int:
    """Position of the line with the best score; the first of equals."""
    sign = 1 if higher_is_better(metric) else -1
    scores = [sign * float(line[f"val_{metric}"] or 0) for line in history]
    return scores.index(max(scores))
