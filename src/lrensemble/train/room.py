"""Memory that does not suffice: which errors say so, and how what failed is let go of."""

from __future__ import annotations

import gc

import torch

_SAID = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""What a RuntimeError of torch says where the device, or a library on it, has no room; those of the CPU and of Apple's
GPUs have no class of their own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory, of the device or of the machine, does not suffice."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(said in str(error) for said in _SAID)


def free() -> None:
    """Give back what nobody holds any more; to be called where the error is not being handled any more.

    While an `except` block runs, the error holds the stack that failed, and the stack its networks.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
