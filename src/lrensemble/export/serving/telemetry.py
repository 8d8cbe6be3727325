"""Counts and times of a server, in the text format of Prometheus."""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

CONTENT_TYPE = CONTENT_TYPE_LATEST

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
ROWS = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024)


class Telemetry:
    """Metrics of one server, in a registry of its own."""

    def __init__(self, waiting: Callable[[], float], inside: Callable[[], float]) -> None:
        """All at zero.

        Args:
            waiting: number of requests that wait to be predicted.
            inside: number of requests that are read, waiting or predicted.
        """
        self._registry = own = CollectorRegistry()
        ProcessCollector(registry=own)
        self.requests = Counter(
            "lrensemble_requests",
            "Requests for predictions that were answered, by HTTP status.",
            ["status"],
            registry=own,
        )
        self.rows = Counter("lrensemble_rows", "Rows that were predicted for an answer.", registry=own)
        self.outside = Counter(
            "lrensemble_outside_rows", "Rows of them far outside of what was trained on.", registry=own
        )
        self.seconds = Histogram(
            "lrensemble_request_seconds",
            "Time from the head of a request to its answer.",
            buckets=SECONDS,
            registry=own,
        )
        self.batch_rows = Histogram("lrensemble_batch_rows", "Rows predicted at once.", buckets=ROWS, registry=own)
        self.batch_seconds = Histogram(
            "lrensemble_batch_seconds", "Time in which a batch was predicted.", buckets=SECONDS, registry=own
        )
        for name, meaning, count in (
            ("waiting", "Requests that wait to be predicted.", waiting),
            ("inside", "Requests that are read, waiting or predicted.", inside),
        ):
            Gauge(f"lrensemble_requests_{name}", meaning, registry=own).set_function(count)

    def text(self) -> bytes:
        """All of them, as Prometheus reads them."""
        return generate_latest(self._registry)
