"""What networks say on the rows of a split, and their scores."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from lrensemble.data import Dataset, Learnable
from lrensemble.errors import TrainingError
from lrensemble.metrics import METRICS, watched
from lrensemble.models.arithmetic import cuda_arithmetic
from lrensemble.pool.collect.scores import scores_of
from lrensemble.targets import Target
from lrensemble.targets.heads import Head

PREDICTION_ROWS = 1024
"""Rows that are predicted at once; fixed, because the last bits of a sum can depend on it."""

RTOL, ATOL = 1e-4, 1e-5
"""Differences of outputs up to which two networks are the same one."""


def predict(model: nn.Module, head: Head, dataset: Dataset, split: str) -> Tensor:
    """What a network says on a split (`Head.stored`), [sample, column] on the CPU, in evaluation mode.

    Raises:
        TrainingError: the network's outputs are not [batch, output].
    """
    model.eval()
    return stored_of(lambda inputs: checked_outputs(model(inputs), len(inputs), head), head, dataset, split)


def say_the_same(one: Tensor, other: Tensor) -> bool:
    """Whether outputs [sample, column] of two networks are equal but for rounding."""
    return one.shape == other.shape and torch.allclose(one, other, rtol=RTOL, atol=ATOL, equal_nan=True)


@torch.no_grad()
def stored_of(outputs: Callable[[Tensor], Tensor], head: Head, dataset: Dataset, split: str) -> Tensor:
    """What a function from inputs to outputs says, […, sample, column] on the CPU, in full precision."""
    with cuda_arithmetic(dataset.device):
        blocks = [
            head.stored(outputs(dataset.batch(rows)[0])) for rows in torch.split(dataset.rows[split], PREDICTION_ROWS)
        ]
    return torch.cat(blocks, dim=-2).cpu()


def checked_outputs(outputs: object, rows: int, head: Head, *, leading: int = 0) -> Tensor:
    """The outputs, if their axes are [batch, output] after so many leading ones.

    Raises:
        TrainingError: a model that returned something else.
    """
    expected = (rows, head.outputs)
    if not isinstance(outputs, Tensor) or outputs.shape[leading:] != expected:
        found = tuple(outputs.shape[leading:]) if isinstance(outputs, Tensor) else type(outputs).__name__
        raise TrainingError(f"the model returned {found}; it must return outputs [batch, output], here {expected}")
    return outputs


@dataclass(frozen=True, eq=False)
class Scoring:
    """Scores of members on the validation rows, by the metrics that are watched."""

    target: Target
    head: Head
    truth: NDArray[Any]
    """Truth of the validation rows."""
    metrics: tuple[str, ...]

    @classmethod
    def of(cls, dataset: Learnable, head: Head) -> Self:
        """Scoring of members of a data set that speak as a head does."""
        return cls(dataset.target, head, dataset.truth_of("val"), tuple(watched(dataset.target.kind, head.said.serves)))

    def is_usable(self, stored: NDArray[np.floating]) -> bool:
        """Whether what a member says can be kept; the logarithm of a probability of zero is no overflow."""
        return not np.isnan(stored).any() and (
            self.head.form in ("log_probs", "likelihood") or bool(np.isfinite(stored).all())
        )

    @property
    def aim(self) -> str:
        """Metric that epochs are compared by: that which selection aims at unless told."""
        return self.target.default_metric(self.head.said.serves)

    def scores(self, stored: NDArray[np.floating]) -> dict[str, float]:
        """Scores by metric of what a member says (`Head.stored`), [sample, column]."""
        said = self.head.predictions(stored)
        if self.head.form == "likelihood":
            return scores_of(said, self.target, self.truth)
        seen = self.target.seen(said)
        return {name: METRICS.call(name, seen, self.truth) for name in self.metrics}
