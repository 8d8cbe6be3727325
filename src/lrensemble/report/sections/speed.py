"""Time that members take to predict, measured on one thread of this machine's CPU."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from lrensemble import networks  # lazy: a page of predictions alone needs no torch
from lrensemble.config import Inputs, Network
from lrensemble.errors import LREnsembleError
from lrensemble.pool import Member
from lrensemble.registry import known_paths_only
from lrensemble.spec import to_spec
from lrensemble.targets import Target

BATCH = 256
"""Batch size for throughput, in rows."""


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


def _measured(member: Member, network: Network, inputs: Inputs, outputs: int) -> Speed | None:
    """Speed with new weights, on which it does not depend; None where the network cannot be built."""
    try:
        content = None if network.file is None else member.network_file()
        return Speed(*networks.seconds(network, inputs.shape, outputs, rows=(1, BATCH), content=content))
    except LREnsembleError:
        return None
