"""Two images in one, and their labels in the same shares."""

from __future__ import annotations

from typing import Annotated, Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from lrensemble.data.augment.base import AUGMENTATIONS, Augmentation, Batch, Draws, image_size
from lrensemble.data.augment.boxes import area, boxes_around, centres, inside

Positive = Annotated[float, Field(gt=0)]
Probability = Annotated[float, Field(ge=0, le=1)]


@AUGMENTATIONS.register()
def mixup(shape: tuple[int, ...], *, alpha: Positive = 1.0, probability: Probability = 1.0) -> Augmentation:  # noqa: ARG001 – any shape will do
    """Mean of two images of the batch, weighted by a share from Beta(alpha, alpha) (Zhang et al. 2018, eq. 1).

    Every image has its own share; the authors' program draws one for the whole batch.

    Args:
        shape: of one input.
        alpha: how evenly: near 0 nearly all of one image, 1 any share alike, above 1 nearer to halves.
        probability: of an image to be mixed.
    """

    def draw(generator: np.random.Generator, batch: Batch) -> dict[str, NDArray[Any]]:
        count = len(batch.rows)
        share = generator.beta(alpha, alpha, count)
        share[generator.random(count) >= probability] = 1
        return {"partner": generator.permutation(count), "share": share.astype(np.float32)}

    def apply(inputs: Tensor, draws: Draws) -> Tensor:
        share = draws["share"].to(inputs.dtype).view(-1, *[1] * (inputs.ndim - 1))
        return share * inputs + (1 - share) * inputs[draws["partner"]]

    return Augmentation(draw, apply, mixes=True)


@AUGMENTATIONS.register()
def cutmix(shape: tuple[int, ...], *, alpha: Positive = 1.0, probability: Probability = 0.5) -> Augmentation:
    """A box of another image of the batch is pasted in; the share is the area left (Yun et al. 2019, sec. 3.1, eq. 2).

    The box has sides sqrt(1 - share) of the image's, with a share from Beta(alpha, alpha), lies around a random pixel,
    and is cut off at the border. Every image has its own; the authors' program draws one for the whole batch.

    Args:
        shape: of one image.
        alpha: how evenly: 1 gives any share alike.
        probability: of an image to be mixed.

    Raises:
        SpecError: inputs are no images.
    """
    limits = image_size("cutmix", shape)

    def draw(generator: np.random.Generator, batch: Batch) -> dict[str, NDArray[Any]]:
        count = len(batch.rows)
        side = np.sqrt(1 - generator.beta(alpha, alpha, count))
        heights, widths = ((limit * side).astype(np.int64) for limit in limits)
        boxes = boxes_around(centres(generator, count, limits), heights, widths, limits)
        boxes[generator.random(count) >= probability] = 0
        share = (1 - area(boxes) / (limits[0] * limits[1])).astype(np.float32)
        return {"box": boxes, "partner": generator.permutation(count), "share": share}

    def apply(inputs: Tensor, draws: Draws) -> Tensor:
        return torch.where(inside(draws["box"], limits), inputs[draws["partner"]], inputs)

    return Augmentation(draw, apply, mixes=True)
