"""Rows of image data as small pictures inside the page."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from lrensemble import data  # lazy: a page without pictures needs no torch
from lrensemble.config import Recipe, to_record
from lrensemble.errors import LREnsembleError
from lrensemble.pool import Member

LARGEST = 96
"""Maximum length of a picture's longer side in pixels."""


@dataclass(frozen=True)
class Picture:
    """Table cell with an image."""

    png: bytes
    alt: str

    def source(self) -> str:
        """Data address for an `img` element: no file and no network."""
        return "data:image/png;base64," + base64.b64encode(self.png).decode()


def pictures(
    members: Sequence[Member], folder: Path | None, rows: Sequence[int], *, trust_code: bool = False
) -> list[Picture] | str:
    """Pictures of test rows, or a sentence that says why there are none.

    Args:
        members: members of the pool; the recipe of the first one that has any names the data set.
        folder: folder of the data set's files, for data sets that need one.
        rows: positions among the test rows.
        trust_code: whether the pool is trusted with the code and the hubs that it names.
    """
    recipe = next((member.recipe for member in members if member.recipe is not None), None)
    if recipe is None:
        return "There are no pictures of the rows: the members of this pool were trained elsewhere."
    try:
        dataset = data.of_recipe(to_record(Recipe, recipe, "recipe"), folder, trust_code=trust_code)
        if len(dataset.shape) != 3 or dataset.shape[0] not in (1, 3):
            return "The rows of this data set are no pictures."
        raw = dataset.raw(dataset.rows["test"][list(rows)]).cpu().numpy().astype(np.float64)
    except LREnsembleError as error:
        return f"There are no pictures of the rows: {error}"
    dark, bright = min(0.0, raw.min()), raw.max()
    scaled = (255 * (raw - dark) / max(bright - dark, 1e-12)).astype(np.uint8)
    try:
        return [Picture(_png(pixels), f"test row {row}") for pixels, row in zip(scaled, rows, strict=True)]
    except ImportError:
        return "There are no pictures of the rows: they need Pillow; pip install 'lrensemble[report]'"


def _png(pixels: NDArray[np.uint8]) -> bytes:
    """PNG file of pixels [channel, height, width]."""
    from PIL import Image

    image = Image.fromarray(pixels[0] if len(pixels) == 1 else np.moveaxis(pixels, 0, 2))
    image.thumbnail((LARGEST, LARGEST))
    buffer = io.BytesIO()
    image.save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
