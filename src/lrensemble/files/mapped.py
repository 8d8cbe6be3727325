"""Memory that mapped files take: pages that were read count as the process's own until they are let go."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def release(arrays: Iterable[NDArray[Any]]) -> None:
    """Let go of the pages of memory-mapped arrays; those that are used again are read again.

    Arrays in memory stay as they are, and so does everything where the system has no such call.
    """
    advice = getattr(mmap, "MADV_DONTNEED", None)
    if advice is None:
        return
    for array in arrays:
        if isinstance(mapped := _map_of(array), mmap.mmap):
            mapped.madvise(advice)


def is_mapped(array: NDArray[Any]) -> bool:
    """Whether an array lies in a file, of which it takes the pages that were read."""
    return isinstance(_map_of(array), mmap.mmap)


def _map_of(array: Any) -> Any:
    """The map that an array is a view of; None of one in memory."""
    while array is not None and not isinstance(array, mmap.mmap):
        array = getattr(array, "_mmap", None) or getattr(array, "base", None)
    return array
