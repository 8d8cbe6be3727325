"""Memory that a step frees, kept for the next one; and the errors that say that there is too little.

Every step of training on a CPU asks for the same blocks and frees them. The allocator of glibc returns large free
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

# Options of mallopt(3), from malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3

LARGEST_BLOCK = 32 * 2**20
"""Bytes of a block that is kept; larger ones always come from the system, as glibc's own limit for this has it."""

MAX_FREE = 2**30
"""Bytes of free memory that are kept at most."""


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
    set_option(_TRIM_THRESHOLD, MAX_FREE)
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


_OUT_OF_MEMORY_TEXTS = ("out of memory", "can't allocate memory", "not enough memory", "ALLOC_FAILED")
"""Texts of a RuntimeError of torch where the device, or a library on it, has too little memory; on the CPU and on
Apple's GPUs such errors have no class of their own."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the memory, of the device or of the machine, does not suffice."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(text in str(error) for text in _OUT_OF_MEMORY_TEXTS)


def free() -> None:
    """Free what is no longer referenced; to be called outside the `except` block.

    While the block runs, the error references the frames that failed, and these their networks.
    """
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
    if torch.backends.mps.is_available():
        torch.mps.empty_cache()
