"""Losses by name: what a network is trained by, in place of the loss that its form brings along.

`base` says what a loss is, `of_classes` and `of_values` hold one function each name.
"""

from lrensemble.targets.losses import of_classes, of_values  # noqa: F401 – importing registers them
from lrensemble.targets.losses.base import LOSSES, Lesson, Loss, LossFacts, check_loss

__all__ = ["LOSSES", "Lesson", "Loss", "LossFacts", "check_loss"]
