"""Randomness of what a network draws in training, dropout say: a function of (seed, step), so that any step can be
entered.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import torch
from torch import nn

_DRAW_NOTHING = (
    nn.Sequential,
    nn.Linear,
    nn.modules.conv._ConvNd,
    nn.modules.batchnorm._BatchNorm,
    nn.modules.pooling._MaxPoolNd,
    nn.ReLU,
    nn.Flatten,
)


def may_draw(model: nn.Module) -> bool:
    """Whether a network may draw random numbers in training; False only where all its parts are known to draw none."""
    return not all(
        isinstance(part, _DRAW_NOTHING) and type(part).__module__.startswith("torch.nn.modules.")
        for part in model.modules()
    )


@contextmanager
def randomness(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Make what a model draws in this block (dropout, say) a function of (seed, step), and leave no trace of it."""
    generators = [torch.default_generator]
    if device.type == "cuda":
        generators.append(torch.cuda.default_generators[device.index])
    before = [generator.get_state() for generator in generators]
    mixed = seed_of_step(seed, step)
    for generator in generators:
        generator.manual_seed(mixed)
    apple = torch.mps.get_rng_state() if device.type == "mps" else None  # its generator is not to be had
    if apple is not None:
        torch.mps.manual_seed(mixed)
    try:
        yield
    finally:
        if apple is not None:
            torch.mps.set_rng_state(apple)
        for generator, state in zip(generators, before, strict=True):
            generator.set_state(state)


def seed_of_step(seed: int, step: int) -> int:
    """Seed of the generators that a member draws from at a step."""
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])
