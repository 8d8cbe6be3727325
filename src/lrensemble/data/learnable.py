"""What the training of a run reads of its data, whatever a row is: an image, a table's row, a sequence of tokens."""

from __future__ import annotations

from typing import Any, Protocol, Self

import torch
from numpy.typing import NDArray
from torch import Tensor

from lrensemble.config import Inputs, Scale
from lrensemble.config.base import Base
from lrensemble.targets import Form, Target
from lrensemble.targets.heads import Head


class Learnable(Protocol):
    """Training rows that batches are drawn from, and rows of `val` and `test` that members predict."""

    @property
    def name(self) -> str:
        """Name of the data set, for people."""

    @property
    def target(self) -> Target:
        """What the truth of a predicted row is."""

    @property
    def rows(self) -> dict[str, Tensor]:
        """Places, int64, sorted: of `train` those that batches are drawn from, of `val` and `test` those of the rows
        that a pool's members predict.
        """

    @property
    def fingerprint(self) -> str:
        """SHA-256 of all that members learn from and are measured by, in hexadecimal."""

    @property
    def device(self) -> torch.device:
        """Device that batches are on."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input."""

    @property
    def scale(self) -> Scale:
        """Units of the outputs; none for classes."""

    @property
    def inputs_of_members(self) -> Inputs | None:
        """Inputs that members predict from, as the pool records them; None where they are no arrays of one shape."""

    @property
    def base(self) -> Base | None:
        """Language model that all members start from; None where there is none."""

    def to(self, device: torch.device) -> Self:
        """The same on another device."""

    def batch(self, rows: Tensor) -> tuple[Tensor, Tensor]:
        """Inputs [batch, …] and what is to be learned of the training rows at some places [batch]."""

    def head(self, form: Form | None) -> Head:
        """Loss and link of networks that learn this set."""

    def truth_of(self, split: str) -> NDArray[Any]:
        """Truth of the rows of a split that members predict, on the host."""

    def groups_of(self, split: str) -> NDArray[Any] | None:
        """Group [sample] of each row of a split; None where rows are independent."""
