"""Augmentation: numbers drawn on the CPU for each image, and a tensor program that applies them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.errors import SpecError
from lrensemble.registry import Call, Registry

Draws = Mapping[str, Tensor]
"""Everything that is drawn for a batch, each tensor [sample, …], by `POSITION.NAME`: `0.top`, `2.partner`."""


class Batch(NamedTuple):
    """Batch of rows that numbers are drawn for."""

    seed: int
    epoch: int
    """Epoch, from 0."""
    rows: NDArray[np.int64]
    """Numbers [sample] that tell one image from another."""


class Mixing(NamedTuple):
    """Two images in one: the loss is share * CE(labels) + (1 - share) * CE(labels[partner])."""

    partner: Tensor
    """Positions [sample] in the batch, int64."""
    share: Tensor
    """Weights [sample] of the image's own label in the loss, float32."""


@dataclass(frozen=True)
class Augmentation:
    """Change to a batch of normalised inputs."""

    draw: Callable[[np.random.Generator, Batch], dict[str, NDArray[Any]]]
    """Arrays [sample, …] by name."""
    apply: Callable[[Tensor, Draws], Tensor]
    """Function of inputs [sample, …] and their draws, by name, to changed inputs; waits for nothing on the host."""
    mixes: bool = False
    """Whether images are mixed; then `partner` and `share` are among what is drawn."""


AUGMENTATIONS: Registry[Augmentation] = Registry("augmentation", call=Call(("shape",)))
"""Functions of the shape of one input, (channel, height, width) or (feature,), that return an `Augmentation`."""


def image_size(name: str, shape: tuple[int, ...]) -> tuple[int, int]:
    """Height and width of one input.

    Raises:
        SpecError: inputs are no images.
    """
    if len(shape) != 3:
        raise SpecError(f"augmentation {name!r} needs images (channel, height, width); an input here is {shape}")
    return shape[1], shape[2]
