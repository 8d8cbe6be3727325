"""Work of a network: floating-point operations of a forward pass, counted by torch operator by operator."""

from __future__ import annotations

import inspect
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode, _FlopCounterMode


class _EagerCounter(_FlopCounterMode):  # type: ignore[no-untyped-call]
    """Torch's counter without the mark by which its compiler leaves it alone: to set that, all of it is imported."""

    __torch_dispatch__: Any = inspect.unwrap(_FlopCounterMode.__torch_dispatch__)

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch sets the mark."""
        return False


@torch.no_grad()
def forward_flops(model: nn.Module, inputs: Tensor) -> int:
    """Floating-point operations of one forward pass, in evaluation mode."""
    model.eval()
    counter = FlopCounterMode(display=False)
    with _EagerCounter(counter):
        model(inputs)
    return int(counter.get_total_flops())
