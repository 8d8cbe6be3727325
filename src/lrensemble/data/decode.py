"""Encoded images to one array of bytes: decoded by Pillow in threads, all of one size and number of channels.

What is trained on and what is predicted later pass the same functions: `opened` turns an image as its EXIF data say,
and `pixels_of` makes it one of the size and the channels of the set.
"""

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
MODES = {1: "L", 3: "RGB", 4: "RGBA"}
"""Mode that an image is converted to, by the number of channels that a set has."""
ORIENTATION = 0x0112
"""Tag of EXIF that says how an image is turned; 1 where it is not."""

FORMATS = ("PNG", "JPEG", "BMP", "GIF", "WEBP", "TIFF", "PPM")
"""Formats that strangers may send: Pillow knows others that start further programs, as EPS does."""

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
    height, width = (size, size) if size else opened(images[0], place(0)).size[::-1]
    pixels = np.empty((len(images), 1 if grey else 3, height, width), dtype=np.uint8)

    def fill(index: int) -> None:
        image = opened(images[index], place(index))
        if not size and image.size != (width, height):
            found = f"{image.size[0]}x{image.size[1]}"
            raise DataError(f"{place(index)}: an image of {found} among images of {width}x{height}; give a size")
        pixels[index] = pixels_of(image, pixels.shape[1], size)

    _each(len(images), fill)
    return pixels


def pixels_of(image: Image, channels: int, size: int | None) -> NDArray[np.uint8]:
    """Pixels [channel, height, width] of an image.

    Args:
        image: loaded.
        channels: 1 for grey, 3 for RGB, 4 for RGBA.
        size: as in `decode`; the image keeps its own unless given.
    """
    if image.mode == "LAB":  # which Pillow makes RGB and nothing else
        image = image.convert("RGB")
    values = np.asarray((_squared(image, size) if size else image).convert(MODES[channels]))
    return values[None] if channels == 1 else np.moveaxis(values, 2, 0)


def _each(count: int, work: Callable[[int], None]) -> None:
    """The work for every image, in threads; the first error in the order of the images is the one that is raised."""

    def block(start: int) -> None:
        for index in range(start, min(start + _AT_ONCE, count)):
            work(index)

    with ThreadPoolExecutor(os.cpu_count()) as threads:
        for _ in threads.map(block, range(0, count, _AT_ONCE)):
            pass  # to raise what was raised there


def opened(image: Encoded, place: str, formats: tuple[str, ...] | None = None) -> Image:
    """An image that is loaded, and turned as its EXIF data say.

    Args:
        image: a file, or what would be in it.
        place: where it is, for errors.
        formats: formats that it may have; any that Pillow knows unless given.

    Raises:
        DataError: it cannot be read, or has more than 8 bits a channel.
        MissingExtraError: Pillow is not installed.
    """
    return _turned(_opened(image, place, formats, load=True))


def pixel_count(image: Encoded, place: str, formats: tuple[str, ...] | None = None) -> int:
    """Number of pixels that an image says it has; nothing is decoded for it.

    Raises:
        DataError, MissingExtraError: as `opened` does.
    """
    width, height = _opened(image, place, formats).size
    return width * height


def _opened(image: Encoded, place: str, formats: tuple[str, ...] | None = None, *, load: bool = False) -> Image:
    try:
        import PIL.Image
    except ImportError:
        raise MissingExtraError("encoded images need Pillow; pip install 'lrensemble[hub]'") from None
    try:
        found = PIL.Image.open(io.BytesIO(image if isinstance(image, bytes) else image.read_bytes()), formats=formats)
        if load:
            found.load()
    except PIL.UnidentifiedImageError:  # whose own words are of an object in memory
        known = "" if formats is None else f": {', '.join(formats)}"
        raise DataError(f"{place}: not a readable image (it begins as none of a known format{known})") from None
    except (OSError, ValueError, SyntaxError, PIL.Image.DecompressionBombError) as error:
        raise DataError(f"{place}: not a readable image ({error})") from None
    if found.mode.startswith(("I", "F")):  # Pillow would cut all that is above 255
        raise DataError(f"{place}: pixels of more than 8 bits (mode {found.mode}); convert the images to 8 bits")
    return found


def _turned(image: Image) -> Image:
    from PIL.ImageOps import exif_transpose

    try:
        return image if image.getexif().get(ORIENTATION, 1) == 1 else exif_transpose(image)
    except Exception:  # EXIF data are damaged in many ways, and the pixels may be sound
        return image


def _squared(image: Image, size: int) -> Image:
    """The shorter side scaled to the size, and the middle of the longer one."""
    shorter = min(image.size)
    width, height = (max(size, round(side * size / shorter)) for side in image.size)
    scaled = image.convert("RGB" if image.mode not in GREY_MODES else "L").resize((width, height))
    left, top = (width - size) // 2, (height - size) // 2
    return scaled.crop((left, top, left + size, top + size))
