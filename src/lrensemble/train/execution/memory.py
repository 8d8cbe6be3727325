"""The memory that a step gives back, kept for the next one.

Every step of training on a CPU asks for the same blocks and gives them back. The allocator of glibc hands large free
blocks to the system at once, and takes them again page by page, each cleared first: in a group of small networks half
of the time of a step. A GPU needs none of this: there torch keeps what it was given.
"""

from __future__ import annotations

import ctypes
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch

# Of mallopt(3), from malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

LARGEST_BLOCK = 32 * 2**20
"""Bytes of a block that is kept; larger ones always come from the system, as glibc's own limit for this has it."""

KEPT = 2**30
"""Bytes that are kept free at most."""


@contextmanager
def kept_memory() -> Iterator[None]:
    """Keep free memory for the next step in this block, where glibc gives it; elsewhere nothing changes.

    Afterwards the allocator is as it makes itself when a program gives back a block of `LARGEST_BLOCK`, and all that is
    free is the system's again.
    """
    libc = _glibc()
    if libc is None:
        yield
        return
    set_option: Callable[[int, int], int] = libc.mallopt
    set_option(_MMAP_THRESHOLD, LARGEST_BLOCK)
    set_option(_TRIM_THRESHOLD, KEPT)
    try:
        yield
    finally:
        set_option(_TRIM_THRESHOLD, 2 * LARGEST_BLOCK)
        libc.malloc_trim(0)


def _glibc() -> ctypes.CDLL | None:
    """The C library of this process; None where it is not glibc."""
    if sys.platform != "linux":
        return None
    libc = ctypes.CDLL(None)
    return libc if hasattr(libc, "gnu_get_libc_version") and hasattr(libc, "mallopt") else None


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
