"""What members and teams cost: parameters, of adapters their base once; seconds of training, and rows seen."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from contextlib import suppress
from pathlib import Path

import safetensors

from lrensemble.errors import LREnsembleError, StorageError
from lrensemble.evaluate.result import Cost
from lrensemble.files import tensor_errors
from lrensemble.pool import Member


def cost_of(members: Sequence[Member]) -> Cost:
    """Cost summed over members; None where it is unknown of one."""

    def total(values: list[float | None]) -> float | None:
        return sum(v for v in values if v is not None) if None not in values else None

    samples = total([m.samples for m in members])
    return Cost(
        members=len(members),
        parameters=_parameters(members),
        seconds=total([m.seconds for m in members]),
        samples=None if samples is None else int(samples),
    )


def _parameters(members: Sequence[Member]) -> int | None:
    """Number of parameters in memory: of whole networks all, of adapters those of their base once and their own."""
    counts = {member.id: member.parameters for member in members if member.parameters is not None}
    adapters = [member for member in members if member.adapter is not None]
    if len(counts) < len(members):
        return None
    if len(adapters) < 2:
        return sum(counts.values())
    bases = [counts[name] - added for name, added in adapters_of(adapters).items()]  # each was counted with its own
    return sum(counts.values()) - (len(adapters) - 1) * max(bases) if bases else None


def adapters_of(members: Iterable[Member]) -> dict[str, int]:
    """Parameters that adapters add to their base, by id; without those whose weights were dropped or damaged."""
    found = dict[str, int]()
    for member in members:
        if member.adapter is not None and member.has_weights:
            with suppress(LREnsembleError):
                found[member.id] = parameters_in(member.folder / member.name_of_weights)
    return found


def parameters_in(path: Path) -> int:
    """Number of parameters in a file, by its header.

    Raises:
        StorageError: it cannot be read, or is no such file.
    """
    try:
        with tensor_errors(path), safetensors.safe_open(path, "np") as file:
            return sum(math.prod(file.get_slice(name).get_shape()) for name in file.keys())  # noqa: SIM118 – no mapping
    except safetensors.SafetensorError as error:
        raise StorageError(f"cannot read {path}: {' '.join(str(error).split())}") from error
