"""Numbers on their way to a device."""

from __future__ import annotations

import torch
from torch import Tensor


def queued(numbers: Tensor, device: torch.device) -> Tensor:
    """The same numbers on another device. The copy to a GPU of CUDA's is only queued, which takes memory that the
    system cannot move: from other memory the host waits until all that the GPU was given before is done.
    """
    if device.type != "cuda" or numbers.is_cuda:
        return numbers.to(device)
    return numbers.pin_memory().to(device, non_blocking=True)
