"""Work of a network: floating-point operations of a forward pass, counted by torch operator by operator."""

from __future__ import annotations

import inspect
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils import flop_counter
from torch.utils.flop_counter import FlopCounterMode


@torch.no_grad()
def forward_flops(model: nn.Module, inputs: Tensor) -> int:
    """Floating-point operations of one forward pass, in evaluation mode."""
    model.eval()
    counter = FlopCounterMode(display=False)
    with _unmarked(counter):
        model(inputs)
    return int(counter.get_total_flops())


def _unmarked(counter: FlopCounterMode) -> AbstractContextManager[Any]:
    """What counts, without the mark by which torch's compiler leaves it alone: to set that, all of it is imported.

    The counter itself where this torch has no such part: it counts the same, and imports the compiler.
    """
    part: Any = getattr(flop_counter, "_FlopCounterMode", None)
    if part is None:
        return counter
    own = {
        "__torch_dispatch__": inspect.unwrap(part.__torch_dispatch__),
        "_should_skip_dynamo": classmethod(lambda cls: False),  # noqa: ARG005 – whether torch sets the mark
    }
    unmarked: AbstractContextManager[Any] = type(part.__name__, (part,), own)(counter)
    return unmarked
