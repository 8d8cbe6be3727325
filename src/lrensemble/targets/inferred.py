"""The target of a truth that comes without one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.targets.base import Target, TruthKind
from lrensemble.targets.classes import Classes
from lrensemble.targets.values import Values


def kind_of(truth: NDArray[Any]) -> TruthKind:
    """What a truth holds: values where it is floating-point, else classes."""
    return "values" if np.issubdtype(truth.dtype, np.floating) else "classes"


def inferred_target(truth: NDArray[Any], classes: Callable[[], int]) -> Target:
    """The target of a truth, with plain names.

    Args:
        truth: [sample], or [sample, output] of values.
        classes: number of classes, asked for where it has classes.
    """
    if kind_of(truth) == "values":
        return Values(names=tuple(f"y{output}" for output in range(truth.shape[1] if truth.ndim == 2 else 1)))
    return Classes(names=tuple(map(str, range(classes()))))
