"""Time that a network takes to predict, on one thread of the CPU: several would wait where others compute too."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence

import torch
from torch import nn

from lrensemble import models
from lrensemble.config import Network
from lrensemble.models.arithmetic import threads
from lrensemble.networks.foreign import Foreign

REPEATS = 5


@torch.no_grad()
def seconds(
    network: Network, shape: tuple[int, ...], outputs: int, *, rows: Sequence[int], content: bytes | None = None
) -> list[float]:
    """Median seconds of a network with new weights, on which the time does not depend, for batches of so many rows.

    Args:
        network: how it is run.
        shape: shape of one input.
        outputs: number of outputs.
        rows: sizes of the batches.
        content: content of its file, where it has one.

    Raises:
        SpecError: an unknown model or kind, or one that does not suit the inputs.
        DataError: content that cannot be read, or a network that does not take the inputs.
        MissingExtraError: the library that runs it is not installed.
    """
    with threads(1):
        if network.file is None:
            built = models.build(network.model, shape, outputs, 0).eval()
        else:
            built = Foreign(network.model, content or b"")
        return [_median(built, torch.zeros(count, *shape)) for count in rows]


def _median(network: nn.Module, batch: torch.Tensor) -> float:
    """Median seconds of a run, after one warm-up."""
    runs = []
    for _ in range(1 + REPEATS):
        start = time.perf_counter()
        network(batch)
        runs.append(time.perf_counter() - start)
    return statistics.median(runs[1:])
