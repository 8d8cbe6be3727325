"""What the dropout of adapters leaves out: for each member of a group what it would leave out alone."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from lrensemble.train.run.arithmetic.randomness import seed_of_step


class Draws:
    """Generators of a step, one for each member, in the state that `randomness` puts torch's own into."""

    def __init__(self, seeds: Sequence[int], step: int) -> None:
        """Seed the generators.

        Args:
            seeds: [member]
            step: from 0.
        """
        self._generators = [torch.Generator().manual_seed(seed_of_step(seed, step)) for seed in seeds]
        self.widths: Sequence[int] = ()
        """[member] length of its own sequences in the batch at hand, which alone are drawn for."""

    def scales(self, like: Tensor, share: float) -> Tensor:
        """Factors [member x batch, length, unit] on the inputs of a layer: 0 for a share of them, else 1 / (1 - share);
        0 beyond a member's own length.

        Args:
            like: the inputs, those of the first member first, on the CPU, where torch draws number after number.
            share: probability that an input is left out.
        """
        found = torch.zeros_like(like, memory_format=torch.contiguous_format)
        own = found.view(len(self._generators), -1, *like.shape[1:])
        for part, width, generator in zip(own, self.widths, self._generators, strict=True):
            kept = torch.empty_like(part[:, :width], memory_format=torch.contiguous_format)
            part[:, :width] = kept.bernoulli_(1 - share, generator=generator)
        return found.div_(1 - share)
