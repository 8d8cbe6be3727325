"""How long ensembles take to predict, measured in turns: whatever slows the machine down slows down all of them."""

from __future__ import annotations

import statistics
import time
from collections.abc import Mapping

import torch

from lrensemble.evaluate.variants.record import Latency
from lrensemble.export.ensemble import Ensemble
from lrensemble.models.arithmetic import cuda_arithmetic

ROWS = 128
"""Rows of a batch, at most."""

ROUNDS, FEWEST = 15, 3
"""Rounds of all ensembles; where they are slow, the fewest."""

SECONDS = 20.0
"""Seconds after which no further round begins, once there are the fewest."""


@torch.no_grad()
def latencies(ensembles: Mapping[str, Ensemble], inputs: torch.Tensor, reference: str) -> dict[str, Latency]:
    """Time of one batch of raw inputs [sample, …], by name, after a round to warm up.

    Each round begins with another ensemble. The ratio is that of two times of the same round.

    Args:
        ensembles: by name, all on one device.
        inputs: rows of the batch.
        reference: name of the one that the ratios are to.
    """
    names, times = list(ensembles), {name: list[float]() for name in ensembles}
    begun = time.perf_counter()
    for turn in range(ROUNDS + 1):
        for place in range(len(names)):
            name = names[(turn + place) % len(names)]
            took = _seconds(ensembles[name], inputs)
            if turn:
                times[name].append(took)
        if turn >= FEWEST and time.perf_counter() - begun > SECONDS:
            break
    return {
        name: Latency(
            seconds=statistics.median(own),
            ratio=statistics.median(one / other for one, other in zip(own, times[reference], strict=True)),
        )
        for name, own in times.items()
    }


def _seconds(ensemble: Ensemble, inputs: torch.Tensor) -> float:
    device = ensemble.mean.device
    with cuda_arithmetic(device):
        start = time.perf_counter()
        ensemble(inputs.to(device))
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        return time.perf_counter() - start
