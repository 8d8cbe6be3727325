"""Several augmentations, one after the other."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.data.augment.base import AUGMENTATIONS, Batch, Draws, Mixing
from lrensemble.data.transfer import queued
from lrensemble.errors import SpecError
from lrensemble.spec import SpecLike, to_spec

PARTNER = ".partner"
"""End of the names of draws that are positions in the batch."""


class Augmenter:
    """The augmentations of a recipe, in their order. It has no state: drawing and applying are pure functions.

    What is drawn for a step depends on the seed, the step, the rows and an augmentation's own place in the list, so
    that another one behind it changes nothing.
    """

    def __init__(self, specs: Sequence[SpecLike], shape: tuple[int, ...], epoch_steps: int) -> None:
        """Look the augmentations up.

        Args:
            specs: names with arguments, `crop(padding=4)`; none at all is fine.
            shape: of one input, (channel, height, width) or (feature,).
            epoch_steps: steps of an epoch, for what alternates between epochs.

        Raises:
            SpecError: an unknown name or argument, one that does not suit the inputs, or a mixing one before others.
        """
        self._steps = [AUGMENTATIONS.call(spec, shape) for spec in specs]
        self._epoch_steps = epoch_steps
        self.mixes = str(to_spec(specs[-1])) if specs and self._steps[-1].mixes else ""
        """The augmentation that mixes images, in its text form; empty where none does."""
        for spec, step in zip(specs[:-1], self._steps[:-1], strict=True):
            if step.mixes:
                name = to_spec(spec).name
                raise SpecError(f"augmentation {name!r} mixes images and their labels: put it last, and only one such")

    def draw(self, seed: int, step: int, rows: NDArray[np.int64]) -> Draws:
        """Draws for the images of a step, on the CPU.

        Args:
            seed: of the run.
            step: from 0.
            rows: [sample] numbers that tell the images apart and stay theirs in every epoch, as `batch_rows` gives.
        """
        batch = Batch(seed, step // self._epoch_steps, rows)
        draws = {}
        for place, augmentation in enumerate(self._steps):
            # The spawn key keeps these streams apart from those of batches and dropout, which use (seed, number) alone.
            generator = np.random.default_rng(np.random.SeedSequence((seed, step), spawn_key=(place,)))
            for name, values in augmentation.draw(generator, batch).items():
                draws[f"{place}.{name}"] = torch.from_numpy(values)
        return draws

    def apply(self, inputs: Tensor, draws: Draws) -> tuple[Tensor, Mixing | None]:
        """Augment normalised inputs [sample, …]; also says how labels are mixed, where they are.

        A pure tensor program of a fixed number of operations: for any device and any number of rows, without a wait
        for the device. What is padded or cut out becomes 0, which is the mean.
        """
        mixing = None
        for place, augmentation in enumerate(self._steps):
            prefix = f"{place}."
            own = {name.removeprefix(prefix): drawn for name, drawn in draws.items() if name.startswith(prefix)}
            inputs = augmentation.apply(inputs, own)
            if augmentation.mixes:
                mixing = Mixing(own["partner"], own["share"])
        return inputs, mixing


def join(draws: Sequence[Draws]) -> Draws:
    """Draws of several batches, joined for the batch that holds them end to end; partners stay in their own."""
    joined = {}
    for name in draws[0]:
        parts = [drawn[name] for drawn in draws]
        if name.endswith(PARTNER):
            starts = np.cumsum([0, *(len(part) for part in parts[:-1])])
            parts = [part + int(start) for part, start in zip(parts, starts, strict=True)]
        joined[name] = torch.cat(parts)
    return joined


def move(draws: Draws, device: torch.device) -> Draws:
    """Draws on another device, as `queued`."""
    if device.type == "mps":  # it has no float64
        draws = {name: drawn.float() if drawn.dtype == torch.float64 else drawn for name, drawn in draws.items()}
    return {name: queued(drawn, device) for name, drawn in draws.items()}
