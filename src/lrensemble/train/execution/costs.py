"""What a step of a run costs in this process and in a worker process, alone or in a group: by rule, or measured.

The rule looks at the device, the layers, the work in a batch and the threads, and at nothing that changes between two
starts, so that the same command trains in the same way. Its figures are rough: they only have to tell which is less.
"""

from __future__ import annotations

import math
import statistics
import time
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import torch

from lrensemble.data import Dataset
from lrensemble.policies import build
from lrensemble.train.execution.grouping import first_batch, largest_group, network_of
from lrensemble.train.execution.memory import free, is_out_of_memory
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.loop import Trainee, fit_members
from lrensemble.train.run.runs import Run
from lrensemble.train.run.single import SingleTrainee
from lrensemble.train.run.threads import forward_flops, threads, threads_for

SMALL_ON_CPU, SMALL_ON_GPU = 40e6, 5e9
"""Operations of a layer in the forward pass of a batch below which a device gains by training members together."""

LAYER_SECONDS, LAYER_SECONDS_IN_GROUP = 3.5e-4, 2e-4
"""What a layer adds to a step on one thread of a CPU, however small it is: alone, and for each member of a group."""

OPERATION_SECONDS = 1 / 100e9
"""On one thread, of layers whose size decides."""

GAIN_OF_THREADS = 0.7
"""The exponent: so many threads are together as fast as so many to this power that never wait."""

MEASURED_STEPS = 12
"""After one that does not count."""


class Way(NamedTuple):
    """How runs of one kind are executed in a process."""

    seconds: float
    """Of a step, for each run."""
    size: int
    """Of a group; 1 for one by one."""


class Costs(NamedTuple):
    """The best ways in this process, on all threads, and in a worker process of one thread."""

    here: Way
    apart: Way


NEVER = Way(math.inf, 1)


def ruled(runs: Sequence[Run], dataset: Dataset) -> Costs:
    """The costs of runs of one kind, which can be trained together if they are more than one, by the fixed rule."""
    network = network_of(runs[0], dataset)
    inputs, _ = first_batch(runs[0], dataset)
    operations = forward_flops(network, inputs)
    layers = sum(parameter.ndim > 1 for parameter in network.parameters()) or 1
    on_cpu = dataset.device.type == "cpu"
    small = operations / layers < (SMALL_ON_CPU if on_cpu else SMALL_ON_GPU)
    size = largest_group(runs, dataset) if small and len(runs) > 1 else 1
    each = layers * (LAYER_SECONDS_IN_GROUP if size > 1 else LAYER_SECONDS)
    each += 3 * operations * OPERATION_SECONDS  # a backward pass costs two forward passes
    faster = threads_for(network, inputs, size) ** GAIN_OF_THREADS
    return Costs(Way(each / faster, size), Way(each, size) if on_cpu else NEVER)


def measured(runs: Sequence[Run], dataset: Dataset) -> Costs:
    """The same, measured here and now."""
    largest = min(len(runs), largest_group(runs, dataset))
    sizes = sorted({1, *(min(size, largest) for size in (4, 16, 64))})

    def best(count: int) -> Way:
        with threads(count):
            return min(Way(_seconds(runs[:size], dataset) / size, size) for size in sizes)

    return Costs(best(torch.get_num_threads()), best(1) if dataset.device.type == "cpu" else NEVER)


def alone_here(runs: Sequence[Run], dataset: Dataset) -> Costs:  # noqa: ARG001 – all take the same
    """One by one in this process, whatever it costs."""
    return Costs(Way(0.0, 1), NEVER)


def largest_here(runs: Sequence[Run], dataset: Dataset) -> Costs:
    """In the largest groups that this process has room for."""
    return Costs(Way(0.0, largest_group(runs, dataset) if len(runs) > 1 else 1), NEVER)


def alone_apart(runs: Sequence[Run], dataset: Dataset) -> Costs:  # noqa: ARG001
    """One by one in worker processes."""
    return Costs(NEVER, Way(0.0, 1))


def _seconds(runs: Sequence[Run], dataset: Dataset) -> float:
    """Of a step of runs, together; of one, as it is done alone; infinite where the device has no room for them."""
    try:
        ends = [time.perf_counter() for _ in _steps(runs, dataset)]  # a step that is told has ended, on a GPU as well
    except Exception as error:
        if not is_out_of_memory(error):
            raise
        ends = []
    if not ends:
        free()  # not in the handler, where what failed is still held
        return math.inf
    return statistics.median(later - earlier for earlier, later in pairwise(ends))


def _steps(runs: Sequence[Run], dataset: Dataset) -> Iterator[object]:
    settings = [run.recipe.train for run in runs]
    policies = [build("constant(peak=1e-6)", 1 + MEASURED_STEPS)] * len(runs)  # at its own rate one might diverge
    networks = [network_of(run, dataset) for run in runs]
    trainee: Trainee
    if len(runs) == 1:
        trainee = SingleTrainee(networks[0], dataset, settings[0])
    else:
        trainee = StackedTrainee(networks, dataset, settings)
    return fit_members(trainee, policies)
