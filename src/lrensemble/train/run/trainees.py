"""Networks as trainees, whichever kind of rows they learn: one alone, or several in one program."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from lrensemble.config import TrainSettings
from lrensemble.data import Dataset, Learnable
from lrensemble.language.dataset import SequenceDataset
from lrensemble.train.run.arithmetic.numerics import threads_for
from lrensemble.train.run.fused.sequences import StackedSequenceTrainee
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.loop import Trainee
from lrensemble.train.run.runs import Run
from lrensemble.train.run.sequences import SequenceTrainee
from lrensemble.train.run.session import Session
from lrensemble.train.run.sharded.trainee import ShardedTrainee
from lrensemble.train.run.single import SingleTrainee, initial_network


def trainee_of(runs: Sequence[Run], dataset: Learnable, session: Session) -> tuple[nn.Module, Trainee]:
    """New networks of runs as a session trains them, and the first of them: a stack in a fused one, else the one run.

    Raises:
        SpecError: the model does not suit the data.
        TrainingError, ValueError: as `alone`, `together` and `ShardedTrainee` do.
    """
    settings = [run.recipe.train for run in runs]
    if session.processes is not None:
        assert isinstance(dataset, SequenceDataset)  # of others there is no such session
        sharded = ShardedTrainee(runs[0].recipe, dataset, session.processes)
        return sharded.model, sharded
    networks = [initial_network(run.recipe, dataset) for run in runs]
    if session.execution == "fused":
        return networks[0], together(networks, dataset, settings)
    return networks[0], alone(networks[0], dataset, settings[0])


def suitable_threads(network: nn.Module, runs: Sequence[Run], dataset: Learnable, session: Session) -> int:
    """Threads that suit a network, or as many of them as there are runs."""
    train = runs[0].recipe.train
    if session.processes is not None:
        return torch.get_num_threads()
    # Of sequences a part of a batch, since a whole one may find no room.
    rows = math.ceil(train.batch_size / train.accumulate) if isinstance(dataset, SequenceDataset) else train.batch_size
    return threads_for(network, dataset.batch(dataset.rows["train"][:rows])[0], len(runs))


def alone(network: nn.Module, dataset: Learnable, settings: TrainSettings) -> Trainee:
    """A trainee of one network, on the device of the data. Raises as `SingleTrainee` and `SequenceTrainee` do."""
    if isinstance(dataset, SequenceDataset):
        return SequenceTrainee(network, dataset, settings)
    assert isinstance(dataset, Dataset)
    return SingleTrainee(network, dataset, settings)


def together(networks: Sequence[nn.Module], dataset: Learnable, settings: Sequence[TrainSettings]) -> Trainee:
    """A trainee of several networks in one program, on the device of the data.

    Args:
        networks: [member], which are left as they are.
        dataset: their data.
        settings: [member]; what members may have of their own, `StackedTrainee` and `StackedSequenceTrainee` say.

    Raises:
        TrainingError, ValueError: they cannot be stacked.
    """
    if isinstance(dataset, SequenceDataset):
        return StackedSequenceTrainee(networks, dataset, settings)
    assert isinstance(dataset, Dataset)
    return StackedTrainee(networks, dataset, settings)
