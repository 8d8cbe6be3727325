"""Encoded images to one array of bytes: decoded by Pillow in threads, all of one size and number of channels."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from lrensemble.errors import DataError, MissingExtraError

if TYPE_CHECKING:
    from PIL.Image import Image

GREY_MODES = ("1", "L", "LA")
MODES = {1: "L", 3: "RGB"}

_AT_ONCE = 512
"""Images that a thread decodes before it looks for more."""

Encoded = bytes | Path
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
        DataError: an image that cannot be read, has more than 8 bits a channel, or another size.
        MissingExtraError: Pillow is not installed.
    """
    if not images:
        raise DataError(f"{place(0)}: there are no images")
    # The first coloured image ends the look at all of them, so only sets that are grey are opened twice.
    modes = (_opened(image, place(i)).mode for i, image in enumerate(images))
    grey = channels == 1 or (channels is None and all(mode in GREY_MODES for mode in modes))
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

    _each(len(images), fill)
    return pixels


def _each(count: int, work: Callable[[int], None]) -> None:
    """The work for every image, in threads; the first error in the order of the images is the one that is raised."""

    def block(start: int) -> None:
        for index in range(start, min(start + _AT_ONCE, count)):
            work(index)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(block, range(0, count, _AT_ONCE)):
            pass  # to raise what was raised there


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
    if opened.mode.startswith(("I", "F")):  # Pillow would cut all that is above 255
        raise DataError(f"{place}: pixels of more than 8 bits (mode {opened.mode}); convert the images to 8 bits")
    return opened


def _squared(image: Image, size: int) -> Image:
    """The shorter side scaled to the size, and the middle of the longer one."""
    shorter = min(image.size)
    width, height = (max(size, round(side * size / shorter)) for side in image.size)
    scaled = image.convert("RGB" if image.mode not in GREY_MODES else "L").resize((width, height))
    left, top = (width - size) // 2, (height - size) // 2
    return scaled.crop((left, top, left + size, top + size))
