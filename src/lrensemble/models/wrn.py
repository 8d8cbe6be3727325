"""Wide residual networks (Zagoruyko & Komodakis 2016, arXiv 1605.07146)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from pydantic import Field
from torch import Tensor, nn
from torch.nn import functional

from lrensemble.errors import SpecError
from lrensemble.models.base import MODELS
from lrensemble.models.resnet import start_by_fan_out

_STAGE_CHANNELS = (16, 32, 64)
_DEEPEST, _WIDEST = 1000, 1000
_SMALLEST_IMAGE = 4
"""Two stages halve the maps."""


class PreActivationBlock(nn.Module):
    """Batch norm, ReLU and 3x3 convolution, twice, with dropout between; 1x1 convolution where the shape changes."""

    def __init__(self, inputs: int, outputs: int, stride: int, dropout: float) -> None:
        super().__init__()
        self.norm1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.dropout = nn.Dropout(dropout) if dropout else nn.Identity()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        changes = stride != 1 or inputs != outputs
        self.shortcut = nn.Conv2d(inputs, outputs, 1, stride, bias=False) if changes else None

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [batch, channel, height, width] to maps, made smaller by the stride."""
        active = functional.relu(self.norm1(maps))
        between = self.dropout(functional.relu(self.norm2(self.conv1(active))))
        residual: Tensor = self.conv2(between)
        shortcut: Tensor = maps if self.shortcut is None else self.shortcut(active)
        return shortcut + residual


@MODELS.family(
    r"wrn-(\d+)-(\d+)",
    "wrn-DEPTH-WIDTH",
    "Wide residual networks of other depths (6n + 4) and widths: wrn-16-4, wrn-40-2.",
    smallest_image=_SMALLEST_IMAGE,
    any_size=True,
)
def wide_resnet(depth: str, width: str) -> Callable[..., nn.Module]:
    """The function that builds `wrn-DEPTH-WIDTH`.

    Raises:
        SpecError: the depth is not 6n + 4, the width is 0, or a number is not written as usual: a network has one name.
    """
    name = f"wrn-{depth}-{width}"
    if name != (usual := f"wrn-{int(depth)}-{int(width)}"):
        raise SpecError(f"model {name!r} is written {usual!r}")
    blocks, rest = divmod(int(depth) - 4, 6)
    if rest or blocks < 1 or int(width) < 1:
        raise SpecError(
            f"model {name!r} cannot be built; wrn-DEPTH-WIDTH takes depths of 6n + 4 (10, 16, 22, 28, 34, 40, …) and "
            "widths from 1 on, e.g. wrn-28-10"
        )
    if int(depth) > _DEEPEST or int(width) > _WIDEST:
        raise SpecError(f"model {name!r} is refused; give a depth of up to {_DEEPEST} and a width of up to {_WIDEST}")

    def build(shape: tuple[int, ...], outputs: int, *, dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0) -> nn.Module:
        """Wide residual network, for images of about 32x32; also any wrn-DEPTH-WIDTH (Zagoruyko & Komodakis 2016).

        Three stages of (DEPTH - 4) / 6 pre-activation blocks with 16, 32 and 64 times WIDTH channels (table 1).

        Args:
            shape: of one input, (channel, height, width).
            outputs: how many.
            dropout: fraction of values between a block's convolutions that a training step leaves out (section 2.4).

        Raises:
            SpecError: the input is no image, or below 4x4.
        """
        return _network(shape[0], outputs, blocks, int(width), dropout)

    return build


def _network(colours: int, outputs: int, blocks: int, width: int, dropout: float) -> nn.Module:
    channels = _STAGE_CHANNELS[0]
    layers: list[nn.Module] = [nn.Conv2d(colours, channels, 3, padding=1, bias=False)]
    for stage, base in enumerate(_STAGE_CHANNELS):
        for block in range(blocks):
            stride = 2 if stage and not block else 1
            layers.append(PreActivationBlock(channels, base * width, stride, dropout))
            channels = base * width
    layers += [nn.BatchNorm2d(channels), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    model = nn.Sequential(*layers, nn.Linear(channels, outputs))
    start_by_fan_out(model)
    return model


MODELS.register("wrn-28-10", smallest_image=_SMALLEST_IMAGE, dropout=0.3)(wide_resnet("28", "10"))
