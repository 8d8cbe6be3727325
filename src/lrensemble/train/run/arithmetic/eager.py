"""Optimizers that leave torch's compiler where it is: to import it takes as long as to train a small network."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from typing import Any

import torch

MARKED = ("add_param_group", "state_dict", "load_state_dict")
"""Methods that torch marks for its compiler to leave alone. A mark is made by the compiler, at the first call."""

WRAPPERS = (
    "_disable_dynamo.<locals>.inner",
    "_use_grad_for_differentiable.<locals>._use_grad",
    "context_decorator.<locals>.decorate_context",
    "Optimizer.profile_hook_step.<locals>.wrapper",
)
"""What torch wraps these methods and a step in, by the names of the functions: its marks, the gradients that a step
goes without, and the hooks that each class of optimizers gets when the first of it is made."""


def eager(kind: type[torch.optim.Optimizer]) -> Callable[..., torch.optim.Optimizer]:
    """A subclass of an optimizer that takes the same steps, to the bit, for who does not compile them.

    Its methods are those below torch's marks; they are called as they are, and nobody imports the compiler for them.
    Torch has no public way to them. A class with a wrapper that is not known is returned as it is: it may be more than
    a mark, as in a later torch, and what is lost is the time of the import.

    Args:
        kind: a class of `torch.optim`.
    """
    methods = [getattr(kind, name) for name in (*MARKED, "step")]
    if any(wrapper not in WRAPPERS for method in methods for wrapper in _wrappers(method)):
        return kind
    *marked, step = map(inspect.unwrap, methods)
    own = {**dict(zip(MARKED, marked, strict=True)), "step": _eager_step(step)}
    made: Callable[..., torch.optim.Optimizer] = type(kind.__name__, (kind,), own)
    return made


def _wrappers(method: Callable[..., Any]) -> Iterator[str]:
    """Names of the functions that a method is wrapped in, the outermost first; what is no function has its own text."""
    while (inner := getattr(method, "__wrapped__", None)) is not None:
        code = getattr(method, "__code__", None)
        yield repr(method) if code is None else code.co_qualname
        method = inner


def _eager_step(update: Callable[..., Any]) -> Callable[..., Any]:
    """A step as torch wraps it, without gradients unless it is to be differentiable, but for the compiler's marks."""

    @functools.wraps(update)
    def step(self: torch.optim.Optimizer, *args: Any, **kwargs: Any) -> Any:
        with torch.set_grad_enabled(self.defaults.get("differentiable", False)):
            return update(self, *args, **kwargs)

    return step
