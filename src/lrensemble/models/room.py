"""A network is counted before there is room made for it: a width with a zero too many ends in a line."""

from __future__ import annotations

import os
from collections.abc import Callable

import torch
from torch import nn

from lrensemble.errors import LREnsembleError, SpecError

BYTES = 4
"""Bytes of a float32 parameter."""
COPIES = 4
"""Copies of the weights' size that training holds: themselves, gradients, momentum, and those being saved."""
USUAL_MEMORY = 64 * 2**30
"""Bytes of memory that are assumed where the system does not say."""


def require_room(model: str, build: Callable[[], nn.Module]) -> None:
    """Refuse a network too large to be trained in memory; it is built without numbers, which takes none.

    Args:
        model: its text form, for the message.
        build: makes the network.

    Raises:
        SpecError: with its parameters, and the memory that there is.
    """
    try:
        with torch.random.fork_rng(devices=[]), torch.device("meta"):
            parameters = sum(weights.numel() for weights in build().parameters())
    except LREnsembleError:
        raise
    except (RuntimeError, OverflowError, TypeError):  # a shape beyond what integers count
        raise SpecError(f"model {model!r} has more parameters than can be counted; make it smaller") from None
    if parameters * BYTES * COPIES > (memory := machine_memory()):
        raise SpecError(
            f"model {model!r} has {parameters:,} parameters: training holds them {COPIES} times, "
            f"{parameters * BYTES * COPIES / 1e9:,.0f} GB, and there are {memory / 1e9:,.0f} GB here; make it smaller"
        )


def machine_memory() -> float:
    """Bytes of memory that this process can have at most."""
    try:
        memory = float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE"))
    except (AttributeError, OSError, ValueError):  # not on every system
        memory = USUAL_MEMORY
    try:
        import resource

        limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    except (ImportError, AttributeError, OSError):
        return memory
    return memory if limit == resource.RLIM_INFINITY else min(memory, float(limit))
