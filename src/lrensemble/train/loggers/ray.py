"""Metrics of a Ray cluster, which its machines export for Prometheus."""

from __future__ import annotations

from typing import Any

from lrensemble.pool import Pool
from lrensemble.train.execution.events import Began, Ended, Event
from lrensemble.train.loggers.base import LOGGERS, Logger, needed
from lrensemble.train.run.progress.events import Step
from lrensemble.train.run.runs import Elsewhere

PREFIX = "lrensemble"
"""What the names of the metrics begin with; Ray puts `ray_` before it."""


@LOGGERS.register
def ray(pool: Pool) -> Logger:
    """Metrics of a Ray cluster, for Prometheus: use it with the executor `ray`.

    `ray_lrensemble_runs_total`, by `status`; `ray_lrensemble_steps_total`, of all runs; and the gauge
    `ray_lrensemble_runs_under_way`; each by `pool`, the name of its folder's parent and of its folder. Every machine of
    the cluster exports what the programs on it tell: see Ray's pages on the collection of metrics.

    Args:
        pool: the pool that the members go to.

    Raises:
        MissingExtraError: Ray is not installed.
    """
    return _ClusterMetrics(needed("ray.util.metrics", "ray", "Ray"), "/".join(pool.folder.absolute().parts[-2:]))


class _ClusterMetrics:
    """Logger that counts; the metrics are made at the first event, when the program is connected to the cluster."""

    def __init__(self, metrics: Any, pool: str) -> None:
        self._metrics, self._pool = metrics, pool
        self._made: dict[str, Any] = {}
        self._under_way = set[str]()

    def note(self, event: Event) -> None:
        """Count runs that end, steps, and runs that are under way."""
        if isinstance(event, Step):
            self._counter("steps", "Steps of training, of all runs.").inc(1)
            return
        if isinstance(event, Began):
            self._under_way.add(event.run.id)
        elif isinstance(event, Ended | Elsewhere):
            self._under_way.discard(event.run.id)
        if isinstance(event, Ended) and event.status != "exists":
            self._counter("runs", "Runs that have ended, by status.", "status").inc(1, {"status": event.status})
        self._gauge().set(len(self._under_way))

    def close(self) -> None:
        """Nothing is under way any more."""
        self._under_way.clear()
        if self._made:
            self._gauge().set(0)

    def _counter(self, name: str, meaning: str, *tags: str) -> Any:
        return self._once(self._metrics.Counter, name, meaning, *tags)

    def _gauge(self) -> Any:
        return self._once(self._metrics.Gauge, "runs_under_way", "Runs that are trained now.")

    def _once(self, kind: Any, name: str, meaning: str, *tags: str) -> Any:
        if name not in self._made:
            metric = kind(f"{PREFIX}_{name}", description=meaning, tag_keys=("pool", *tags))
            metric.set_default_tags({"pool": self._pool})
            self._made[name] = metric
        return self._made[name]
