"""Losses of values: functions of standardised outputs and truth, [..., sample, output]; the mean over outputs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from pydantic import Field
from torch import Tensor
from torch.nn.functional import huber_loss

from lrensemble.targets.losses.base import LOSSES, Lesson, Loss


@LOSSES.register(form="values")
def squared(lesson: Lesson) -> Loss:
    """(y − f)² in standard deviations of the training rows: the loss of values unless another is named."""
    return lesson.own


@LOSSES.register(form="values", mixes=False)
def absolute(lesson: Lesson) -> Loss:  # noqa: ARG001
    """|y − f| in standard deviations of the training rows: aims at the median, which outliers do not move."""
    return Huber(None)


@LOSSES.register(form="values", mixes=False, delta=1.0)
def huber(lesson: Lesson, *, delta: Annotated[float, Field(gt=0, le=1e6)] = 1.0) -> Loss:  # noqa: ARG001
    """½ (y − f)² up to a distance δ, δ (|y − f| − ½ δ) beyond it, as `torch.nn.HuberLoss` (Huber 1964).

    Args:
        lesson: what is learned.
        delta: δ, in standard deviations of the training rows.
    """
    return Huber(delta)


@LOSSES.register(form="gaussian")
def gaussian_nll(lesson: Lesson) -> Loss:
    """½ (log 2π + log v + (y − m)² / v): the loss of means and variances (Lakshminarayanan et al. 2017, eq. 1)."""
    return lesson.own


@dataclass(frozen=True)
class Huber(Loss):
    """Squared near the truth, linear beyond `delta`; linear everywhere without one."""

    delta: float | None

    def row_losses(self, outputs: Tensor, truth: Tensor, smoothing: float | Tensor | None = None) -> Tensor:  # noqa: ARG002
        """Loss of each row, the mean over outputs."""
        if self.delta is None:
            return (outputs - truth).abs().mean(dim=-1)
        return huber_loss(outputs, truth.expand_as(outputs), delta=self.delta, reduction="none").mean(dim=-1)
