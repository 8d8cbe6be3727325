"""The training loop of many members at once, to be read beside `engine.fit`, which trains one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import log_softmax

from lrensemble.config import TrainSettings
from lrensemble.data import Dataset, batch_rows
from lrensemble.errors import TrainingError
from lrensemble.policies import Policy
from lrensemble.train.engine import PREDICTION_ROWS
from lrensemble.train.fused.optimizers import StackedOptimizer
from lrensemble.train.fused.stacked import StackedModel, Tensors


@dataclass(frozen=True, eq=False)
class Steps:
    """Some steps of all members, one after another."""

    first: int
    """The first of them."""
    rates: np.ndarray
    """[step, member]"""
    losses: np.ndarray
    """[step, member] mean over the batch, before the update."""


def fit_together(
    model: StackedModel,
    optimizer: StackedOptimizer,
    policies: Sequence[Policy],
    settings: Sequence[TrainSettings],
    dataset: Dataset,
    *,
    first_step: int,
    at_once: int,
) -> Generator[Steps, None, None]:
    """Train all members in place, and tell of `at_once` steps at a time; no step waits for the device.

    The losses of the members are summed, not averaged: each gradient is then that of its member alone. A member that
    diverges fills its own slices with what is no number, and touches no other.

    Args:
        model: the stacked networks, on the device of the data set.
        optimizer: over their parameters.
        policies: of the members, for as many steps each.
        settings: of the members; batch size, clipping and precision are those of the first.
        dataset: where the training rows are.
        first_step: how many steps are done already.
        at_once: steps between two looks at the losses; an epoch must be a multiple of it.
    """
    total, shared = policies[0].total, len({each.seed for each in settings}) == 1
    smoothing = torch.tensor(
        [each.label_smoothing for each in settings], dtype=torch.float64, device=dataset.inputs.device
    )
    for start in range(first_step, total, at_once):
        stop = min(start + at_once - start % at_once, total)
        rates = np.array([[policy(step) for policy in policies] for step in range(start, stop)])
        losses = [
            _step(model, optimizer, dataset, settings, smoothing, rates[step - start], step, shared)
            for step in range(start, stop)
        ]
        yield Steps(start, rates, torch.stack(losses).double().cpu().numpy())


def _step(
    model: StackedModel,
    optimizer: StackedOptimizer,
    dataset: Dataset,
    settings: Sequence[TrainSettings],
    smoothing: Tensor,
    rates: np.ndarray,
    step: int,
    shared: bool,
) -> Tensor:
    """One update of all members; their losses [member] before it."""
    inputs, labels = _batches(dataset, settings, step, shared)
    device, first = dataset.inputs.device, settings[0]
    with torch.autocast(device.type, torch.bfloat16, enabled=first.precision == "bfloat16"):
        logits = _checked(model.logits(inputs, training=True, shared=shared), labels.shape[-1], dataset)
    losses = cross_entropies(logits.to(torch.promote_types(logits.dtype, torch.float32)), labels, smoothing)
    names = [name for name, parameter in model.parameters.items() if parameter.requires_grad]
    found = torch.autograd.grad(losses.sum(), [model.parameters[name] for name in names])
    gradients = dict(zip(names, found, strict=True))
    if first.clip_norm is not None:
        clip_each(gradients, first.clip_norm)
    finite = torch.as_tensor(np.where(np.isfinite(rates), rates, np.nan), device=device)
    optimizer.step(gradients, finite, step)
    return losses.detach()


def _batches(dataset: Dataset, settings: Sequence[TrainSettings], step: int, shared: bool) -> tuple[Tensor, Tensor]:
    """Inputs and labels [member, batch, …], or [batch, …] where all members see the same."""
    rows = dataset.rows["train"]
    size = settings[0].batch_size
    chosen = [batch_rows(len(rows), size, each.seed, step) for each in settings[: 1 if shared else None]]
    inputs, labels = dataset.batch(rows[torch.as_tensor(np.concatenate(chosen), device=rows.device)])
    if shared:
        return inputs, labels
    members = len(settings)
    return inputs.view(members, size, *inputs.shape[1:]), labels.view(members, size)


def cross_entropies(logits: Tensor, labels: Tensor, smoothing: Tensor) -> Tensor:
    """[member] mean cross-entropy over a batch, each with its own label smoothing (Szegedy et al. 2016, sec. 7).

    Args:
        logits: [member, batch, class].
        labels: [member, batch] or [batch].
        smoothing: [member].
    """
    if labels.ndim == 1:
        labels = labels.expand(len(logits), -1)
    log_probs = log_softmax(logits, dim=2)
    of_label = log_probs.gather(2, labels[:, :, None])[:, :, 0].mean(dim=1)
    share = smoothing.to(logits.dtype)
    return -(1 - share) * of_label - share * log_probs.mean(dim=2).mean(dim=1)


def clip_each(gradients: Tensors, largest: float) -> None:
    """Scale every member's gradient down to the largest norm over all its parameters, in place."""
    squares = [gradient.flatten(1).square().sum(dim=1) for gradient in gradients.values()]
    scale = (largest / (torch.stack(squares).sum(dim=0).sqrt() + 1e-6)).clamp(max=1.0)
    for gradient in gradients.values():
        gradient.mul_(scale.view(-1, *[1] * (gradient.ndim - 1)))


@torch.no_grad()
def predict_together(model: StackedModel, dataset: Dataset, split: str) -> Tensor:
    """Log-probabilities [member, sample, class] of a split, float32 on the CPU, in evaluation mode and full precision.

    Raises:
        TrainingError: the networks' logits are not [batch, class].
    """
    blocks = []
    for rows in torch.split(dataset.rows[split], PREDICTION_ROWS):
        inputs, _ = dataset.batch(rows)
        logits = _checked(model.logits(inputs, training=False, shared=True), len(rows), dataset)
        blocks.append(log_softmax(logits.float(), dim=2))
    return torch.cat(blocks, dim=1).cpu()


def _checked(logits: Tensor, rows: int, dataset: Dataset) -> Tensor:
    found, expected = tuple(logits.shape[1:]), (rows, len(dataset.classes))
    if found != expected:
        raise TrainingError(f"the model returned {found}; it must return logits [batch, class], here {expected}")
    return logits
