"""What an augmentation is: numbers drawn on the CPU for each image, and a tensor program that applies them."""

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
    """What is drawn for."""

    seed: int
    epoch: int
    """From 0."""
    rows: NDArray[np.int64]
    """[sample] numbers that tell one image from another."""


class Mixing(NamedTuple):
    """Two images in one: the loss is share * CE(labels) + (1 - share) * CE(labels[partner])."""

    partner: Tensor
    """[sample] int64, positions in the batch."""
    share: Tensor
    """[sample] float32, of the image's own label."""


@dataclass(frozen=True)
class Augmentation:
    """One kind of change to a batch of normalised inputs."""

    draw: Callable[[np.random.Generator, Batch], dict[str, NDArray[Any]]]
    """Arrays [sample, …] by name."""
    apply: Callable[[Tensor, Draws], Tensor]
    """Inputs [sample, …] and what was drawn for them, by name, to changed inputs; waits for nothing on the host."""
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
