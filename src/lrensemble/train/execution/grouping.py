"""The number of runs that can be trained in one program, by what their networks do and by the device's memory."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from lrensemble.data import Dataset, Learnable
from lrensemble.targets.heads import Head
from lrensemble.train.run.fused.stacked import StackedModel
from lrensemble.train.run.runs import Run
from lrensemble.train.run.single import initial_network

MAX_GROUP_SIZE_ON_CPU = 16
MAX_GROUP_SIZE_ON_GPU = 64
"""Members trained together at most: beyond, a step takes longer by what a member adds to it."""

ASSUMED_MEMORY = 4 * 2**30
"""Bytes of memory where the system does not say how many it has."""

GROUP_MEMORY_FRACTION = 0.5
"""Fraction of the device's memory for a group; the rest is for evaluation and for other programs."""


def largest_group_size(runs: Sequence[Run], dataset: Learnable) -> int:
    """Number of runs that fit the device's memory together, at most as many as are of use; at least 1."""
    device, network = dataset.device, initial_network(runs[0].recipe, dataset)
    if device.type == "mps" or not is_stackable(network, dataset):  # it has no float64 for the members' losses
        return 1
    fitting = int(GROUP_MEMORY_FRACTION * memory_for_groups(device)) // member_bytes(
        network, dataset.head(runs[0].recipe.train.form), *first_batch(runs[0], dataset)
    )
    return max(1, min(fitting, MAX_GROUP_SIZE_ON_CPU if device.type == "cpu" else MAX_GROUP_SIZE_ON_GPU))


def is_stackable(network: nn.Module, dataset: Learnable) -> bool:
    """Whether a network runs with others in one program: it is not random, and torch.func takes all it does.

    Language models do not: their base, which is most of them, would be stacked as well.
    """
    if not isinstance(dataset, Dataset):
        return False
    try:
        inputs, _ = dataset.batch(dataset.rows["train"][:2])
        StackedModel([network, network]).outputs(inputs, training=True, shared=True)
    except Exception:  # whatever a network does that functions of torch.func refuse
        return False
    return True


def memory_for_groups(device: torch.device) -> int:
    """Bytes of memory that a group may count on: of a GPU what neither the data nor other programs have taken, of a
    CPU, where more is taken and given back from one moment to the next, all of it.
    """
    if device.type == "cuda":
        kept = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)  # torch's own, and free
        return int(torch.cuda.mem_get_info(device)[0]) + kept
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):  # Windows has no such call
        return ASSUMED_MEMORY


def member_bytes(network: nn.Module, head: Head, inputs: Tensor, truth: Tensor) -> int:
    """Bytes of a member of a group while it trains: weights, gradient, two moments and an update; its batch; and twice
    what the forward pass saves for the backward pass, which makes as much again of it.
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
        loss = head.mean_loss(network(inputs), truth, 0.0)
        del loss
    return 5 * weights + inputs.numel() * inputs.element_size() + 2 * sum(kept.values())


def _unchanged(tensor: Any) -> Any:
    return tensor


def first_batch(run: Run, dataset: Learnable) -> tuple[Tensor, Tensor]:
    """Inputs [row, *shape] and truth [row, …] of as many rows as a batch of the run has."""
    return dataset.batch(dataset.rows["train"][: run.recipe.train.batch_size])
