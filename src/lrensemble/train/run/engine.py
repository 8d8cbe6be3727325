"""The training loop and the predictions, to be read from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax
from torch.nn.utils import clip_grads_with_norm_, get_total_norm

from lrensemble.config import TrainSettings
from lrensemble.data import Augmenter, Dataset, Mixing, batch_rows, steps_per_epoch
from lrensemble.errors import TrainingError
from lrensemble.policies import Policy
from lrensemble.train.run.learner import Learner

PREDICTION_ROWS = 1024
"""Rows that are predicted at once; fixed, because the last bits of a sum can depend on it."""


class Step(NamedTuple):
    """One update of the optimizer."""

    step: int
    """From 0."""
    rate: float
    loss: float
    """Mean over the batch, before the update."""
    norm: float = math.nan
    """L2 norm of the gradient over all parameters, before clipping."""
    run: str = ""
    """Id of the run, where several go on side by side."""


class DivergedError(TrainingError):
    """A rate, a loss or a prediction is not finite any more: the run has ended without a usable model."""

    def __init__(self, step: int, rate: float, loss: float) -> None:
        super().__init__(f"diverged at step {step}: rate {rate:g}, loss {loss:g}")
        self.step, self.rate, self.loss = step, rate, loss


def fit(
    learner: Learner,
    policy: Policy,
    dataset: Dataset,
    settings: TrainSettings,
    *,
    first_step: int = 0,
    at_once: int = 1,
) -> Generator[Step, None, None]:
    """Train a network in place, one step for each that is asked for; what happens between steps is the caller's.

    Nothing here has a state of its own: rate, batch and randomness are functions of the step, so that the learner as it
    was after any step is all that it takes to go on from there.

    Args:
        learner: network and optimizer, on the device of the data set; the optimizer's rate is set here.
        policy: the rate by step, for `policy.total` steps.
        dataset: where the training rows are.
        settings: batch size, seed, label smoothing (Szegedy et al. 2016, section 7), gradient clipping by the norm
            over all parameters (Pascanu et al. 2013, algorithm 1), precision, and the parts a batch is computed in.
        first_step: how many steps are done already.
        at_once: steps that are done before the first of them is told, so that none in between waits for a GPU; the
            learner is then as it is after the last of them. They end where the number of steps is a multiple of it.

    Raises:
        DivergedError: the rate or the loss is not finite.
        TrainingError: the model's logits are not [batch, class], or the model cannot be compiled here.
    """
    epoch_steps = steps_per_epoch(len(dataset.rows["train"]), settings.batch_size)
    augmenter = Augmenter(settings.augment, dataset.shape, epoch_steps)
    for start in range(first_step - first_step % at_once, policy.total, at_once):
        steps = range(max(start, first_step), min(start + at_once, policy.total))
        rates = [policy(step) for step in steps]
        told = [
            _update(learner, rate, step, dataset, settings, augmenter) for rate, step in zip(rates, steps, strict=True)
        ]
        losses, norms = (torch.stack(values).tolist() for values in zip(*told, strict=True))  # a wait for the device
        for step, rate, loss, norm in zip(steps, rates, losses, norms, strict=True):
            if not (math.isfinite(rate) and math.isfinite(loss)):
                raise DivergedError(step, rate, loss)
            yield Step(step, rate, loss, norm)


def _update(
    learner: Learner, rate: float, step: int, dataset: Dataset, settings: TrainSettings, augmenter: Augmenter
) -> tuple[Tensor, Tensor]:
    """One update of the weights; the loss before it and the norm of its gradient."""
    for group in learner.optimizer.param_groups:
        group["lr"] = rate
    inputs, labels, mixing = _batch(dataset, settings, step, augmenter)
    inputs = inputs.to(memory_format=learner.memory_format) if inputs.ndim == 4 else inputs
    if not learner.model.training:  # as after a prediction
        learner.model.train()
    learner.forget()
    with randomness(settings.seed, step, inputs.device) if learner.draws else nullcontext():
        loss = _backward(learner, inputs, labels, mixing, dataset, settings)
    if learner.scaler.is_enabled():
        learner.scaler.unscale_(learner.optimizer)
    norm = get_total_norm(each.grad for each in learner.parameters if each.grad is not None)
    if settings.clip_norm is not None:
        clip_grads_with_norm_(learner.parameters, settings.clip_norm, norm)
    if math.isfinite(rate):
        learner.step()
    return loss, norm


def _batch(
    dataset: Dataset, settings: TrainSettings, step: int, augmenter: Augmenter
) -> tuple[Tensor, Tensor, Mixing | None]:
    rows = dataset.rows["train"]
    batch = batch_rows(len(rows), settings.batch_size, settings.seed, step)
    chosen = rows[torch.tensor(batch).to(rows.device, non_blocking=True)]
    return dataset.augmented(chosen, augmenter, augmenter.draw(settings.seed, step, batch))


def _backward(
    learner: Learner,
    inputs: Tensor,
    labels: Tensor,
    mixing: Mixing | None,
    dataset: Dataset,
    settings: TrainSettings,
) -> Tensor:
    """Leave the gradient of a batch's mean loss with the parameters, part after part; the loss."""
    parts = settings.accumulate
    others = [None] * parts if mixing is None else labels[mixing.partner].chunk(parts)
    shares = [None] * parts if mixing is None else mixing.share.chunk(parts)
    losses = []
    for some, own, other, share in zip(inputs.chunk(parts), labels.chunk(parts), others, shares, strict=True):
        with autocast(inputs.device, settings):
            logits = _checked(learner.forward(some), len(own), dataset)
        exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
        loss = mixed_cross_entropy(exact, own, other, share, settings.label_smoothing)
        loss = loss * (len(own) / len(labels)) if parts > 1 else loss
        learner.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        losses.append(loss.detach())
    return torch.stack(losses).sum() if parts > 1 else losses[0]


