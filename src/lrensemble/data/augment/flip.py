"""Images mirrored left to right."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.data.augment.base import AUGMENTATIONS, Augmentation, Batch, Draws, image_size


@AUGMENTATIONS.register()
def flip(shape: tuple[int, ...]) -> Augmentation:
    """Mirror each image left to right with probability 1/2.

    Raises:
        SpecError: inputs are no images.
    """
    image_size("flip", shape)

    def draw(generator: np.random.Generator, batch: Batch) -> dict[str, NDArray[Any]]:
        return {"mirrored": generator.integers(0, 2, len(batch.rows)).astype(bool)}

    return Augmentation(draw, _mirror)


@AUGMENTATIONS.register()
def alternating_flip(shape: tuple[int, ...]) -> Augmentation:
    """Mirror each image in every second epoch, half of them in the first (Jordan 2024, arXiv 2404.00498, sec. 3.6).

    Two epochs that follow one another so show both sides of every image; with `flip`, half of the images show the
    same side twice.

    Raises:
        SpecError: inputs are no images.
    """
    image_size("alternating_flip", shape)

    def draw(generator: np.random.Generator, batch: Batch) -> dict[str, NDArray[Any]]:  # noqa: ARG001 – no chance here
        return {"mirrored": (_first_side(batch.seed, batch.rows) + batch.epoch) % 2 == 1}

    return Augmentation(draw, _mirror)


def _mirror(inputs: Tensor, draws: Draws) -> Tensor:
    return torch.where(draws["mirrored"].view(-1, 1, 1, 1), inputs.flip(3), inputs)


def _first_side(seed: int, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Coin [sample], 0 or 1, that depends on nothing but the seed and the row: SplitMix64 (Steele et al. 2014)."""
    start = np.random.SeedSequence(seed).generate_state(1, np.uint64)
    mixed = start + (rows.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(mixed >> np.uint64(63), dtype=np.int64)
