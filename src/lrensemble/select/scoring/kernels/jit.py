"""Kernels: compiled when they are first called, kept between runs, and typed as the functions that they are.

Neither numba is imported nor a kernel compiled before one is called: small pools need none, and would wait for them.
No kernel is compiled with `fastmath`: sums keep the order that the definition gives them.

Numba looks for a folder of its own: that of `NUMBA_CACHE_DIR`, `__pycache__` beside the source, the user's cache. Where
none of them can be written to (a home and an installation that are read-only, as in a container) a folder of the
user's among the temporary files is tried; without it, too, the kernels are compiled anew by every process.
"""

from __future__ import annotations

import contextlib
import functools
import logging
from collections.abc import Callable
from types import CodeType, FunctionType
from typing import Any, ParamSpec, TypeVar, cast

from lrensemble.files import private_folder

P = ParamSpec("P")
R = TypeVar("R")

logger = logging.getLogger(__name__)

span = range
"""A range whose turns run on all cores; inside `compiled_parallel` only, which makes it numba's `prange`."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """A kernel for one core."""
    return cast(Callable[P, R], Kernel(function, parallel=False))


def compiled_parallel(function: Callable[P, R]) -> Callable[P, R]:
    """A kernel whose loops over `span` run on all cores."""
    return cast(Callable[P, R], Kernel(function, parallel=True))


class Kernel:
    """A function that numba compiles at its first call, and the kernels that it calls with it."""

    def __init__(self, function: Callable[..., Any], parallel: bool) -> None:
        self._function = cast(FunctionType, function)
        self._parallel = parallel
        functools.update_wrapper(self, function)

    def __call__(self, *arguments: Any) -> Any:
        """What the compiled function gives."""
        return self.dispatcher(*arguments)

    @functools.cached_property
    def dispatcher(self) -> Any:
        """Numba's own object, which compiles for each combination of types that it meets."""
        import numba

        dispatcher = numba.njit(nogil=True, parallel=self._parallel)(self._with_compiled_names())
        keep(dispatcher)
        return dispatcher

    def _with_compiled_names(self) -> Callable[..., Any]:
        """The function, with numba's objects in the place of the kernels that it names, and of `span`."""
        import numba

        written, names = self._function, dict(self._function.__globals__)
        for name in _names(written.__code__):
            if isinstance(names.get(name), Kernel):
                names[name] = names[name].dispatcher
            elif names.get(name) is span:
                names[name] = numba.prange
        function = FunctionType(written.__code__, names, written.__name__, written.__defaults__, written.__closure__)
        return functools.update_wrapper(function, written)


def _names(code: CodeType) -> tuple[str, ...]:
    """Global names in a function and in the comprehensions inside it."""
    inner = [_names(each) for each in code.co_consts if isinstance(each, CodeType)]
    return sum(inner, code.co_names)


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
        import numba

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
