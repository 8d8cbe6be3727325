"""Loggers that keep a run of their own for every run of a sweep, as trackers of experiments do."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Protocol

from lrensemble.config import Recipe
from lrensemble.train.execution.events import Began, Ended, Event
from lrensemble.train.run.progress.events import Epoch, Step
from lrensemble.train.run.runs import Elsewhere, Run

Parameter = str | int | float | bool


class Tracked(Protocol):
    """A run in a tracker, open."""

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Take note of values after so many steps."""

    def end(self, status: str) -> None:
        """Close it, with `Ended.status`, or `interrupted`, or `elsewhere` where another process has the run."""


class RunLogger:
    """Logger that opens a run in a tracker when one begins, and closes it when it ends."""

    def __init__(self, begin: Callable[[Run], Tracked], every: int | None) -> None:
        """Do nothing yet.

        Args:
            begin: opens a run in the tracker, or one that was interrupted.
            every: steps between two points of rate and loss; None for epochs alone.
        """
        self._begin, self._every = begin, every
        self._open: dict[str, Tracked] = {}

    def note(self, event: Event) -> None:
        """Open, log or close the run of an event."""
        if isinstance(event, Step):
            if self._every and (event.step + 1) % self._every == 0 and event.run in self._open:
                self._open[event.run].log({"rate": event.rate, "loss": event.loss}, event.step + 1)
        elif isinstance(event, Epoch):
            if event.run in self._open:
                self._open[event.run].log(points(event), event.step)
        elif isinstance(event, Began):
            if event.run.id not in self._open:  # a group that failed begins again, one by one
                self._open[event.run.id] = self._begin(event.run)
        elif isinstance(event, Elsewhere | Ended) and event.run.id in self._open:
            self._open.pop(event.run.id).end(event.status if isinstance(event, Ended) else "elsewhere")

    def close(self) -> None:
        """Close the runs that were interrupted."""
        while self._open:
            self._open.popitem()[1].end("interrupted")


def points(event: Epoch) -> dict[str, float]:
    """Values of an epoch by name, as `history.jsonl` calls them."""
    scores = {f"val_{name}": value for name, value in event.scores.items()}
    speed = {"samples_per_second": event.samples_per_second}
    return {"epoch": event.epoch, "rate": event.rate, "train_loss": event.train_loss, **scores, **speed}


def parameters(recipe: Recipe) -> dict[str, Parameter]:
    """Fields of a recipe by their paths (`policy.peak`), those that are given; lists as JSON."""
    return dict(_flat("", recipe.model_dump(mode="json")))


def _flat(path: str, value: object) -> list[tuple[str, Parameter]]:
    if isinstance(value, Mapping):
        inside = [_flat(f"{path}.{key}" if path else str(key), each) for key, each in value.items()]
        return [pair for pairs in inside for pair in pairs]
    if value is None:
        return []
    return [(path, value if isinstance(value, str | int | float) else json.dumps(value))]
