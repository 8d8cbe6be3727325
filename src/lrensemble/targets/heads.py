"""Heads: what the outputs of a network are for a target – how they are learned, and what they say of a row.

Axes: outputs are [sample, output], with a leading member axis where networks are trained together.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any, ClassVar

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy, log_softmax, softplus

from lrensemble.config import Scale
from lrensemble.targets.forms import Form, Gaussian, Likelihood, LogProbs, Predictions, RealValues
from lrensemble.targets.losses.base import Loss

LOG_VARIANCE = (-10.0, 5.0)
"""Bounds of the logarithm of a standardised variance: deviations from 0.7 % to 12 times that of the truth."""


@dataclass(frozen=True)
class Head(Loss):
    """Link of a network whose members speak in one form, and the loss that they learn by unless another is named."""

    said: ClassVar[type[Predictions]]
    """Predictions of its members."""

    width: int
    """Columns of the target: classes or outputs."""
    scale: Scale = field(default_factory=Scale)
    """Units of the truth; none for classes, nor where the outputs have them already."""

    @property
    def form(self) -> Form:
        """Form that its members speak in."""
        return self.said.form

    @property
    def outputs(self) -> int:
        """Outputs of a network for each row."""
        return self.width

    @abstractmethod
    def stored(self, outputs: Tensor) -> Tensor:
        """What is stored of the outputs, in the units of the truth: […, sample, column]."""

    @abstractmethod
    def dense(self, outputs: Tensor) -> Tensor:
        """What consensus functions and metrics see, in float64 where the device has it: […, sample, column]."""

    @abstractmethod
    def predictions(self, stored: NDArray[Any]) -> Predictions:
        """Predictions of one member from what `stored` gave, [sample, column]."""


@dataclass(frozen=True)
class ClassHead(Head):
    """Outputs are logits, the loss is the cross-entropy, the link the softmax."""

    said = LogProbs

    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:
        """Cross-entropy, each member's with its own label smoothing (Szegedy et al. 2016, sec. 7)."""
        if outputs.ndim == 2:
            assert not isinstance(smoothing, Tensor)
            return cross_entropy(outputs, truth, label_smoothing=smoothing or 0.0, reduction="none")
        truth = truth.expand(outputs.shape[:2])
        if smoothing is None:
            return cross_entropy(outputs.flatten(0, 1), truth.flatten(), reduction="none").view(truth.shape)
        assert isinstance(smoothing, Tensor)
        log_probs = log_softmax(outputs, dim=2)
        of_label = log_probs.gather(2, truth[:, :, None])[:, :, 0]
        share = smoothing.to(outputs.dtype)[:, None]
        return -(1 - share) * of_label - share * log_probs.mean(dim=2)

    def mean_loss(self, outputs: Tensor, truth: Tensor, smoothing: float) -> Tensor:
        """Mean cross-entropy, summed as torch sums it."""
        return cross_entropy(outputs, truth, label_smoothing=smoothing)

    def stored(self, outputs: Tensor) -> Tensor:
        """Log-probabilities, float32."""
        return log_softmax(outputs.float(), dim=-1)

    def dense(self, outputs: Tensor) -> Tensor:
        """Probabilities."""
        return _widest(self.stored(outputs)).exp()

    def predictions(self, stored: NDArray[Any]) -> Predictions:
        """Log-probabilities of all classes."""
        return LogProbs(stored)


@dataclass(frozen=True)
class LikelihoodHead(Head):
    """The output is the log-probability of the true class, which is all that is kept of a large vocabulary."""

    said = Likelihood

    @property
    def outputs(self) -> int:
        """One, whatever the number of classes."""
        return 1

    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:  # noqa: ARG002
        """The negative log-likelihood; nothing is known of other classes that could share in it."""
        return -outputs[..., 0]

    def stored(self, outputs: Tensor) -> Tensor:
        """Log-probabilities of the truth, float32."""
        return outputs.float()

    def dense(self, outputs: Tensor) -> Tensor:
        """Probabilities of the truth."""
        return _widest(outputs).exp()

    def predictions(self, stored: NDArray[Any]) -> Predictions:
        """The likelihood of the truth alone."""
        return Likelihood(stored[:, 0])


