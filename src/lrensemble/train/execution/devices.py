"""Devices that runs compute on, by name."""

from __future__ import annotations

from collections.abc import Iterable

import torch

from lrensemble.errors import TrainingError


def to_device(name: str) -> torch.device:
    """Device by name: `cpu`, `cuda`, `cuda:1`, `mps` for a GPU of Apple's, or `auto` for a GPU of CUDA's where there
    is one.

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


def check_devices(devices: Iterable[str], execution: str) -> None:
    """Refuse an execution that a device does not have.

    Raises:
        TrainingError: groups on `mps`, which has no float64 for the losses of their members.
    """
    if execution == "fused" and any(torch.device(name).type == "mps" for name in devices):
        raise TrainingError("execution fused is refused on mps, which has no float64; choose one-by-one or auto")
