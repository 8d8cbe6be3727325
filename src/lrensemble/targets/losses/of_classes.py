"""Losses of classes: functions of logits [..., sample, class] and labels [..., sample], or probabilities of classes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor
from torch.nn.functional import log_softmax

from lrensemble.errors import ConfigError
from lrensemble.targets.losses.base import LOSSES, Lesson, Loss

ClassWeights = Literal["balanced"] | tuple[Annotated[float, Field(gt=0)], ...]
"""A weight for each class by index, or `balanced`: n / (C n_c) for C classes with n_c of the n training rows."""


@LOSSES.register(form="log_probs", smooths=True)
def cross_entropy(lesson: Lesson) -> Loss:
    """−log p_y for the probability p_y of the label: the loss of classes unless another is named.

    With `train.label_smoothing` s it is −(1 − s) log p_y − s mean_c log p_c (Szegedy et al. 2016, sec. 7).
    """
    return lesson.own


@LOSSES.register(form="log_probs", smooths=True)
def weighted(lesson: Lesson, *, weights: ClassWeights = "balanced") -> Loss:
    """Cross-entropy with a weight w_c for each class, so that rare ones count: −Σ w_y log p_y / Σ w_y over a batch.

    Mean and label smoothing are those of `torch.nn.CrossEntropyLoss(weight=…)`: −[(1 − s) w_y log p_y + s mean_c w_c
    log p_c] for each row, and the sum over the batch is divided by that of its w_y. The weights of a mixed row are
    those of both its labels, by their shares.

    Args:
        lesson: what is learned.
        weights: `balanced` for n / (C n_c), with n_c of the n training rows in each of C classes (King & Zeng 2001,
            sec. 3.2, for even shares), or a weight for each class, in the order of the classes.

    Raises:
        ConfigError: another number of weights, or a class without training rows, which has no balanced weight.
    """
    return Weighted(class_weights("weighted", "weights", weights, lesson))


@LOSSES.register(form="log_probs", gamma=2.0)
def focal(
    lesson: Lesson, *, gamma: Annotated[float, Field(ge=0, le=100)] = 2.0, alpha: ClassWeights | None = None
) -> Loss:
    """−α_y (1 − p_y)^γ log p_y: rows that are predicted well already count less (Lin et al. 2017, eq. 4 and 5).

    The mean over a batch is divided by the number of its rows, not by the weights. For the two classes of the paper,
    its α of the class 1 is `alpha = [1 - α, α]`; γ = 0 without `alpha` is the cross-entropy.

    Args:
        lesson: what is learned.
        gamma: focusing parameter γ.
        alpha: factor α for each class, in the order of the classes, or `balanced` as for `weighted`; 1 unless given.

    Raises:
        ConfigError: as for `weighted`.
    """
    return Focal(gamma, None if alpha is None else class_weights("focal", "alpha", alpha, lesson))


@LOSSES.register(form="log_probs", soft=True)
def soft_targets(lesson: Lesson) -> Loss:  # noqa: ARG001
    """−Σ_c q_c log p_c with class probabilities q of the training rows from the data set in the place of labels.

    They come from the data: `[data] soft` of `npz` and `table`. Several people's labels of a row (Peterson et al.
    2019) or another model's predictions (Hinton et al. 2015, sec. 2) may be such. Teams are chosen and judged by labels
    as always.
    """
    return SoftTargets()


def class_weights(loss: str, argument: str, given: ClassWeights, lesson: Lesson) -> Tensor:
    """A weight for each class, [class] in float64, or float32 on a device that has no more.

    Raises:
        ConfigError: another number of weights, or a class without training rows.
    """
    count = len(lesson.classes)
    if given == "balanced":
        if 0 in lesson.counts:
            missing = lesson.classes[lesson.counts.index(0)]
            raise ConfigError(
                f"train.loss: {loss}({argument}='balanced') is refused: class {missing!r} has no training "
                "rows, so that no weight balances it; give a number for each class"
            )
        weights = [sum(lesson.counts) / (count * each) for each in lesson.counts]
    else:
        weights = [float(each) for each in given]
    if len(weights) != count:
        raise ConfigError(
            f"train.loss: {loss}({argument}=…) has {len(weights)} numbers, and there are {count} classes; give one for "
            f"each, in this order: {', '.join(lesson.classes[:10])}{', …' if count > 10 else ''}"
        )
    exact = torch.float32 if lesson.device.type == "mps" else torch.float64
    return torch.tensor(weights, dtype=exact, device=lesson.device)


@dataclass(frozen=True, eq=False)
class Weighted(Loss):
    """Cross-entropy with weights of classes."""

    weights: Tensor
    """[class]"""

    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:
        """w_y times the cross-entropy; the smoothed part has the weights of all classes."""
        log_probs = log_softmax(outputs, dim=-1)
        weights = self.weights.to(outputs.dtype)
        of_label = weights[truth] * _of_label(log_probs, truth)
        if smoothing is None or (isinstance(smoothing, float) and not smoothing):
            return -of_label
        share = smoothing.to(outputs.dtype)[:, None] if isinstance(smoothing, Tensor) else smoothing
        return -(1 - share) * of_label - share * (weights * log_probs).mean(dim=-1)

    def row_weights(self, truth: Tensor) -> Tensor:
        """w_y, […, sample]."""
        return self.weights[truth]


@dataclass(frozen=True, eq=False)
class Focal(Loss):
    """Cross-entropy that fades with the probability of the label."""

    gamma: float
    alpha: Tensor | None
    """[class]"""

    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:  # noqa: ARG002
        """−α_y (1 − p_y)^γ log p_y; labels are not smoothed."""
        of_label = _of_label(log_softmax(outputs, dim=-1), truth)
        # Where p_y rounds to 1, a power below 1 has no finite slope: at the smallest number it is none at all.
        wrong = (-torch.expm1(of_label)).clamp(min=torch.finfo(of_label.dtype).eps)
        losses = -(wrong**self.gamma) * of_label
        return losses if self.alpha is None else self.alpha.to(outputs.dtype)[truth] * losses


@dataclass(frozen=True)
class SoftTargets(Loss):
    """Cross-entropy with probabilities in the place of labels."""

    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:  # noqa: ARG002
        """−Σ_c q_c log p_c for probabilities q, `truth` […, sample, class]."""
        return -(truth * log_softmax(outputs, dim=-1)).sum(dim=-1)


def _of_label(values: Tensor, truth: Tensor) -> Tensor:
    """Those of the labels, […, sample], among values […, sample, class]."""
    return values.gather(-1, truth.expand(values.shape[:-1])[..., None])[..., 0]
