"""A model that breaks where the rate is too high."""

import math

import torch
from torch import nn


class Shaky(nn.Linear):
    """A linear model that raises once its weights are large."""

    def forward(self, input: torch.Tensor) -> torch.Tensor:  # noqa: A002 – the name of torch
        if self.weight.abs().max() > 50:
            raise ValueError("this model's own mistake")
        return super().forward(input.flatten(1))


def shaky(shape: tuple[int, ...], classes: int) -> nn.Module:
    return Shaky(math.prod(shape), classes)
