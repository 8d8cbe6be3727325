"""The training loop of many members at once, to be read beside `engine.fit`, which trains one."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax

from lrensemble.config import TrainSettings
from lrensemble.data import Augmenter, Dataset, Mixing, batch_rows, steps_per_epoch
from lrensemble.data.augment import join
from lrensemble.errors import TrainingError
from lrensemble.policies import Policy
from lrensemble.train.run.engine import PREDICTION_ROWS, autocast
from lrensemble.train.run.fused.optimizers import StackedOptimizer
from lrensemble.train.run.fused.stacked import StackedModel


@dataclass(frozen=True, eq=False)
class Steps:
    """Some steps of all members, one after another."""

    first: int
    """The first of them."""
    rates: np.ndarray
    """[step, member]"""
    losses: np.ndarray
    """[step, member] mean over the batch, before the update."""
    norms: np.ndarray
    """[step, member] L2 norm of the gradient, before clipping."""


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
        settings: of the members; all but rate, momentum, weight decay, smoothing and seed are those of the first.
        dataset: where the training rows are.
        first_step: how many steps are done already.
        at_once: steps between two looks at the losses; an epoch must be a multiple of it.
    """
    batches = _Batches(dataset, settings)
    smoothing = _smoothing(settings, dataset.device)
    for start in range(first_step, policies[0].total, at_once):
        stop = min(start + at_once - start % at_once, policies[0].total)
        rates = np.array([[policy(step) for policy in policies] for step in range(start, stop)])
        told = [
            _step(model, optimizer, batches, settings[0], smoothing, rates[step - start], step)
            for step in range(start, stop)
        ]
        losses, norms = torch.stack(told, dim=1).cpu().numpy()
        yield Steps(start, rates, losses, norms)


def _step(
    model: StackedModel,
    optimizer: StackedOptimizer,
    batches: _Batches,
    settings: TrainSettings,
    smoothing: Tensor | None,
    rates: np.ndarray,
    step: int,
) -> Tensor:
    """One update of all members; their losses before it and the norms of their gradients [2, member], float64."""
    inputs, labels, mixing = batches.of(step)
    with autocast(inputs.device, settings):
        logits = _checked(model.logits(inputs, training=True, shared=batches.shared), labels.shape[-1], batches.dataset)
    logits = logits.to(torch.promote_types(logits.dtype, torch.float32))
    losses = mixed_cross_entropies(logits, labels, mixing, smoothing)
    gradient = model.joined(torch.autograd.grad(losses.sum(), list(model.trained.values())))
    norms = torch.linalg.vector_norm(gradient, dim=1)
    if settings.clip_norm is not None:
        gradient *= (settings.clip_norm / (norms + 1e-6)).clamp(max=1.0)[:, None]
    finite = torch.from_numpy(np.where(np.isfinite(rates), rates, np.nan)).to(inputs.device, non_blocking=True)
    optimizer.step(gradient, finite, step)
    return torch.stack([losses.detach().double(), norms.double()])


class _Batches:
    """What the members see at a step: the same rows for all where their seeds are the same."""

    def __init__(self, dataset: Dataset, settings: Sequence[TrainSettings]) -> None:
        self.dataset, self.shared = dataset, len({each.seed for each in settings}) == 1
        self._seeds = [each.seed for each in settings[: 1 if self.shared else None]]
        self._size, self._members = settings[0].batch_size, len(settings)
        epoch_steps = steps_per_epoch(len(dataset.rows["train"]), self._size)
        self._augmenter = Augmenter(settings[0].augment, dataset.shape, epoch_steps)

    def of(self, step: int) -> tuple[Tensor, Tensor, Mixing | None]:
        """Inputs [member, batch, …] and labels [member, batch], or [batch, …] of all; mixing as one long batch."""
        rows = self.dataset.rows["train"]
        chosen = [batch_rows(len(rows), self._size, seed, step) for seed in self._seeds]
        draws = join([self._augmenter.draw(seed, step, own) for seed, own in zip(self._seeds, chosen, strict=True)])
        places = torch.from_numpy(np.concatenate(chosen)).to(rows.device, non_blocking=True)
        inputs, labels, mixing = self.dataset.augmented(rows[places], self._augmenter, draws)
        if self.shared:
            return inputs, labels, mixing
        return inputs.view(self._members, self._size, *inputs.shape[1:]), labels.view(self._members, -1), mixing


def mixed_cross_entropies(logits: Tensor, labels: Tensor, mixing: Mixing | None, smoothing: Tensor | None) -> Tensor:
    """[member] mean cross-entropy; of mixed images that of both their labels, by their shares (Zhang et al. 2018).

    Args:
        logits: [member, batch, class].
        labels: [member, batch] or [batch].
        mixing: of the labels laid end to end; None where nothing is mixed.
        smoothing: [member]; None for none at all.
    """
    if mixing is None:
        return cross_entropies(logits, labels, smoothing).mean(dim=1)
    others = labels.flatten()[mixing.partner].view(labels.shape)
    share = mixing.share.to(logits.dtype).view(labels.shape)
    own, other = (cross_entropies(logits, each, smoothing) for each in (labels, others))
    return (share * own + (1 - share) * other).mean(dim=1)


def cross_entropies(logits: Tensor, labels: Tensor, smoothing: Tensor | None) -> Tensor:
    """[member, batch] cross-entropy, each member's with its own label smoothing (Szegedy et al. 2016, sec. 7).

    Args:
        logits: [member, batch, class].
        labels: [member, batch] or [batch].
        smoothing: [member]; None for none at all.
    """
    if labels.ndim == 1:
        labels = labels.expand(len(logits), -1)
    if smoothing is None:
        return cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="none").view(labels.shape)
    log_probs = log_softmax(logits, dim=2)
    of_label = log_probs.gather(2, labels[:, :, None])[:, :, 0]
    share = smoothing.to(logits.dtype)[:, None]
    return -(1 - share) * of_label - share * log_probs.mean(dim=2)


def _smoothing(settings: Sequence[TrainSettings], device: torch.device) -> Tensor | None:
    """[member] label smoothing in float64; None where nothing is smoothed, which has fewer operations."""
    values = [each.label_smoothing for each in settings]
    return torch.tensor(values, dtype=torch.float64, device=device) if any(values) else None


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
