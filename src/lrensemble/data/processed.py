"""Images as the image processors of Hugging Face make them, by Pillow: converted, scaled, and the middle cut out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Resize
from lrensemble.data.decode import MODES

if TYPE_CHECKING:
    from PIL.Image import Image


def processed(image: Image, channels: int, shape: tuple[int, int], resize: Resize) -> NDArray[np.uint8]:
    """Pixels [channel, height, width] of an image, to the byte those of transformers' processors on Pillow.

    Args:
        image: loaded.
        channels: 1 for grey, 3 for RGB, 4 for RGBA.
        shape: height and width of what is cut out of the middle; no side is longer than that of the scaled image.
        resize: how it is scaled.
    """
    from PIL.Image import Resampling

    height, width = scaled_sides(image.size, resize)
    scaled = image.convert(MODES[channels]).resize((width, height), Resampling[resize.resample.upper()])
    top, left = (height - shape[0]) // 2, (width - shape[1]) // 2
    values = np.asarray(scaled.crop((left, top, left + shape[1], top + shape[0])))
    return values[None] if channels == 1 else np.moveaxis(values, 2, 0)


def scaled_sides(size: tuple[int, int], resize: Resize) -> tuple[int, int]:
    """Height and width of a scaled image; the longer side is rounded down, as by `get_resize_output_image_size`.

    Args:
        size: width and height of the image.
        resize: how it is scaled.
    """
    if len(resize.size) == 2:
        return resize.size[0], resize.size[1]
    (edge,), (width, height) = resize.size, size
    longer = int(edge * max(size) / min(size))
    return (longer, edge) if width <= height else (edge, longer)
