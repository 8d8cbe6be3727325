"""Predictions of networks on the rows of a split, and their scores."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import log_softmax

from lrensemble.data import Dataset
from lrensemble.errors import TrainingError
from lrensemble.metrics import METRICS, watched

PREDICTION_ROWS = 1024
"""Rows that are predicted at once; fixed, because the last bits of a sum can depend on it."""


def predict(model: nn.Module, dataset: Dataset, split: str) -> Tensor:
    """Log-probabilities [sample, class] of a split, float32 on the CPU, in evaluation mode and full precision.

    Raises:
        TrainingError: the model's logits are not [batch, class].
    """
    model.eval()
    return log_probs_of(lambda inputs: checked_logits(model(inputs), len(inputs), dataset), dataset, split)


@torch.no_grad()
def log_probs_of(logits: Callable[[Tensor], Tensor], dataset: Dataset, split: str) -> Tensor:
    """Log-probabilities […, sample, class] by a function from inputs to logits, float32 on the CPU."""
    blocks = [
        log_softmax(logits(dataset.batch(rows)[0]).float(), dim=-1)
        for rows in torch.split(dataset.rows[split], PREDICTION_ROWS)
    ]
    return torch.cat(blocks, dim=-2).cpu()


def checked_logits(logits: object, rows: int, dataset: Dataset, *, leading: int = 0) -> Tensor:
    """The logits, if their axes are [batch, class] after so many leading ones.

    Raises:
        TrainingError: a model that returned something else.
    """
    expected = (rows, len(dataset.classes))
    if not isinstance(logits, Tensor) or logits.shape[leading:] != expected:
        found = tuple(logits.shape[leading:]) if isinstance(logits, Tensor) else type(logits).__name__
        raise TrainingError(f"the model returned {found}; it must return logits [batch, class], here {expected}")
    return logits


def score_names() -> list[str]:
    """Keys of the scores in a line of history."""
    return [f"val_{name}" for name in watched()]


def val_scores(log_probs: NDArray[np.float32], dataset: Dataset) -> dict[str, float]:
    """Scores by metric on the validation rows."""
    probs = np.exp(log_probs.astype(np.float64))
    labels = dataset.labels[dataset.rows["val"]].cpu().numpy()
    return {name: METRICS.call(name, probs, labels) for name in watched()}
