"""A model that takes its time, and computes next to nothing meanwhile: for runs that are to last."""

import math
import time

import torch
from torch import nn


class Unhurried(nn.Linear):
    """A linear model that lets others have the processor before it answers."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 – the name of torch
        time.sleep(0.02)
        return super().forward(input.flatten(1))


def unhurried(shape: tuple[int, ...], classes: int) -> nn.Module:
    return Unhurried(math.prod(shape), classes)
