"""Record of what runs are made with."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from lrensemble.environment import machine, versions
from lrensemble.pool.made_with import MadeWith
from lrensemble.train.run.numerics import rounds_float32


def made_with(
    runs: Sequence[str],
    device: torch.device,
    precision: str,
    execution: str,
    *,
    threads: int | None = None,
    reproducible: bool = False,
) -> MadeWith:
    """What decides the bits of runs beside their recipes.

    Args:
        runs: ids of all runs of the program, in the order of the stack.
        device: where they were trained.
        precision: of their recipe.
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
        group=tuple(runs) if execution == "fused" else (),
        group_size=len(runs),
        threads=threads,
        device=torch.cuda.get_device_name(device) if on_cuda else device.type,
        tf32=rounds_float32(device, precision),
        deterministic=reproducible or torch.are_deterministic_algorithms_enabled(),
        instructions=torch.backends.cpu.get_cpu_capability(),
        versions={**versions(), **cuda},
        **machine(),
    )
