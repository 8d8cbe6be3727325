"""Part of each batch that one of several processes computes, where these train one member together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor


@dataclass(frozen=True)
class Share:
    """One of as many equal parts as there are processes."""

    number: int = 0
    """From 0."""
    of: int = 1

    def rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The rows of this process among those of a batch."""
        return rows[self.number :: self.of]

    def seed(self, seed: int) -> int:
        """Seed of what is drawn here beside other parts: for the first that of a process alone."""
        return seed + (self.number << 64)

    def add_up(self, tensors: Iterable[Tensor]) -> None:
        """Put in the place of each tensor its sum over all processes; nothing where there is one."""
        if self.of > 1:
            for tensor in tensors:
                torch.distributed.all_reduce(tensor)


WHOLE = Share()
"""All of a batch, in one process."""
