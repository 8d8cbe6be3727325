"""Record of what runs are made with."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lrensemble.environment import machine, versions
from lrensemble.pool.made_with import MadeWith
from lrensemble.train.run.arithmetic.numerics import rounds_float32
from lrensemble.train.run.runs import Run


def made_with(
    runs: Sequence[Run],
    device: torch.device,
    execution: str,
    *,
    threads: int | None = None,
    reproducible: bool = False,
) -> MadeWith:
    """What decides the bits of runs beside their recipes.

    Args:
        runs: all runs of the program, of one precision, in the order of the stack.
        device: where they were trained.
        execution: how.
        threads: threads that they computed on; None where that is not known.
        reproducible: whether they computed `reproducibly`.
    """
    on_cuda = device.type == "cuda"
    cuda = {}
    if on_cuda:
        cudnn = torch.backends.cudnn.version()  # type: ignore[no-untyped-call]
        cuda = {"cuda": str(torch.version.cuda), "cudnn": str(cudnn)}
    return MadeWith(
        execution=execution,
        group=tuple(run.id for run in runs) if execution == "fused" else (),
        group_size=len(runs),
        threads=threads,
        device=torch.cuda.get_device_name(device) if on_cuda else device.type,
        tf32=rounds_float32(device, runs[0].recipe.train.precision),
        deterministic=reproducible or torch.are_deterministic_algorithms_enabled(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        versions={**versions(), **cuda},
        **machine(),
    )
