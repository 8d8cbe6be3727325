"""Cost of a step in this process and in a worker process, alone or in a group: by a fixed rule, or measured.

The rule looks at the device, the layers, the work in a batch and the threads, and at nothing that changes between two
starts but the free memory of a GPU, so that the same command trains in the same way. Its figures are rough: they only
have to say which is less.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch

from lrensemble.data import Learnable
from lrensemble.language.adapters import is_adapter
from lrensemble.policies import build
from lrensemble.train.execution.grouping import first_batch, is_stackable, largest_group_size
from lrensemble.train.execution.memory import free, is_out_of_memory
from lrensemble.train.run.arithmetic.flops import forward_flops
from lrensemble.train.run.arithmetic.numerics import threads, threads_for
from lrensemble.train.run.fit import fit_members
from lrensemble.train.run.runs import Run
from lrensemble.train.run.single import initial_network
from lrensemble.train.run.trainees import alone, together

SMALL_LAYER_FLOPS_ON_CPU, SMALL_LAYER_FLOPS_ON_GPU = 40e6, 5e9
"""Floating-point operations per layer and forward pass below which a device gains by training networks together."""

LAYER_SECONDS, FUSED_LAYER_SECONDS = 3.5e-4, 2e-4
"""Overhead of a layer per step on one CPU thread, whatever its size: alone, and for each member of a group."""

SECONDS_PER_FLOP = 1 / 100e9
"""Seconds per floating-point operation on one thread, in layers whose size decides."""

THREAD_SCALING_EXPONENT = 0.7
"""Exponent of the speed-up: n threads are together n^0.7 times as fast as one, since they wait for one another."""

MEASURED_STEPS = 12
"""Steps that a measurement takes, after one that does not count."""


class StepCost(NamedTuple):
    """Cost of a step in the best way to train runs of one kind in a process."""

    seconds: float
    """Seconds per step, divided by the number of runs that share it."""
    group_size: int
    """Number of runs in one program; 1 for one by one."""


class Costs(NamedTuple):
    """Step costs in this process, on all threads, and in a worker process, on one thread."""

    in_process: StepCost
    in_worker: StepCost

    @property
    def in_place(self) -> StepCost:
        """Step cost in a place of an executor that was asked for: as in a worker process, if that is estimated."""
        return self.in_process if math.isinf(self.in_worker.seconds) else self.in_worker


UNAVAILABLE = StepCost(math.inf, 1)
"""Cost of what cannot be done, or is not wanted."""


def estimated_costs(runs: Sequence[Run], dataset: Learnable) -> Costs:
    """Costs by the fixed rule, of runs of one kind, which can be trained together if they are more than one."""
    network = initial_network(runs[0].recipe, dataset)
    inputs, _ = first_batch(runs[0], dataset)
    flops = forward_flops(network, inputs)
    layers = sum(parameter.ndim > 1 for parameter in network.parameters()) or 1
    on_cpu = dataset.device.type == "cpu"
    gains = gains_together(flops / layers, dataset.device, adapters=is_adapter(network))
    size = largest_group_size(runs, dataset) if gains and len(runs) > 1 else 1
    seconds = layers * (FUSED_LAYER_SECONDS if size > 1 else LAYER_SECONDS)
    seconds += 3 * flops * SECONDS_PER_FLOP  # a backward pass costs two forward passes
    speedup = threads_for(network, inputs, size) ** THREAD_SCALING_EXPONENT
    return Costs(StepCost(seconds / speedup, size), StepCost(seconds, size) if on_cpu else UNAVAILABLE)


def gains_together(layer_flops: float, device: torch.device, *, adapters: bool) -> bool:
    """Whether runs of one kind are faster in one program than one by one, by the fixed rule.

    Args:
        layer_flops: floating-point operations per layer and forward pass of one run.
        device: where they are trained.
        adapters: whether they are adapters of one base.
    """
    if device.type == "cpu":
        return layer_flops < SMALL_LAYER_FLOPS_ON_CPU
    # Networks have weights of their own, and gain only by fewer launches. Adapters multiply by the same weights, which
    # one program reads once for the rows of all: on an H200 it was 3.3 to 17.2 times as fast as one by one where a
    # matrix of one run took 1.3e9 to 11e9 operations on average (benchmarks/results/gpu.md).
    return adapters or layer_flops < SMALL_LAYER_FLOPS_ON_GPU


def measured_costs(runs: Sequence[Run], dataset: Learnable) -> Costs:
    """Costs by a measurement on this machine, of runs of one kind as above."""
    largest = min(len(runs), largest_group_size(runs, dataset))
    sizes = sorted({1, *(min(size, largest) for size in (4, 16, 64))})

    def lowest(count: int) -> StepCost:
        with threads(count):
            return min(StepCost(_step_seconds(runs[:size], dataset) / size, size) for size in sizes)

    return Costs(lowest(torch.get_num_threads()), lowest(1) if dataset.device.type == "cpu" else UNAVAILABLE)


def force_one_by_one(runs: Sequence[Run], dataset: Learnable) -> Costs:  # noqa: ARG001 – all take the same
    """Costs that make every run be trained alone in this process, whatever it takes."""
    return Costs(StepCost(0.0, 1), UNAVAILABLE)


def alone_in_either(runs: Sequence[Run], dataset: Learnable) -> Costs:
    """Costs by the fixed rule of runs that are trained alone on one thread, in this process or in a worker's."""
    with threads(1):
        return estimated_costs(runs[:1], dataset)


def fixed_groups(size: int) -> Callable[[Sequence[Run], Learnable], Costs]:
    """Rule that makes runs be trained in groups of a fixed size, whatever memory there is."""

    def costs(runs: Sequence[Run], dataset: Learnable) -> Costs:
        stacked = len(runs) > 1 and is_stackable(initial_network(runs[0].recipe, dataset), dataset)
        return Costs(StepCost(0.0, size if stacked else 1), UNAVAILABLE)

    return costs


def force_fused(runs: Sequence[Run], dataset: Learnable) -> Costs:
    """Costs that make runs be trained in the largest groups that this process has memory for."""
    return Costs(StepCost(0.0, largest_group_size(runs, dataset) if len(runs) > 1 else 1), UNAVAILABLE)


def force_workers(runs: Sequence[Run], dataset: Learnable) -> Costs:  # noqa: ARG001
    """Costs that make every run be trained alone in a worker process."""
    return Costs(UNAVAILABLE, StepCost(0.0, 1))


def _step_seconds(runs: Sequence[Run], dataset: Learnable) -> float:
    """Median seconds of a step of a group, or of a run alone; infinite where the device has no memory for them."""
    try:
        ends = [time.perf_counter() for _ in _steps(runs, dataset)]  # a step that was yielded has ended on a GPU too
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        ends = []
    if not ends:
        free()  # not in the handler, where what failed is still held
        return math.inf
    return statistics.median(later - earlier for earlier, later in pairwise(ends))


def _steps(runs: Sequence[Run], dataset: Learnable) -> Iterator[object]:
    settings = [run.recipe.train for run in runs]
    policies = [build("constant(peak=1e-6)", 1 + MEASURED_STEPS)] * len(runs)  # at its own rate one might diverge
    networks = [initial_network(run.recipe, dataset) for run in runs]
    one = len(runs) == 1
    trainee = alone(networks[0], dataset, settings[0]) if one else together(networks, dataset, settings)
    return fit_members(trainee, policies)
