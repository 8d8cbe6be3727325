"""How a device computes: on how many threads a CPU does, and how a GPU of CUDA's does in float32: with all of its bits
or fewer, and by which convolutions.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext

import torch
from torch.backends import cuda, cudnn


def cuda_arithmetic(device: torch.device, *, tf32: bool = False, trial: bool = False) -> AbstractContextManager[None]:
    """Compute in this block, on a GPU of CUDA's, as is asked for and not as the process happens to be set.

    torch computes convolutions in TF32 unless it is told otherwise: on its own, predictions would be none of float32.

    Args:
        device: where it is computed; elsewhere than on a GPU of CUDA's nothing changes.
        tf32: whether factors of products may lose 13 of their 23 bits (TF32), which is several times as fast.
        trial: whether every convolution of a new shape is done in all ways once, and then in the fastest. The ways
            differ in the last bits, and which is the fastest may differ from start to start.
    """
    # Asked for at every step: where nothing changes, it costs nothing.
    return _set_in_block(tf32, tf32, trial) if device.type == "cuda" else nullcontext()


@contextmanager
def _set_in_block(*flags: bool) -> Iterator[None]:
    before = _set(flags)
    try:
        yield
    finally:
        _set(before)


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute on that many threads of the CPU in this block."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _set(flags: tuple[bool, ...]) -> tuple[bool, ...]:
    """Set whether products and convolutions are of TF32, and whether convolutions are tried; what it was before."""
    with warnings.catch_warnings():
        # Some versions of torch recommend names that others do not have; both mean the same.
        warnings.filterwarnings("ignore", message="Please use the new API settings", category=UserWarning)
        before = (cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark)
        cuda.matmul.allow_tf32, cudnn.allow_tf32, cudnn.benchmark = flags
    return before
