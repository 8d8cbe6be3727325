"""Optimizers that leave torch's compiler where it is: to import it takes as long as to train a small network."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import torch

MARKED = ("add_param_group", "state_dict", "load_state_dict")
"""Methods that torch marks for its compiler to leave alone. A mark is made by the compiler, at the first call."""


def eager(kind: type[torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
    """A subclass of an optimizer that takes the same steps, to the bit, for who does not compile them.

    Its methods are those below torch's marks; they are called as they are, and nobody imports the compiler for them.

    Args:
        kind: a class of `torch.optim`.
    """
    below = {name: inspect.unwrap(getattr(kind, name)) for name in MARKED}
    made: Callable[..., torch.optim.Optimizer] = type(
        kind.__name__, (kind,), {**below, "step": _eager_step(inspect.unwrap(kind.step))}
    )
    return made


def _eager_step(update: Callable[..., Any]) -> Callable[..., Any]:
    """A step as torch wraps it, without gradients unless it is to be differentiable, but for the compiler's marks."""

    @functools.wraps(update)
    def step(self: torch.optim.Optimizer, *args: Any, **kwargs: Any) -> Any:
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):
            return update(self, *args, **kwargs)

    return step
