"""Memory that mapped files take: pages that were read count as the process's own until they are let go."""

from __future__ import annotations

import mmap
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


MOST_FILES = 2**16
"""Files that a process may have open where the system sets no limit."""


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


def allow_many_files() -> None:
    """Let this process have as many files open as the system lets it.

    Every map has one, and 1024, with which many systems begin, are the predictions of 512 members.
    """
    try:
        import resource
    except ImportError:  # Windows, which counts no maps
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft == resource.RLIM_INFINITY or soft >= wanted:
        return
    with suppress(OSError, ValueError):  # of systems whose own limit is lower than what they say
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def is_mapped(array: NDArray[Any]) -> bool:
    """Whether an array lies in a file, of which it takes the pages that were read."""
    return isinstance(_map_of(array), mmap.mmap)


def _map_of(array: Any) -> Any:
    """The map that an array is a view of; None of one in memory."""
    while array is not None and not isinstance(array, mmap.mmap):
        array = getattr(array, "_mmap", None) or getattr(array, "base", None)
    return array
