"""Inputs of a request, checked: rows of numbers as they were trained on, or files of images that become such."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from lrensemble.config import Inputs
from lrensemble.data.decode import FORMATS, pixel_count
from lrensemble.export.raw_inputs import rows_of_image, takes_images
from lrensemble.export.serving.limits import Limits
from lrensemble.export.serving.messages import Received, RequestInput
from lrensemble.export.serving.refused import TOO_LARGE, RefusedError

INPUT = "inputs"
"""Name of the input, which is that of the exported ONNX file too."""
DATATYPES = {"uint8": "UINT8", "float32": "FP32", "float64": "FP64"}
FILES = "BYTES"
"""Type of files of images in the protocol."""


def rows_of(received: Received, inputs: Inputs, limits: Limits) -> NDArray[Any]:
    """Raw inputs [sample, *shape] of a request.

    Args:
        received: the request.
        inputs: what the ensemble takes.
        limits: what is taken at most.

    Raises:
        RefusedError: inputs of another name, shape or type, too many rows or pixels, a value that is not finite.
        DataError: an image that cannot be read, or is none like those of training.
        MissingExtraError: images are given, and Pillow is not installed.
    """
    request = received.request
    if [each.name for each in request.inputs] != [INPUT]:
        names = ", ".join(repr(each.name[:40]) for each in request.inputs[:5]) or "none"
        raise RefusedError(f"the inputs are {names}; the ensemble takes one, {INPUT!r}")
    (given,) = request.inputs
    of_files = given.datatype == FILES and takes_images(inputs)
    if given.datatype != DATATYPES[inputs.dtype] and not of_files:
        also = f", or {FILES}: files of images" if takes_images(inputs) else ""
        raise RefusedError(
            f"input {INPUT!r} is {given.datatype[:40]!r}; the ensemble takes {DATATYPES[inputs.dtype]}{also}"
        )
    _check_shape(given, () if of_files else inputs.shape, limits)
    return _images(received.words(given), inputs, limits) if of_files else _numbers(received, given)


def _check_shape(given: RequestInput, shape: tuple[int, ...], limits: Limits) -> None:
    """Refuse another shape than [rows, *shape], and too many rows.

    Raises:
        RefusedError: with the shape that is taken.
    """
    if tuple(given.shape[1:]) != shape or not given.shape or not given.shape[0]:
        axes = ", ".join(["rows", *map(str, shape)])
        taker = "the ensemble" if shape else FILES
        raise RefusedError(f"input {INPUT!r} has shape {given.shape[:8]}; {taker} takes [{axes}]")
    if given.shape[0] > limits.request_rows:
        said = f"{given.shape[0]:,} rows in one request; {limits.request_rows:,} are taken at most: send several"
        raise RefusedError(said, TOO_LARGE)


def _numbers(received: Received, given: RequestInput) -> NDArray[Any]:
    values = received.tensor(given)
    if values.dtype.kind == "f" and not (finite := np.isfinite(values).reshape(len(values), -1).all(axis=1)).all():
        raise RefusedError(f"row {int(np.flatnonzero(~finite)[0])} holds a value that is not finite")
    return np.array(values)  # a copy: the body is not writable


def _images(files: list[bytes], inputs: Inputs, limits: Limits) -> NDArray[Any]:
    """Rows of files of images; how many pixels they have is known before one of them is decoded."""
    pixels = sum(pixel_count(file, f"row {row}", FORMATS) for row, file in enumerate(files))
    if pixels > limits.request_pixels:
        raise RefusedError(
            f"the images of the request have {pixels:,} pixels; {limits.request_pixels:,} are taken at most: send "
            "fewer at a time, or smaller ones",
            TOO_LARGE,
        )
    return np.concatenate([rows_of_image(file, inputs, f"row {row}", FORMATS) for row, file in enumerate(files)])
