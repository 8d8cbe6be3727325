"""How many threads of the CPU a run computes on."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lrensemble.models.arithmetic import threads

__all__ = ["forward_flops", "threads", "threads_for"]

_FLOPS_FOR_THREADS, _FLOPS_OF_A_GROUP = 50_000_000, 5_000_000
"""Below this much work in the forward pass of a batch, threads wait for one another longer than they compute; a group
of networks has larger tensors for it."""


def threads_for(model: nn.Module, inputs: Tensor, copies: int = 1) -> int:
    """How many threads a run uses: one for a small network, all that torch has for a larger one.

    The number is part of what a result depends on to the last bit, so it follows from the network and the size of a
    batch, is kept with the state of a run, and is recorded with the member.

    Args:
        model: the network.
        inputs: of a batch.
        copies: networks that compute side by side in one program.
    """
    enough = _FLOPS_OF_A_GROUP if copies > 1 else _FLOPS_FOR_THREADS
    return torch.get_num_threads() if copies * forward_flops(model, inputs) >= enough else 1


@torch.no_grad()
def forward_flops(model: nn.Module, inputs: Tensor) -> int:
    """Floating-point operations of one forward pass, in evaluation mode."""
    model.eval()
    with FlopCounterMode(display=False) as counter:
        model(inputs)
    return int(counter.get_total_flops())
