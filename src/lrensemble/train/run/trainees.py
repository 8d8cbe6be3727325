"""Networks as trainees, whichever kind of rows they learn: one alone, or several in one program."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import nn

from lrensemble.config import TrainSettings
from lrensemble.data import Dataset, Learnable, check_training
from lrensemble.errors import ConfigError
from lrensemble.language.base import base_of
from lrensemble.language.dataset import SequenceDataset, check_sequence_training
from lrensemble.models import MODELS
from lrensemble.spec import Spec
from lrensemble.train.run.arithmetic.numerics import threads_for
from lrensemble.train.run.fused.sequences import StackedSequenceTrainee
from lrensemble.train.run.fused.trainee import StackedTrainee
from lrensemble.train.run.loop import Trainee
from lrensemble.train.run.one_row import check_no_lone_row
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


def check_parts(dataset: Learnable, model: Spec, settings: TrainSettings) -> None:
    """Refuse a model and settings that a data set does not serve.

    Raises:
        UnknownNameError, SpecError: an unknown name, or an argument that is refused.
        ConfigError: with the key.
    """
    facts = MODELS.facts(model)
    if facts.sequences != isinstance(dataset, SequenceDataset):
        able = ", ".join(name for name in MODELS if MODELS.facts(name).sequences != facts.sequences)
        given, taken = ("arrays", "texts") if facts.sequences else ("texts", "arrays")
        raise ConfigError(f"model = '{model.name}' learns {taken}, and the data are {given}; choose from {able}")
    if isinstance(dataset, SequenceDataset):
        _check_base(model, dataset)
        check_sequence_training(settings)
    else:
        assert isinstance(dataset, Dataset)
        check_training(dataset, settings)
        check_no_lone_row(dataset, model, settings)


def _check_base(model: Spec, dataset: SequenceDataset) -> None:
    """Refuse a base of other weights than the one whose tokens the data are in.

    Raises:
        ConfigError: with both.
    """
    given = base_of(str(model.arguments["base"]), model.arguments.get("revision"))  # type: ignore[arg-type]
    if given.weights_sha256 != dataset.base.weights_sha256:
        raise ConfigError(
            f"model.base = {given.path!r} has other weights ({given.weights_sha256[:12]}…) than the base of this pool, "
            f"{dataset.base.path} ({dataset.base.weights_sha256[:12]}…); all members of a pool share one"
        )
