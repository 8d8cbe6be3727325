"""Compile kernels once, keep them between runs, and keep their types for the type checker.

No kernel is compiled with `fastmath`: sums keep the order that the definition gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar, cast

import numba

from lrensemble.select.scoring.kernels.keeping import keep

P = ParamSpec("P")
R = TypeVar("R")

span = numba.prange
"""A range whose turns run on all cores; inside `compiled_parallel` only."""


def compiled(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel for one core."""
    return _kept(numba.njit(nogil=True)(function))


def compiled_parallel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile a kernel whose loops over `span` run on all cores."""
    return _kept(numba.njit(nogil=True, parallel=True)(function))


def _kept(kernel: object) -> Callable[P, R]:
    keep(kernel)
    return cast(Callable[P, R], kernel)
