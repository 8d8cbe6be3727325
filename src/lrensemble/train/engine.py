"""The training loop and the predictions, to be read from top to bottom."""

from __future__ import annotations

import math
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, log_softmax

from lrensemble.config import TrainSettings
from lrensemble.data import Augmenter, Dataset, Mixing, batch_rows, steps_per_epoch
from lrensemble.errors import TrainingError
from lrensemble.policies import Policy

PREDICTION_ROWS = 1024
"""Rows that are predicted at once; fixed, because the last bits of a sum can depend on it."""


class Step(NamedTuple):
    """One update of the optimizer."""

    step: int
    """From 0."""
    rate: float
    loss: float
    """Mean over the batch, before the update."""
    run: str = ""
    """Id of the run, where several go on side by side."""


class DivergedError(TrainingError):
    """A rate, a loss or a prediction is not finite any more: the run has ended without a usable model."""

    def __init__(self, step: int, rate: float, loss: float) -> None:
        super().__init__(f"diverged at step {step}: rate {rate:g}, loss {loss:g}")
        self.step, self.rate, self.loss = step, rate, loss


def fit(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    policy: Policy,
    dataset: Dataset,
    settings: TrainSettings,
    *,
    first_step: int = 0,
) -> Generator[Step, None, None]:
    """Train a model in place, one step for each that is asked for; what happens between steps is the caller's.

    Nothing here has a state of its own: rate, batch and randomness are functions of the step, so that model and
    optimizer as they were after any step are all that it takes to go on from there.

    Args:
        model: on the device of the data set.
        optimizer: over its parameters; its rate is set here.
        policy: the rate by step, for `policy.total` steps.
        dataset: where the training rows are.
        settings: batch size, seed, label smoothing (Szegedy et al. 2016, section 7), gradient clipping by the norm
            over all parameters (Pascanu et al. 2013, algorithm 1) and precision.
        first_step: how many steps are done already.

    Raises:
        DivergedError: the rate or the loss is not finite.
        TrainingError: the model's logits are not [batch, class].
    """
    rows = dataset.rows["train"]
    device = rows.device
    autocast = torch.autocast(device.type, torch.bfloat16, enabled=settings.precision == "bfloat16")
    augmenter = Augmenter(settings.augment, dataset.shape, steps_per_epoch(len(rows), settings.batch_size))
    for step in range(first_step, policy.total):
        rate = policy(step)
        for group in optimizer.param_groups:
            group["lr"] = rate
        batch = batch_rows(len(rows), settings.batch_size, settings.seed, step)
        chosen = rows[torch.tensor(batch, device=device)]
        inputs, labels, mixing = dataset.augmented(chosen, augmenter, augmenter.draw(settings.seed, step, batch))
        model.train()
        with randomness(settings.seed, step, device), autocast:
            logits = _checked(model(inputs), len(labels), dataset)
        exact = logits.to(torch.promote_types(logits.dtype, torch.float32))
        loss = mixed_cross_entropy(exact, labels, mixing, settings.label_smoothing)
        value = loss.item()
        if not (math.isfinite(rate) and math.isfinite(value)):
            raise DivergedError(step, rate, value)
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        if settings.clip_norm is not None:
            nn.utils.clip_grad_norm_(model.parameters(), settings.clip_norm)
        optimizer.step()
        yield Step(step, rate, value)


def mixed_cross_entropy(logits: Tensor, labels: Tensor, mixing: Mixing | None, smoothing: float) -> Tensor:
    """Mean cross-entropy of a batch; of a mixed image that of both its labels, by their shares (Zhang et al. 2018)."""
    if mixing is None:
        return cross_entropy(logits, labels, label_smoothing=smoothing)
    own, other = (
        cross_entropy(logits, each, label_smoothing=smoothing, reduction="none")
        for each in (labels, labels[mixing.partner])
    )
    share = mixing.share.to(logits.dtype)
    return (share * own + (1 - share) * other).mean()


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
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        mixed = int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0])
        torch.default_generator.manual_seed(mixed)
        if device.type == "cuda":
            torch.cuda.default_generators[device.index].manual_seed(mixed)
        yield


def _checked(logits: Tensor, rows: int, dataset: Dataset) -> Tensor:
    expected = (rows, len(dataset.classes))
    if not isinstance(logits, Tensor) or logits.shape != expected:
        found = tuple(logits.shape) if isinstance(logits, Tensor) else type(logits).__name__
        raise TrainingError(f"the model returned {found}; it must return logits [batch, class], here {expected}")
    return logits
