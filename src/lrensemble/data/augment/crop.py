"""Random crops of padded images."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import pad

from lrensemble.data.augment.base import AUGMENTATIONS, Augmentation, Batch, Draws, image_size
from lrensemble.errors import SpecError
from lrensemble.limits import Width


@AUGMENTATIONS.register(padding=4)
def crop(shape: tuple[int, ...], *, padding: Width = 4) -> Augmentation:
    """Pad each side with the mean and cut the image's size out at random (Lee et al. 2015; He et al. 2016, sec. 4.2).

    Args:
        shape: of one image.
        padding: pixels added to each side.

    Raises:
        SpecError: inputs are no images, or smaller than the padding.
    """
    height, width = image_size("crop", shape)
    if padding > max(height, width):
        raise SpecError(f"crop: padding = {padding} is above the images, {height}x{width}; make it smaller")

    def draw(generator: np.random.Generator, batch: Batch) -> dict[str, NDArray[Any]]:
        offsets = generator.integers(0, 2 * padding + 1, (2, len(batch.rows)))
        return {"top": offsets[0], "left": offsets[1]}

    def apply(inputs: Tensor, draws: Draws) -> Tensor:
        padded = pad(inputs, (padding, padding, padding, padding))
        windows = padded.unfold(2, height, 1).unfold(3, width, 1)  # [sample, channel, top, left, height, width], a view
        every = torch.arange(len(inputs), device=inputs.device)
        return windows[every, :, draws["top"], draws["left"]]

    return Augmentation(draw, apply)
