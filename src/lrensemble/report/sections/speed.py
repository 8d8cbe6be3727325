"""Time that members take to predict, measured on one thread of this machine's CPU."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import nn

from lrensemble import models
from lrensemble.config import Inputs, Network
from lrensemble.errors import LREnsembleError
from lrensemble.networks import Foreign
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
    found: dict[tuple[object, ...], Speed | None] = {}
    by_id: dict[str, Speed] = {}
    for member in members:
        network = _network(member)
        if network is None or member.inputs is None:
            continue
        file, outputs = member.files.get(network.file or ""), target.head(member.form).outputs
        key = (str(network.model), file, tuple(member.inputs.shape), outputs)
        if key not in found:
            with known_paths_only(member.id, trust_code=trust_code):
                found[key] = _measured(member, network, member.inputs, outputs)
        if (speed := found[key]) is not None:
            by_id[member.id] = speed
    return by_id


def _network(member: Member) -> Network | None:
    """How a member is run; None where nobody knows, or its file is gone."""
    if member.network is not None:
        return member.network if member.network.file is None or member.has_network_file else None
    model = (member.recipe or {}).get("model")
    return None if model is None else Network(model=to_spec(model))


def combined(parts: Iterable[Speed]) -> Speed:
    """Speed of networks that run one after another: latencies and times add up."""
    known = list(parts)
    return Speed(sum(part.latency for part in known), sum(part.batch for part in known))


@torch.no_grad()
def _measured(member: Member, network: Network, inputs: Inputs, outputs: int) -> Speed | None:
    """Median over runs with new weights, on which the time does not depend; None where the network cannot be built."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # several threads would wait for one another where other programs compute too
    try:
        if network.file is None:
            built = models.build(network.model, inputs.shape, outputs, 0).eval()
        else:
            built = Foreign(network.model, member.network_file())
        return Speed(*(_median(built, torch.zeros(rows, *inputs.shape)) for rows in (1, BATCH)))
    except LREnsembleError:
        return None
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
