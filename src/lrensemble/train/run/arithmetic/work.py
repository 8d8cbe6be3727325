"""Work of networks, in floating-point operations: how much of it makes threads pay. Nothing here needs torch."""

from __future__ import annotations

FLOPS_FOR_THREADS, FLOPS_OF_A_GROUP = 50_000_000, 5_000_000
"""Below this much work in the forward pass of a batch, threads wait for one another longer than they compute; a group
of networks has larger tensors for it."""


def threads_pay(operations: int) -> bool:
    """Whether threads of one network compute longer than they wait for one another.

    Args:
        operations: floating-point operations of a forward pass of a batch.
    """
    return operations >= FLOPS_FOR_THREADS
