"""Deep residual networks with projection shortcuts: ResNet-18 and ResNeXt-50, for small images and for ImageNet's."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from torch import Tensor, nn
from torch.nn import functional

from lrensemble.models.base import MODELS, require_images
from lrensemble.models.resnet import start_by_fan_out

Stem = Literal["auto", "small", "imagenet"]
"""`small`: one 3x3 convolution. `imagenet`: 7x7 of stride 2, then max pooling of stride 2. `auto`: by the image."""

_LARGEST_SMALL_IMAGE = 64
"""Shorter side in pixels up to which `auto` takes the small stem."""
_SMALLEST_IMAGE = 8
"""Three stages halve the maps."""
_IMAGENET_STEM_SHRINKS = 4
"""The ImageNet stem halves the maps twice before."""
_STEM_CHANNELS = 64
_GROUPS, _GROUP_CHANNELS = 32, 4


class ProjectionBlock(nn.Module):
    """A residual branch of convolutions with batch norms, and a 1x1 convolution as shortcut where the shape changes."""

    def __init__(self, branch: nn.Sequential, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.branch = branch
        self.shortcut: nn.Sequential | None = None
        if stride != 1 or inputs != outputs:
            convolution = nn.Conv2d(inputs, outputs, 1, stride, bias=False)
            self.shortcut = nn.Sequential(convolution, nn.BatchNorm2d(outputs))

    def forward(self, maps: Tensor) -> Tensor:
        """Maps [batch, channel, height, width] to maps, made smaller by the stride."""
        shortcut = maps if self.shortcut is None else self.shortcut(maps)
        return functional.relu(self.branch(maps) + shortcut)


@MODELS.register("resnet-18", smallest_image=_SMALLEST_IMAGE)
def resnet_18(shape: tuple[int, ...], outputs: int, *, stem: Stem = "auto") -> nn.Module:
    """Residual network of 18 layers with 64 to 512 channels: 11 million parameters (He et al. 2016, table 1).

    Args:
        shape: of one input, (channel, height, width).
        outputs: how many.
        stem: `small` for images of about 32x32 or 64x64, `imagenet` for larger ones; `auto`: by the image.

    Raises:
        SpecError: the input is no image, or too small for the stem.
    """
    return _network("resnet-18", shape, outputs, stem, _basic, (2, 2, 2, 2), expansion=1)


@MODELS.register("resnext50", smallest_image=_SMALLEST_IMAGE)
def resnext50(shape: tuple[int, ...], outputs: int, *, stem: Stem = "auto") -> nn.Module:
    """ResNeXt-50 (32x4d): bottlenecks of 32 groups, 25 million parameters (Xie et al. 2017, table 1).

    Args:
        shape: of one input, (channel, height, width).
        outputs: how many.
        stem: `small` for images of about 32x32 or 64x64, `imagenet` for larger ones; `auto`: by the image.

    Raises:
        SpecError: the input is no image, or too small for the stem.
    """
    return _network("resnext50", shape, outputs, stem, _bottleneck, (3, 4, 6, 3), expansion=4)


def _network(
    name: str,
    shape: tuple[int, ...],
    outputs: int,
    stem: Stem,
    block: Callable[[int, int, int], ProjectionBlock],
    stages: tuple[int, ...],
    expansion: int,
) -> nn.Module:
    kind = stem
    if stem == "auto":
        kind = "small" if min(shape[1:]) <= _LARGEST_SMALL_IMAGE else "imagenet"
    if kind == "imagenet":
        require_images(f"{name}(stem={kind!r})", shape, _SMALLEST_IMAGE * _IMAGENET_STEM_SHRINKS)
    layers = _stem(shape[0], kind)
    inputs = _STEM_CHANNELS
    for stage, blocks in enumerate(stages):
        width = _STEM_CHANNELS * 2**stage
        for index in range(blocks):
            layers.append(block(inputs, width, 2 if stage and not index else 1))
            inputs = width * expansion
    model = nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(inputs, outputs))
    start_by_fan_out(model)
    return model


def _stem(colours: int, kind: str) -> list[nn.Module]:
    if kind == "small":
        return [*_convolution(colours, _STEM_CHANNELS, 3), nn.ReLU()]
    return [*_convolution(colours, _STEM_CHANNELS, 7, stride=2), nn.ReLU(), nn.MaxPool2d(3, 2, padding=1)]


def _convolution(inputs: int, outputs: int, size: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(inputs, outputs, size, stride, padding=size // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(outputs)]


def _basic(inputs: int, width: int, stride: int) -> ProjectionBlock:
    """Two 3x3 convolutions (He et al. 2016, figure 5, left)."""
    branch = nn.Sequential(*_convolution(inputs, width, 3, stride), nn.ReLU(), *_convolution(width, width, 3))
    return ProjectionBlock(branch, inputs, width, stride)


def _bottleneck(inputs: int, width: int, stride: int) -> ProjectionBlock:
    """1x1, grouped 3x3 and 1x1 convolutions (Xie et al. 2017, figure 3c)."""
    inner = _GROUPS * _GROUP_CHANNELS * width // _STEM_CHANNELS
    outputs = 4 * width
    branch = nn.Sequential(
        *_convolution(inputs, inner, 1),
        nn.ReLU(),
        *_convolution(inner, inner, 3, stride, _GROUPS),
        nn.ReLU(),
        *_convolution(inner, outputs, 1),
    )
    return ProjectionBlock(branch, inputs, outputs, stride)
