"""What a loss of training is, the registry of losses, and what is refused of them before anything is trained."""

from __future__ import annotations

import functools
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from lrensemble.config import TrainSettings
from lrensemble.errors import ConfigError, TrainingError
from lrensemble.registry import Call, Registry, is_shipped
from lrensemble.targets.forms import Form


class Loss(ABC):
    """Loss of each row of a batch, and how much a row counts in its mean."""

    @abstractmethod
    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:
        """Loss of each row, times its weight where rows have one: [sample] or [member, sample].

        Args:
            outputs: [sample, output] or [member, sample, output], float32 or wider.
            truth: as `Dataset.batch` gives it, with a leading axis of members, or of 1, where outputs have one.
            smoothing: of labels; of members, [member], or None where nobody smooths.
        """

    def row_weights(self, truth: Tensor) -> Tensor | None:  # noqa: ARG002
        """Weights of rows that a mean is divided by the sum of, […, sample]; None where every row counts as one."""
        return None

    def mean_loss(self, outputs: Tensor, truth: Tensor, smoothing: float) -> Tensor:
        """Mean over the rows of one network."""
        losses, weights = self.row_losses(outputs, truth, smoothing), self.row_weights(truth)
        return losses.mean() if weights is None else losses.sum() / weights.sum()


@dataclass(frozen=True)
class LossFacts:
    """A loss says which networks learn by it, and what it goes along with."""

    form: Form
    """Form that networks speak in which learn by it: `log_probs`, `values` or `gaussian`."""
    smooths: bool = False
    """Whether labels may be smoothed (`train.label_smoothing`)."""
    mixes: bool = True
    """Whether the mean of its losses of two truths is a loss of their mean, so that rows may be mixed (`mixup`)."""
    soft: bool = False
    """Whether class probabilities of the data set are learned in the place of labels."""


@dataclass(frozen=True)
class Lesson:
    """What is learned, and from how many rows."""

    own: Loss
    """Loss that the form of the network brings along."""
    classes: tuple[str, ...]
    """Names of the classes, by index; none of values."""
    counts: tuple[int, ...]
    """Training rows of each class; none of values."""
    device: torch.device
    """Device of the batches."""


@dataclass(frozen=True)
class OwnLoss(Loss):
    """Loss of one's own, as a plain function."""

    name: str
    function: Callable[[Tensor, Tensor], Tensor]
    """From outputs […, sample, output] and truth […, sample, …] to losses […, sample]."""

    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:  # noqa: ARG002
        """What the function returns, if it is one loss for each row.

        Raises:
            TrainingError: it is something else.
        """
        losses = self.function(outputs, truth)
        if not isinstance(losses, Tensor) or losses.shape != outputs.shape[:-1]:
            found = tuple(losses.shape) if isinstance(losses, Tensor) else type(losses).__name__
            raise TrainingError(
                f"loss {self.name!r} returned {found}; it must return a loss for each row, here "
                f"{tuple(outputs.shape[:-1])}: members and samples are the leading axes of the outputs"
            )
        return losses


def _as_loss(name: str, function: Callable[..., Any]) -> Callable[..., Loss]:
    """A loss that may be a plain function of outputs and truth."""
    if is_shipped(function):
        return function

    @functools.wraps(function)
    def loss(lesson: Lesson, **own: Any) -> Loss:
        made = function(lesson, **own)
        return made if isinstance(made, Loss) else OwnLoss(name, made)

    return loss


LOSSES: Registry[Loss, LossFacts] = Registry(
    "loss", LossFacts, plural="losses", title="Losses of training", call=Call(("lesson",)), adapt=_as_loss
)
"""Functions of a `Lesson` and their own arguments that return a `Loss`, or a function of (outputs […, sample, output],
truth […, sample, …]) to losses […, sample]."""


def check_loss(settings: TrainSettings, form: Form) -> None:
    """Refuse a loss that is not for networks of this form, and smoothing that it does not know.

    Raises:
        UnknownNameError, SpecError: no such loss, or an argument that it refuses.
        ConfigError: it does not serve, with those that do.
    """
    if settings.loss is None:
        return
    facts = LOSSES.facts(LOSSES.check(settings.loss))
    if facts.form != form:
        serving = ", ".join(name for name in LOSSES if LOSSES.facts(name).form == form)
        raise ConfigError(
            f"train.loss = '{settings.loss}' is refused: it is for networks that say {facts.form}, and these say "
            f"{form}; choose from {serving}"
        )
    if settings.label_smoothing and not facts.smooths:
        raise ConfigError(
            f"train.label_smoothing = {settings.label_smoothing:g} is refused: loss '{settings.loss}' does not smooth "
            "labels; leave one of the two out"
        )
