"""Ends of runs before their last step: functions of the lines of their history, so that a resumed run ends as well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from lrensemble.config import TrainSettings
from lrensemble.metrics import higher_is_better
from lrensemble.train.run.progress.record import HistoryLine

OVER_CHANCE = "over_chance"
"""Key of a line: standard deviations by which the predictions on `val` fit the truth better than chance."""

History = Sequence[HistoryLine]


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