@dataclass(frozen=True)
class ValueHead(Head):
    """Outputs are standardised values, the loss is their squared error, the link brings them back to their units."""

    said = RealValues

    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Squared error, the mean over outputs."""
        return (outputs - truth).square().mean(dim=-1)

    def stored(self, outputs: Tensor) -> Tensor:
        """Values, in float64 where the device has it: those of large numbers lie close together in float32."""
        values = _widest(outputs)
        mean, std = _units(self.scale, values)
        return values * std + mean

    def dense(self, outputs: Tensor) -> Tensor:
        """Values."""
        return self.stored(outputs)

    def predictions(self, stored: NDArray[Any]) -> Predictions:
        """A value for each output."""
        return RealValues(stored)


@dataclass(frozen=True)
class GaussianHead(Head):
    """Outputs are standardised means, then logarithms of variances; the loss is the negative log-likelihood.

    Lakshminarayanan et al. 2017, sec. 2.2.1, eq. 1; the logarithm of the variance is bounded smoothly (Chua et al.
    2018, app. A.1), so that a row that is met exactly does not end the training.
    """

    said = Gaussian

    @property
    def outputs(self) -> int:
        """A mean and a logarithm of the variance for each output of the target."""
        return 2 * self.width

    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:  # noqa: ARG002
        """0.5 (log 2π + log v + (y - m)² / v), the mean over outputs."""
        mean, log_variance = self._parts(outputs)
        losses = log_variance + (truth - mean).square() * torch.exp(-log_variance)
        return 0.5 * (math.log(2 * math.pi) + losses).mean(dim=-1)

    def stored(self, outputs: Tensor) -> Tensor:
        """Means, then logarithms of variances, as `ValueHead.stored`."""
        mean, log_variance = self._parts(_widest(outputs))
        centre, std = _units(self.scale, mean)
        return torch.cat([mean * std + centre, log_variance + 2 * std.log()], dim=-1)

    def dense(self, outputs: Tensor) -> Tensor:
        """Means, then variances."""
        mean, log_variance = torch.split(self.stored(outputs), self.width, dim=-1)
        return torch.cat([mean, log_variance.exp()], dim=-1)

    def predictions(self, stored: NDArray[Any]) -> Predictions:
        """A normal distribution for each output."""
        return Gaussian(stored[:, : self.width], stored[:, self.width :])

    def _parts(self, outputs: Tensor) -> tuple[Tensor, Tensor]:
        """Means and bounded logarithms of variances, standardised."""
        low, high = LOG_VARIANCE
        mean, log_variance = torch.split(outputs, self.width, dim=-1)
        below = high - softplus(high - log_variance)
        return mean, low + softplus(below - low)


def mixed_loss(
    loss: Loss, outputs: Tensor, truth: Tensor, other: Tensor | None, share: Tensor | None, smoothing: float
) -> Tensor:
    """Mean loss of a batch; of a mixed row that of both its truths, by their shares (Zhang et al. 2018).

    For the squared error this has the gradient of the mixed values.

    Args:
        loss: loss of a row, a head's own or another.
        outputs: [sample, output].
        truth: [sample, …]; of classes also [sample, class] probabilities.
        other: the same of what is mixed in; None where nothing is.
        share: [sample] of the row's own truth.
        smoothing: of labels.
    """
    if other is None or share is None:
        return loss.mean_loss(outputs, truth, smoothing)
    first, second = (loss.row_losses(outputs, each, smoothing) for each in (truth, other))
    share = share.to(outputs.dtype)
    mixed = share * first + (1 - share) * second
    weights = _mixed_weights(loss, truth, other, share)
    return mixed.mean() if weights is None else mixed.sum() / weights.sum()


def batch_weight(loss: Loss, truth: Tensor, other: Tensor | None, share: Tensor | None) -> Tensor | int:
    """What the mean loss of a batch was divided by: its number of rows, or the sum of their weights.

    Args:
        loss: as for `mixed_loss`, like all else.
        truth: [sample, …].
        other: the same of what is mixed in; None where nothing is.
        share: [sample] of the row's own truth.
    """
    weights = loss.row_weights(truth) if other is None or share is None else _mixed_weights(loss, truth, other, share)
    return len(truth) if weights is None else weights.sum()


def member_losses(
    loss: Loss,
    outputs: Tensor,
    truth: Tensor,
    *,
    partner: Tensor | None = None,
    share: Tensor | None = None,
    smoothing: Tensor | None = None,
) -> Tensor:
    """Mean loss [member] of a batch of several networks, as `mixed_loss` of each.

    Args:
        loss: loss of a row, a head's own or another.
        outputs: [member, sample, output].
        truth: [member, sample, …], or [1, sample, …] where all have the same.
        partner: positions in the truths laid end to end of what is mixed in; None where nothing is.
        share: weights of the rows' own truth, laid end to end as well.
        smoothing: [member] of labels; None for none at all.
    """
    if partner is None or share is None:
        losses, weights = loss.row_losses(outputs, truth, smoothing), loss.row_weights(truth)
    else:
        others = truth.flatten(0, 1)[partner].view(truth.shape)
        share = share.to(outputs.dtype).view(truth.shape[:2])
        own, other = (loss.row_losses(outputs, each, smoothing) for each in (truth, others))
        losses, weights = share * own + (1 - share) * other, _mixed_weights(loss, truth, others, share)
    return losses.mean(dim=1) if weights is None else losses.sum(dim=1) / weights.sum(dim=1)


def _mixed_weights(loss: Loss, truth: Tensor, other: Tensor, share: Tensor) -> Tensor | None:
    """Weights of mixed rows: those of both truths, by their shares."""
    first, second = loss.row_weights(truth), loss.row_weights(other)
    return None if first is None or second is None else share * first + (1 - share) * second


def _units(scale: Scale, like: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation of each output, [output] or [1]."""
    return like.new_tensor(scale.mean or (0.0,)), like.new_tensor(scale.std or (1.0,))


def _widest(outputs: Tensor) -> Tensor:
    """Outputs in float64, or float32 on a device that has no more."""
    return outputs.float() if outputs.device.type == "mps" else outputs.double()
