"""One network as a trainee, whichever kind of rows it learns."""

from __future__ import annotations

from torch import nn

from lrensemble.config import TrainSettings
from lrensemble.data import Dataset, Learnable, check_training
from lrensemble.train.run.loop import Trainee
from lrensemble.train.run.single import SingleTrainee


def alone(network: nn.Module, dataset: Learnable, settings: TrainSettings) -> Trainee:
    """A trainee of one network, on the device of the data. Raises as `SingleTrainee` and `SequenceTrainee` do."""
    assert isinstance(dataset, Dataset)
    return SingleTrainee(network, dataset, settings)


def check_settings(dataset: Learnable, settings: TrainSettings) -> None:
    """Refuse settings that a data set does not serve. Raises as `check_training` does."""
    assert isinstance(dataset, Dataset)
    check_training(dataset, settings)
