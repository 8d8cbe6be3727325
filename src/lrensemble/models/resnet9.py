"""A shallow residual network that trains fast (Page 2018, "How to train your ResNet", part 4: the DAWNBench entry)."""

from __future__ import annotations

from torch import Tensor, nn

from lrensemble.limits import Width
from lrensemble.models.base import MODELS

_LOGIT_SCALE = 0.125


class Residual(nn.Module):
    """Adds to its input what two convolutions make of it."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.branch = nn.Sequential(*_convolution(channels, channels), *_convolution(channels, channels))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [batch, channel, height, width] to maps of the same shape."""
        maps_out: Tensor = maps + self.branch(maps)
        return maps_out


class Largest(nn.Module):
    """Takes the largest value of the last axis; its gradient has one definition on a GPU as well, which that of
    `nn.AdaptiveMaxPool2d` has not.
    """

    def forward(self, values: Tensor) -> Tensor:
        """Values [..., place] to values [...]."""
        return values.max(dim=-1).values


class Scale(nn.Module):
    """Multiplies by a constant."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, values: Tensor) -> Tensor:
        """Values of any shape to values of that shape."""
        return values * self.factor


@MODELS.register("resnet-9", smallest_image=8, any_size=True, width=8)
def resnet_9(shape: tuple[int, ...], outputs: int, *, width: Width = 64) -> nn.Module:
    """Nine layers that train fast on images of about 32x32: 6.6 million parameters (Page 2018).

    Convolutions of 1, 2, 4 and 8 times `width` channels, the last three halved by max pooling, residual pairs after the
    second and the fourth, global max pooling, one linear layer without bias whose outputs are scaled by 1/8.

    Args:
        shape: of one input, (channel, height, width).
        outputs: how many.
        width: channels of the first convolution.

    Raises:
        SpecError: the input is no image, or below 8x8.
    """
    return nn.Sequential(
        *_convolution(shape[0], width),
        *_convolution(width, 2 * width),
        nn.MaxPool2d(2),
        Residual(2 * width),
        *_convolution(2 * width, 4 * width),
        nn.MaxPool2d(2),
        *_convolution(4 * width, 8 * width),
        nn.MaxPool2d(2),
        Residual(8 * width),
        nn.Flatten(2),
        Largest(),
        nn.Linear(8 * width, outputs, bias=False),
        Scale(_LOGIT_SCALE),
    )


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
