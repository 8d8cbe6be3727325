"""Parts of an image replaced by the mean."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import Field
from torch import Tensor

from lrensemble.data.augment.base import AUGMENTATIONS, Augmentation, Batch, Draws, image_size
from lrensemble.data.augment.boxes import Size, boxes_around, centres, inside
from lrensemble.errors import SpecError
from lrensemble.limits import Width

ATTEMPTS = 10
"""Rectangles that are tried for one image; where none fits, it stays whole. At the defaults that is one in 1e13."""


@AUGMENTATIONS.register(size=8)
def cutout(shape: tuple[int, ...], *, size: Width = 16) -> Augmentation:
    """Cover a square of `size` pixels around a random pixel, cut off at the border (DeVries & Taylor 2017, sec. 3).

    Args:
        shape: of one image.
        size: side of the square, in pixels.

    Raises:
        SpecError: inputs are no images.
    """
    limits = image_size("cutout", shape)

    def draw(generator: np.random.Generator, batch: Batch) -> dict[str, NDArray[Any]]:
        sides = np.full(len(batch.rows), size)
        return {"box": boxes_around(centres(generator, len(sides), limits), sides, sides, limits)}

    return Augmentation(draw, _cover(limits))


Fraction = Annotated[float, Field(gt=0, le=1)]


@AUGMENTATIONS.register()
def random_erasing(
    shape: tuple[int, ...],
    *,
    probability: Annotated[float, Field(ge=0, le=1)] = 0.5,
    smallest: Fraction = 0.02,
    largest: Fraction = 0.4,
    narrowest: Fraction = 0.3,
) -> Augmentation:
    """Cover a rectangle of random area and shape in some images, with the mean (Zhong et al. 2020, alg. 1, RE-M).

    Args:
        shape: of one image.
        probability: of an image to lose a rectangle.
        smallest: least area, as a share of the image's.
        largest: greatest area.
        narrowest: least ratio of the sides, height to width; the greatest is its inverse.

    Raises:
        SpecError: inputs are no images, or `smallest` is above `largest`.
    """
    limits = image_size("random_erasing", shape)
    if smallest > largest:
        raise SpecError(f"augmentation 'random_erasing': smallest = {smallest} is above largest = {largest}")

    def draw(generator: np.random.Generator, batch: Batch) -> dict[str, NDArray[Any]]:
        count = len(batch.rows)
        areas = generator.uniform(smallest, largest, (count, ATTEMPTS)) * limits[0] * limits[1]
        ratios = generator.uniform(narrowest, 1 / narrowest, (count, ATTEMPTS))
        boxes = _first_that_fits(np.sqrt(areas * ratios), np.sqrt(areas / ratios), generator.random((2, count)), limits)
        boxes[generator.random(count) >= probability] = 0
        return {"box": boxes}

    return Augmentation(draw, _cover(limits))


def _first_that_fits(
    heights: NDArray[np.float64], widths: NDArray[np.float64], places: NDArray[np.float64], limits: Size
) -> NDArray[np.int64]:
    """Boxes [sample, 4] of the first of the sizes [sample, attempt] below the image's; empty where there is none.

    `places` [2, sample] from 0 to 1 say where the box lies among the places that it can have.
    """
    tall, wide = heights.astype(np.int64), widths.astype(np.int64)
    fits = (tall < limits[0]) & (wide < limits[1])
    every, first = np.arange(len(fits)), fits.argmax(axis=1)
    tall, wide = (np.where(fits.any(axis=1), sides[every, first], 0) for sides in (tall, wide))
    top = (places[0] * (limits[0] - tall + 1)).astype(np.int64)
    left = (places[1] * (limits[1] - wide + 1)).astype(np.int64)
    return np.stack([top, top + tall, left, left + wide], axis=1)


def _cover(limits: Size) -> Callable[[Tensor, Draws], Tensor]:
    def apply(inputs: Tensor, draws: Draws) -> Tensor:
        return inputs.masked_fill(inside(draws["box"], limits), 0)

    return apply
