"""Where a run computes: the device, and how many threads of the CPU."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from lrensemble.errors import TrainingError

_FLOPS_FOR_THREADS, _FLOPS_OF_A_GROUP = 50_000_000, 5_000_000
"""Below this much work in the forward pass of a batch, threads wait for one another longer than they compute; a group
of networks has larger tensors for it."""


def cores() -> int:
    """Those that this process may use."""
    allowed: Callable[[int], set[int]] | None = getattr(os, "sched_getaffinity", None)  # Linux alone tells
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def to_device(name: str) -> torch.device:
    """The device of that name: `cpu`, `cuda`, `cuda:1`, `mps` for a GPU of Apple's, or `auto` for a GPU of CUDA's where
    there is one.

    Raises:
        TrainingError: no such device here; the message lists those that there are.
    """
    devices = ["cpu", *(f"cuda:{index}" for index in range(torch.cuda.device_count()))]
    if name == "auto":
        return torch.device(devices[min(1, len(devices) - 1)])
    devices += ["mps"] if torch.backends.mps.is_available() else []
    if name == "mps" and name not in devices:
        raise TrainingError(
            f"torch finds no GPU of Apple's here for device 'mps'; choose from auto, {', '.join(devices)}"
        )
    full_name = "cuda:0" if name == "cuda" else name
    if full_name not in devices:
        raise TrainingError(f"no device named {name!r} here; choose from auto, {', '.join(devices)}")
    return torch.device(full_name)


def to_devices(names: str) -> tuple[torch.device, ...]:
    """Devices by their names, separated by commas, or `gpus` for every GPU.

    Raises:
        TrainingError: no such device here; the message lists those that there are.
    """
    if names == "gpus" and torch.cuda.device_count():
        return tuple(torch.device(f"cuda:{index}") for index in range(torch.cuda.device_count()))
    return tuple(to_device(name.strip()) for name in names.split(","))


def check_way(devices: Iterable[str], execution: str) -> None:
    """Refuse a way to train that a device cannot take.

    Raises:
        TrainingError: groups on `mps`, which has no float64 for the losses of their members.
    """
    if execution == "fused" and any(torch.device(name).type == "mps" for name in devices):
        raise TrainingError("execution fused is refused on mps, which has no float64; choose one-by-one or auto")


def check_precision(device: torch.device, precision: str) -> None:
    """Refuse a precision that a device has no means for.

    Raises:
        TrainingError: float16 on `mps`.
    """
    if device.type == "mps" and precision == "float16":
        raise TrainingError(
            "train.precision = 'float16' is refused on mps, where torch does not scale losses; give bfloat16 or float32"
        )


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


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute on that many threads in this block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)
