"""Time that members take to predict, measured on one thread of this machine's CPU."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from lrensemble import models
from lrensemble.config import Inputs
from lrensemble.errors import LREnsembleError
from lrensemble.pool import Member
from lrensemble.registry import known_paths_only
from lrensemble.spec import to_spec
from lrensemble.targets import Target

BATCH = 256
"""Batch size for throughput, in rows."""

REPEATS = 5


@dataclass(frozen=True)
class Speed:
    """Time to predict of one network, or of several one after another."""

    latency: float
    """Seconds for one row."""
    batch: float
    """Seconds for `BATCH` rows."""

    @property
    def throughput(self) -> float:
        """Rows per second."""
        return BATCH / self.batch


def speeds(members: Iterable[Member], target: Target, *, trust_code: bool = False) -> dict[str, Speed]:
    """Speed of the members whose network is known, by id; each architecture is measured once."""
    found: dict[tuple[str, tuple[int, ...], int], Speed | None] = {}
    by_id: dict[str, Speed] = {}
    for member in members:
        model = (member.recipe or {}).get("model")
        if model is None or member.inputs is None:
            continue
        key = (str(to_spec(model)), tuple(member.inputs.shape), target.head(member.form).outputs)
        if key not in found:
            with known_paths_only(member.id, trust_code=trust_code):
                found[key] = _measured(member.inputs, key[0], key[2])
        if (speed := found[key]) is not None:
            by_id[member.id] = speed
    return by_id


def combined(parts: Iterable[Speed]) -> Speed:
    """Speed of networks that run one after another: latencies and times add up."""
    known = list(parts)
    return Speed(sum(part.latency for part in known), sum(part.batch for part in known))


@torch.no_grad()
def _measured(inputs: Inputs, model: str, outputs: int) -> Speed | None:
    """Median over runs with new weights, on which the time does not depend; None where the network cannot be built."""
    try:
        network = models.build(model, inputs.shape, outputs, 0).eval()
    except LREnsembleError:
        return None
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several threads would wait for one another where other programs compute too
    try:
        return Speed(*(_median(network, torch.zeros(rows, *inputs.shape)) for rows in (1, BATCH)))
    finally:
        torch.set_num_threads(threads)


def _median(network: nn.Module, batch: torch.Tensor) -> float:
    """Median seconds of a run, after one warm-up."""
    runs = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        network(batch)
        runs.append(time.perf_counter() - start)
    return statistics.median(runs[1:])
