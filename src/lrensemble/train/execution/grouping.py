"""The number of runs that can be trained in one program, by what their networks do and by the device's memory."""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from lrensemble.data import Dataset, Learnable
from lrensemble.language.adapters import computes_again
from lrensemble.language.dataset import SequenceDataset
from lrensemble.targets.heads import Head
from lrensemble.train.run.arithmetic.randomness import randomness
from lrensemble.train.run.fused.adapters import StackedAdapters
from lrensemble.train.run.fused.stacked import StackedModel
from lrensemble.train.run.needed import needed_memory
from lrensemble.train.run.runs import Run
from lrensemble.train.run.sequences import answer_logits
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
    device, train = dataset.device, runs[0].recipe.train
    network = initial_network(runs[0].recipe, dataset)
    if device.type == "mps" or not is_stackable(network, dataset):  # it has no float64 for the members' losses
        return 1
    if isinstance(dataset, SequenceDataset):
        needed = needed_memory(runs[0].recipe.model, train, dataset)  # of a large base, played through
        small = math.ceil(train.batch_size / train.accumulate)
        own = needed.total - needed.base if needed else adapter_bytes(network, *_longest(dataset, small))
    else:
        own = member_bytes(network, dataset.head(train.form), *first_batch(runs[0], dataset))
    fitting = int(GROUP_MEMORY_FRACTION * memory_for_groups(device)) // own
    return max(1, min(fitting, MAX_GROUP_SIZE_ON_CPU if device.type == "cpu" else MAX_GROUP_SIZE_ON_GPU))


def is_stackable(network: nn.Module, dataset: Learnable) -> bool:
    """Whether a network runs with others in one program: it is not random, and torch.func takes all it does.

    Of language models adapters do, where the base draws nothing, what an adapter's dropout draws is known (`Draws`: on
    a CPU, each number once), and all members have as many rows, which packed ones have not.
    """
    try:
        if isinstance(dataset, SequenceDataset):
            return _adapter_is_stackable(network, dataset)
        assert isinstance(dataset, Dataset)
        inputs, _ = dataset.batch(dataset.rows["train"][:2])
        StackedModel([network, network]).outputs(inputs, training=True, shared=True)
    except Exception:  # whatever a network does that functions of torch.func refuse
        return False
    return True


def _adapter_is_stackable(network: nn.Module, dataset: SequenceDataset) -> bool:
    """Whether a stack of two can be trained on a sequence each, and no random number is drawn on the way."""
    network.train()
    stack, device = StackedAdapters([network, network]), dataset.device
    if dataset.packing or (stack.drops and (device.type != "cpu" or computes_again(network))):
        return False
    ids, answer = dataset.batch(dataset.rows["train"][:1].repeat(2))
    with randomness(0, 0, device), stack.together(2) as base:
        before = _random_state(device)
        loss = answer_logits(base, ids, answer).sum()
        torch.autograd.grad(loss, list(stack.weights.trained.values()))
        return torch.equal(before, _random_state(device))


def _random_state(device: torch.device) -> Tensor:
    return torch.cuda.get_rng_state(device) if device.type == "cuda" else torch.get_rng_state()


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
    kept = _kept_bytes(network, lambda: head.mean_loss(network(inputs), truth, 0.0))
    return 5 * weights + inputs.numel() * inputs.element_size() + 2 * kept


def adapter_bytes(network: nn.Module, ids: Tensor, answer: Tensor) -> int:
    """Bytes of an adapter in a group while it trains, as `member_bytes`; the weights of the base are everybody's."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    weights = sum(parameter.numel() * parameter.element_size() for parameter in trained)
    kept = _kept_bytes(network, lambda: cross_entropy(answer_logits(network, ids, answer).float(), ids[answer]))
    return 5 * weights + 2 * kept


def _kept_bytes(network: nn.Module, loss_of: Callable[[], Tensor]) -> int:
    """Bytes that the forward pass of a loss saves for the backward pass, without the network's own parameters."""
    known = {parameter.data_ptr() for parameter in network.parameters()}
    kept: dict[int, int] = {}

    def keep(tensor: Tensor) -> Tensor:
        if tensor.data_ptr() not in known:
            kept[tensor.data_ptr()] = max(kept.get(tensor.data_ptr(), 0), tensor.numel() * tensor.element_size())
        return tensor

    network.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, _unchanged):
        loss = loss_of()
        del loss
    return sum(kept.values())


def _longest(dataset: SequenceDataset, rows: int) -> tuple[Tensor, Tensor]:
    """Tokens [row, length] of the longest training sequences, and which are learnt: no batch takes more memory."""
    order = np.argsort(-dataset.sequences["train"].lengths, kind="stable")[:rows]
    return dataset.batch(torch.from_numpy(order))


def _unchanged(tensor: Any) -> Any:
    return tensor


def first_batch(run: Run, dataset: Learnable) -> tuple[Tensor, Tensor]:
    """Inputs [row, *shape] and truth [row, …] of as many rows as a batch of the run has."""
    return dataset.batch(dataset.rows["train"][: run.recipe.train.batch_size])
