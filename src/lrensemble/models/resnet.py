"""Residual networks for small images (He et al. 2016, "Deep Residual Learning", section 4.2)."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from lrensemble.models.base import MODELS

_STAGE_CHANNELS = (16, 32, 64)


class Block(nn.Module):
    """Two 3x3 convolutions and a shortcut without parameters (option A): strided, and padded with zero channels."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(outputs)
        self.stride = stride
        self.new_channels = outputs - inputs

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [batch, channel, height, width] to maps, halved where the stride is 2."""
        residual = functional.relu(self.norm1(self.conv1(maps)))
        residual = self.norm2(self.conv2(residual))
        shortcut = maps[:, :, :: self.stride, :: self.stride]
        shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, self.new_channels))
        return functional.relu(residual + shortcut)


@MODELS.register("resnet-20", smallest_image=1)
def resnet_20(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Residual network of 20 layers for images of about 32x32: 0.27 million parameters (He et al. 2016, table 6).

    Three stages of three blocks with 16, 32 and 64 channels, global average pooling, one linear layer.
    Convolutions start as in He et al. 2015, "Delving Deep into Rectifiers", eq. 14 (by fan-out).

    Args:
        shape: of one input, (channel, height, width).
        outputs: how many.

    Raises:
        SpecError: the input is no image.
    """
    return _thin(shape[0], outputs, blocks_per_stage=3)


@MODELS.register("resnet-56", smallest_image=1)
def resnet_56(shape: tuple[int, ...], outputs: int) -> nn.Module:
    """Residual network of 56 layers for images of about 32x32: 0.85 million parameters (He et al. 2016, table 6).

    As resnet-20, with nine blocks a stage.

    Args:
        shape: of one input, (channel, height, width).
        outputs: how many.

    Raises:
        SpecError: the input is no image.
    """
    return _thin(shape[0], outputs, blocks_per_stage=9)


def _thin(colours: int, outputs: int, blocks_per_stage: int) -> nn.Module:
    channels = _STAGE_CHANNELS[0]
    layers: list[nn.Module] = [
        nn.Conv2d(colours, channels, 3, padding=1, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(),
    ]
    for wider in _STAGE_CHANNELS:
        for _ in range(blocks_per_stage):
            layers.append(Block(channels, wider, stride=1 if channels == wider else 2))
            channels = wider
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, outputs))
    start_by_fan_out(model)
    return model


def start_by_fan_out(model: nn.Module) -> None:
    """Draw the weights of every convolution anew (He et al. 2015, eq. 14, by fan-out)."""
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
