"""A small convolutional network, sized from the input: the one that runs in seconds on a CPU."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field
from torch import nn

from lrensemble.limits import Width
from lrensemble.models.base import MODELS

_SMALLEST_MAP = 4
"""Height or width below which a map is not halved any more."""


@MODELS.register(smallest_image=_SMALLEST_MAP, any_size=True, width=8)
def cnn(
    shape: tuple[int, ...],
    outputs: int,
    *,
    width: Width = 16,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
) -> nn.Module:
    """Stages of 3x3 convolution, batch norm, 2x2 max pooling and ReLU, twice the channels each; then one linear layer.

    There are as many stages as leave maps of at least 4x4: one for 8x8, two for 28x28, three for 32x32.

    Args:
        shape: of one input, (channel, height, width).
        outputs: how many.
        width: channels of the first stage.
        dropout: fraction of the linear layer's inputs that a training step leaves out (Srivastava et al. 2014).

    Raises:
        SpecError: the input is no image, or below 4x4.
    """
    channels, rows, columns = shape
    layers: list[nn.Module] = []
    while not layers or min(rows, columns) >= 2 * _SMALLEST_MAP:
        layers += [
            nn.Conv2d(channels, width, 3, padding=1, bias=False),  # batch norm has the bias
            nn.BatchNorm2d(width),
            nn.MaxPool2d(2),
            nn.ReLU(),  # after pooling: the same values, from a quarter of the work
        ]
        channels, width = width, 2 * width
        rows, columns = rows // 2, columns // 2
    head = [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Flatten(), *head, nn.Linear(channels * rows * columns, outputs))
