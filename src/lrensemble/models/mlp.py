"""A multilayer perceptron, for features and for images laid flat."""

from __future__ import annotations

import itertools
import math
from typing import Annotated

from pydantic import Field
from torch import nn

from lrensemble.limits import Width
from lrensemble.models.base import MODELS


@MODELS.register(any_size=True, width=64)
def mlp(
    shape: tuple[int, ...],
    outputs: int,
    *,
    width: Width = 128,
    depth: Annotated[int, Field(gt=0, le=200)] = 2,
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.0,
) -> nn.Module:
    """Linear layers with ReLU between them: `depth` hidden layers of `width` units.

    Args:
        shape: of one input; any.
        outputs: how many.
        width: units of a hidden layer.
        depth: how many hidden layers.
        dropout: fraction of hidden units that a training step leaves out (Srivastava et al. 2014).
    """
    sizes = [math.prod(shape), *[width] * depth]
    layers: list[nn.Module] = [nn.Flatten()]
    for inputs, units in itertools.pairwise(sizes):
        layers += [nn.Linear(inputs, units), nn.ReLU()]
        if dropout:
            layers.append(nn.Dropout(dropout))
    return nn.Sequential(*layers, nn.Linear(width, outputs))
