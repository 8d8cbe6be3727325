"""Where compiled kernels are kept between runs: wherever there is room, or nowhere.

Numba looks for a folder of its own: that of `NUMBA_CACHE_DIR`, `__pycache__` beside the source, the user's cache. Where
none of them can be written to (a home and an installation that are read-only, as in a container) a folder of the
user's among the temporary files is tried; without it, too, the kernels are compiled anew by every process.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from typing import Any

import numba

from lrensemble.files import private_folder

logger = logging.getLogger(__name__)


def keep(kernel: Any) -> None:
    """Have a kernel kept when it is compiled, and read where it was kept, as far as that is possible."""
    if not hasattr(kernel, "enable_caching"):  # NUMBA_DISABLE_JIT: the function as it is written, nothing to keep
        return
    try:
        kernel.enable_caching()
    except RuntimeError:  # numba's word for "nowhere"
        folder = private_folder("kernels")  # what lies in it is run
        if folder is None:
            _say_once("neither NUMBA_CACHE_DIR nor the package, the user's cache or the temporary files are writable")
            return
        vars(numba.config)["CACHE_DIR"] = str(folder)  # what NUMBA_CACHE_DIR sets
        try:
            kernel.enable_caching()
        except RuntimeError:
            _say_once(f"{folder} cannot be written to")
            return
    kernel._cache = _WhereThereIsRoom(kernel._cache)


class _WhereThereIsRoom:
    """A cache of numba's whose failures cost time and nothing else: a disk may be full, a file damaged."""

    def __init__(self, cache: Any) -> None:
        self._cache = cache

    def __getattr__(self, name: str) -> Any:
        return getattr(self._cache, name)

    def load_overload(self, *key: Any) -> Any:
        """What was kept; None where that cannot be read, and then it is kept anew."""
        try:
            return self._cache.load_overload(*key)
        except Exception as error:  # whatever a damaged pickle raises
            logger.info("a kernel that was kept cannot be read (%s); it is compiled again", error)
        with contextlib.suppress(OSError):
            self._cache.flush()
        return None

    def save_overload(self, *entry: Any) -> None:
        """Keep what was compiled."""
        try:
            self._cache.save_overload(*entry)
        except Exception as error:  # also what reads the index before it is written
            _say_once(str(error))


@functools.cache
def _say_once(reason: str) -> None:
    logger.warning("compiled kernels are not kept, so that every start compiles them again: %s", reason)
