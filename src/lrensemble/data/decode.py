"""Encoded images to one array of bytes: decoded by Pillow in threads, all of one size and number of channels."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image

GREY_MODES = ("1", "L", "LA", "I", "I;16", "F")
MODES = {1: "L", 3: "RGB"}

_AT_ONCE = 512
"""Images that a thread decodes before it looks for more."""

Encoded = bytes | Path
R = TypeVar("R")
Place = Callable[[int], str]
"""Says where an image is, for an error: `train.parquet, row 7`, or its file."""


def decode(
    images: Sequence[Encoded], place: Place, *, size: int | None = None, channels: int | None = None
) -> NDArray[np.uint8]:
    """Pixels [image, channel, height, width].

    Args:
        images: files, or what would be in them.
        place: of each.
        size: height and width; the shorter side is scaled to it (bicubic) and the middle is cut out. Unless given, all
            images must have the size of the first.
        channels: 1 for grey, 3 for RGB; unless given, 1 where every image is grey, else 3.

    Raises:
        DataError: an image that cannot be read, or one of another size.
        MissingExtraError: Pillow is not installed.
    """
    if not images:
        raise DataError(f"{place(0)}: there are no images")
    grey = channels == 1 or (channels is None and all(_each(images, lambda i: _is_grey(images[i], place(i)))))
    mode = MODES[1 if grey else 3]
    height, width = (size, size) if size else _opened(images[0], place(0)).size[::-1]
    pixels = np.empty((len(images), 1 if grey else 3, height, width), dtype=np.uint8)

    def fill(index: int) -> None:
        image = _opened(images[index], place(index), load=True)
        if size:
            image = _squared(image, size)
        elif image.size != (width, height):
            found = f"{image.size[0]}x{image.size[1]}"
            raise DataError(f"{place(index)}: an image of {found} among images of {width}x{height}; give a size")
        values = np.asarray(image.convert(mode))
        pixels[index] = values[None] if grey else np.moveaxis(values, 2, 0)

    _each(images, fill)
    return pixels


def _each(images: Sequence[Encoded], work: Callable[[int], R]) -> list[R]:
    """The work for every image, in threads; the first error in the order of the images is the one that is raised."""
    starts = range(0, len(images), _AT_ONCE)
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        blocks = threads.map(lambda start: [work(i) for i in range(start, min(start + _AT_ONCE, len(images)))], starts)
        return [result for block in blocks for result in block]


def _is_grey(image: Encoded, place: str) -> bool:
    return _opened(image, place).mode in GREY_MODES


def _opened(image: Encoded, place: str, *, load: bool = False) -> Image:
    try:
        import PIL.Image
    except ImportError:
        raise MissingExtraError("encoded images need Pillow; pip install 'lrensemble[hub]'") from None
    try:
        opened = PIL.Image.open(io.BytesIO(image if isinstance(image, bytes) else image.read_bytes()))
        if load:
            opened.load()
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise DataError(f"{place}: not a readable image ({error})") from None
    return opened


def _squared(image: Image, size: int) -> Image:
    """The shorter side scaled to the size, and the middle of the longer one."""
    shorter = min(image.size)
    width, height = (max(size, round(side * size / shorter)) for side in image.size)
    scaled = image.convert("RGB" if image.mode not in GREY_MODES else "L").resize((width, height))
    left, top = (width - size) // 2, (height - size) // 2
    return scaled.crop((left, top, left + size, top + size))
