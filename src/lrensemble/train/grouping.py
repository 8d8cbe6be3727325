"""What decides how many runs are trained in one program: their layers, their work, and the memory of the device."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lrensemble import models
from lrensemble.data import Dataset
from lrensemble.train.devices import forward_flops
from lrensemble.train.engine import fit
from lrensemble.train.fused.loop import fit_together
from lrensemble.train.fused.optimizers import StackedOptimizer
from lrensemble.train.fused.stacked import StackedModel
from lrensemble.train.learner import Learner
from lrensemble.train.member import Run

LARGEST_ON_CPU = 16
LARGEST_ON_GPU = 64
"""Members trained together at most: beyond, a step takes longer by what a member adds to it."""

SMALL_ON_CPU = 200e6
"""Operations in the forward pass of a batch below which a CPU gains by training members together."""

SMALL_ON_GPU = 100e9
"""The same for a GPU, which a larger batch fills by itself."""

SHARE_OF_MEMORY = 0.5
"""Of the device's, for a group; the rest is for the data, for evaluation and for others."""

MEASURED_STEPS = 10


def group_size(runs: Sequence[Run], dataset: Dataset) -> int:
    """How many runs of one kind are trained together by the fixed rule; 1 for each alone.

    It follows from the network, the size of a batch and the machine, and from nothing that changes between two starts.
    """
    network, device = _network(runs[0], dataset), dataset.device
    on_cpu = device.type == "cpu"
    convolutional = any(isinstance(module, nn.modules.conv._ConvNd) for module in network.modules())
    small = flops_of(runs[0], dataset) < (SMALL_ON_CPU if on_cpu else SMALL_ON_GPU)
    if not small or (on_cpu and convolutional) or not can_be_stacked(network, dataset):
        return 1
    return largest_group(runs, dataset)


def largest_group(runs: Sequence[Run], dataset: Dataset) -> int:
    """How many runs fit the device's memory together, at most as many as are of use; at least 1."""
    run, device = runs[0], dataset.device
    network = _network(run, dataset)
    if not can_be_stacked(network, dataset):
        return 1
    inputs, labels = dataset.batch(dataset.rows["train"][: run.recipe.train.batch_size])
    fitting = int(SHARE_OF_MEMORY * memory_of(device)) // member_bytes(network, inputs, labels)
    return max(1, min(fitting, LARGEST_ON_CPU if device.type == "cpu" else LARGEST_ON_GPU))


def measured_group(runs: Sequence[Run], dataset: Dataset) -> int:
    """The size of group that trains the most members per second, measured here and now; 1 for each alone."""
    sizes, size = [1], 4
    while size < min(2 * len(runs), 2 * (largest := largest_group(runs, dataset))) and largest > 1:
        sizes.append(min(size, len(runs), largest))
        size *= 4
    rates = {size: size / _seconds(runs[:size], dataset) for size in sizes}
    return max(rates, key=lambda size: rates[size])


def can_be_stacked(network: nn.Module, dataset: Dataset) -> bool:
    """Whether a network runs with others in one program: it draws no random numbers, and all it does can be stacked."""
    try:
        inputs, _ = dataset.batch(dataset.rows["train"][:2])
        StackedModel([network, network]).logits(inputs, training=True, shared=True)
    except Exception:  # whatever a network does that functions of torch.func refuse
        return False
    return True


def flops_of(run: Run, dataset: Dataset) -> int:
    """Operations in the forward pass of a batch."""
    inputs, _ = dataset.batch(dataset.rows["train"][: run.recipe.train.batch_size])
    return forward_flops(_network(run, dataset), inputs)


def memory_of(device: torch.device) -> int:
    """Bytes that the device has, taken or not."""
    if device.type == "cuda":
        return int(torch.cuda.get_device_properties(device).total_memory)
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def member_bytes(network: nn.Module, inputs: Tensor, labels: Tensor) -> int:
    """What a member of a group takes while it trains: weights, gradient, two moments and an update, its batch, and
    what the forward pass keeps for the backward pass, twice for what that pass makes of it.
    """
    weights = sum(parameter.numel() * parameter.element_size() for parameter in network.parameters())
    known = {parameter.data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in known:
            kept[tensor.data_ptr()] = max(kept.get(tensor.data_ptr(), 0), tensor.numel() * tensor.element_size())
        return tensor

    network.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, _unchanged):
        loss = nn.functional.cross_entropy(network(inputs), labels)
        del loss
    return 5 * weights + inputs.numel() * inputs.element_size() + 2 * sum(kept.values())


def _unchanged(tensor: Any) -> Any:
    return tensor


def _network(run: Run, dataset: Dataset) -> nn.Module:
    recipe, device = run.recipe, dataset.device
    return models.build(recipe.model, dataset.shape, len(dataset.classes), recipe.train.seed).to(device)


def _seconds(runs: Sequence[Run], dataset: Dataset) -> float:
    """Of some steps of runs, together; of one, as it is done alone."""
    policies, settings = [run.policy for run in runs], [run.recipe.train for run in runs]
    networks = [_network(run, dataset) for run in runs]
    start = time.perf_counter()
    if len(runs) == 1:
        for step in fit(Learner(networks[0], settings[0]), policies[0], dataset, settings[0]):
            if step.step + 1 == MEASURED_STEPS:
                break
    else:
        stacked = StackedModel(networks)
        optimizer = StackedOptimizer(settings, stacked)
        for steps in fit_together(stacked, optimizer, policies, settings, dataset, first_step=0, at_once=1):
            if steps.first + 1 == MEASURED_STEPS:
                break
    if dataset.device.type == "cuda":
        torch.cuda.synchronize(dataset.device)
    return time.perf_counter() - start
