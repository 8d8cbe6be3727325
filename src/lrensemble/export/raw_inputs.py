"""Arrays and images as the raw inputs of an ensemble: channels, size and cut as in training.

Arrays of images may have their channels last, or none where there is one. Those of another size or number of channels
are images of bytes like any other: they pass the very functions that the files of the training set passed.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Inputs
from lrensemble.data.decode import MODES, Encoded, opened, pixels_of
from lrensemble.data.frames import is_frame, numbers_in
from lrensemble.data.processed import processed
from lrensemble.errors import DataError, MissingExtraError

Rows = NDArray[Any]
"""Raw inputs [sample, *shape]."""

LARGEST_BYTE = 255
PREDICT_BATCH_ROWS = 1024
"""Rows of a batch, as when the members were scored: the last bits of a sum can depend on it."""


def native(given: Any) -> Rows:
    """A copy of an array, or an array of lists, in a type that torch has: in the byte order of this machine, and of
    long doubles float64.

    Raises:
        DataError: values are masked, or rows differ in length.
    """
    if np.ma.is_masked(given):
        raise DataError("array: some values are masked, and so are none; fill them in as in the training data")
    try:
        array = np.array(given)
    except ValueError:  # of lists
        raise DataError("array: rows differ in length, and so are no array; give as many numbers in each") from None
    kind = np.dtype(np.float64) if array.dtype == np.longdouble else array.dtype.newbyteorder("=")
    return array.astype(kind, copy=False)


def rows_given(given: Any, inputs: Inputs) -> Rows:
    """Raw inputs [sample, *shape] of an array, of lists, or of a frame, whose columns are found by names of features.

    Raises:
        DataError: inputs of another shape, or a frame without a feature.
    """
    array = native(numbers_in(given, inputs.features, "frame") if is_frame(given) else given)
    return np.ascontiguousarray(as_rows(array, inputs))


def rows_of_image(
    image: Encoded, inputs: Inputs, source: str, formats: tuple[str, ...] | None = None
) -> NDArray[np.uint8]:
    """One row [1, *shape] of an encoded image.

    Args:
        image: a file, or what would be in it.
        inputs: what the ensemble takes.
        source: where the image is, for errors.
        formats: formats that it may have; any that Pillow knows unless given.

    Raises:
        DataError: no image that can be read, one of another size where training scaled none, or an ensemble of others.
        MissingExtraError: Pillow is not installed.
    """
    if not takes_images(inputs):
        raise DataError(
            f"{source} is an image; the ensemble takes {inputs.dtype} numbers of shape {inputs.shape}: give an .npz "
            "file with an array x"
        )
    return _prepared(opened(image, source, formats), inputs, source)[None]


def takes_images(inputs: Inputs) -> bool:
    """Whether raw inputs are images of bytes, of as many channels as a file can have."""
    return len(inputs.shape) == 3 and inputs.shape[0] in MODES and inputs.dtype == "uint8"


def as_rows(array: Rows, inputs: Inputs, source: str = "array", first: int = 0) -> Rows:
    """Rows of the ensemble's shape: as they are, with the channels moved, or scaled, cut and converted as in training.

    Args:
        array: [sample, *shape], [sample, height, width, channel], or of one channel [sample, height, width].
        inputs: what the ensemble takes.
        source: where the array is from, for errors.
        first: number of its first row there.

    Raises:
        DataError: no numbers, another shape, or images of another size that training did not scale or that are no
            bytes.
        MissingExtraError: Pillow is needed and not installed.
    """
    if array.dtype.kind not in "buif":
        raise DataError(f"{source}: inputs are {array.dtype}; give numbers")
    shape, given = inputs.shape, array.shape[1:]
    if given == shape:
        return array
    if len(shape) == 3 and given == (*shape[1:], shape[0]):
        return np.moveaxis(array, 3, 1)
    if shape[0] == 1 and given == shape[1:]:
        return array[:, None]
    if not takes_images(inputs) or (found := _channels_last(array)) is None:
        axes = ", ".join(map(str, shape))
        raise DataError(f"{source}: inputs have shape {array.shape}; the ensemble takes [sample, {axes}]")
    return _each_prepared(_bytes(found, source), inputs, source, first)


def finite_rows(array: Rows, inputs: Inputs, source: str, first: int = 0) -> Rows:
    """`as_rows` of what is read from a file: finite, uint8 or float32.

    Args:
        array: as `as_rows` takes it.
        inputs: what the ensemble takes.
        source: where the array is from, for errors.
        first: place there of its first row.

    Raises:
        DataError: a value that is not finite, or as `as_rows`.
    """
    rows = as_rows(array, inputs, source, first)
    if rows.dtype.kind == "f" and not np.isfinite(rows).all():
        row = first + int(np.flatnonzero(~np.isfinite(rows).reshape(len(rows), -1).all(axis=1))[0])
        raise DataError(f"{source}: row {row} holds a value that is not finite; fill it in as in the training data")
    return rows if rows.dtype == np.uint8 else rows.astype(np.float32)


def _channels_last(array: Rows) -> Rows | None:
    """Images [sample, height, width, channel]; None where the shape is of none."""
    if array.ndim == 3:
        return array[..., None]
    if array.ndim != 4 or 0 in array.shape[1:]:
        return None
    if array.shape[1] in MODES:
        return np.moveaxis(array, 1, 3)
    return array if array.shape[3] in MODES else None


def _bytes(images: Rows, source: str) -> NDArray[np.uint8]:
    """Images as bytes, which alone are scaled and converted as in training.

    Raises:
        DataError: some values are no whole numbers from 0 to 255.
    """
    if images.dtype == np.uint8:
        return images
    with np.errstate(invalid="ignore"):
        found = np.clip(images, 0, LARGEST_BYTE).astype(np.uint8)
    if not np.array_equal(found, images):
        raise DataError(
            f"{source}: images of {images.shape[2]}x{images.shape[1]} and {images.shape[3]} channels are made those of "
            "training where they are bytes; give whole numbers from 0 to 255"
        )
    return found


def _each_prepared(images: NDArray[np.uint8], inputs: Inputs, source: str, first: int) -> NDArray[np.uint8]:
    try:
        from PIL.Image import fromarray
    except ImportError:
        raise MissingExtraError("images of another size need Pillow; pip install 'lrensemble[hub]'") from None
    flat = images[..., 0] if images.shape[3] == 1 else images
    rows = [
        _prepared(fromarray(np.ascontiguousarray(image)), inputs, f"{source}, row {row}")
        for row, image in enumerate(flat, start=first)
    ]
    return np.stack(rows) if rows else np.empty((0, *inputs.shape), dtype=np.uint8)


def _prepared(image: Any, inputs: Inputs, source: str) -> NDArray[np.uint8]:
    """Pixels [channel, height, width] of an image that is loaded."""
    channels, height, width = inputs.shape
    if inputs.resize is not None:
        return processed(image, channels, (height, width), inputs.resize)
    if inputs.image_size is None and image.size != (width, height):
        raise DataError(
            f"{source} is {image.size[0]}x{image.size[1]} pixels; the ensemble takes {width}x{height}, and training "
            "scaled no image: make it that size"
        )
    return pixels_of(image, channels, inputs.image_size)
