"""Boxes in images: top, bottom, left, right, [sample, 4] int64; the bottom row and the right column are outside."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

Size = tuple[int, int]
"""Height and width."""


def boxes_around(
    centres: NDArray[np.int64], heights: NDArray[np.int64], widths: NDArray[np.int64], size: Size
) -> NDArray[np.int64]:
    """Boxes of the given sizes [sample] around pixels [2, sample] (row and column), cut off at the border."""
    top, left = centres[0] - heights // 2, centres[1] - widths // 2
    rows = np.clip([top, top + heights], 0, size[0])
    columns = np.clip([left, left + widths], 0, size[1])
    return np.stack([*rows, *columns], axis=1)


def centres(generator: np.random.Generator, count: int, size: Size) -> NDArray[np.int64]:
    """Pixels [2, count], each equally likely."""
    return generator.integers(0, np.array(size)[:, None], (2, count))


def area(boxes: NDArray[np.int64]) -> NDArray[np.int64]:
    """Pixels [sample] of each box."""
    return (boxes[:, 1] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 2])


def inside(boxes: Tensor, size: Size) -> Tensor:
    """Mask [sample, 1, height, width] of the pixels that lie in an image's box."""
    top, bottom, left, right = boxes.view(-1, 4, 1).unbind(1)
    rows = torch.arange(size[0], device=boxes.device)
    columns = torch.arange(size[1], device=boxes.device)
    in_rows = (rows >= top) & (rows < bottom)
    in_columns = (columns >= left) & (columns < right)
    return (in_rows[:, :, None] & in_columns[:, None, :])[:, None]