def mixed_cross_entropy(
    logits: Tensor, labels: Tensor, other: Tensor | None, share: Tensor | None, smoothing: float
) -> Tensor:
    """Mean cross-entropy of a batch; of a mixed image that of both its labels, by their shares (Zhang et al. 2018).

    Args:
        logits: [sample, class].
        labels: [sample] classes, or [sample, class] probabilities.
        other: the same of what is mixed in; None where nothing is.
        share: [sample] of the image's own label.
        smoothing: of the labels.
    """
    if other is None or share is None:
        return cross_entropy(logits, labels, label_smoothing=smoothing)
    first, second = (
        cross_entropy(logits, each, label_smoothing=smoothing, reduction="none") for each in (labels, other)
    )
    share = share.to(logits.dtype)
    return (share * first + (1 - share) * second).mean()


def autocast(device: torch.device, settings: TrainSettings) -> AbstractContextManager[object]:
    """The context that a network computes in at the precision of a recipe."""
    if settings.precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, getattr(torch, settings.precision))


@torch.no_grad()
def predict(model: nn.Module, dataset: Dataset, split: str) -> Tensor:
    """Log-probabilities [sample, class] of a split, float32 on the CPU, in evaluation mode and full precision.

    Raises:
        TrainingError: the model's logits are not [batch, class].
    """
    model.eval()
    blocks = []
    for rows in torch.split(dataset.rows[split], PREDICTION_ROWS):
        inputs, _ = dataset.batch(rows)
        logits = _checked(model(inputs), len(rows), dataset)
        blocks.append(log_softmax(logits.float(), dim=1))
    return torch.cat(blocks).cpu()


@contextmanager
def randomness(seed: int, step: int, device: torch.device) -> Iterator[None]:
    """Make what a model draws in this block (dropout, say) a function of (seed, step), and leave no trace of it."""
    generators = [torch.default_generator]
    if device.type == "cuda":
        generators.append(torch.cuda.default_generators[device.index])
    before = [generator.get_state() for generator in generators]
    mixed = int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])
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


def _checked(logits: Tensor, rows: int, dataset: Dataset) -> Tensor:
    expected = (rows, len(dataset.classes))
    if not isinstance(logits, Tensor) or logits.shape != expected:
        found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise TrainingError(f"the model returned {found}; it must return logits [batch, class], here {expected}")
    return logits
