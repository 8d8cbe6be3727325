"""Checks of what a run is made of, alone, with one another and with the data: all of them before any training."""

from __future__ import annotations

from pydantic import ValidationError

from lrensemble import models
from lrensemble.config import Experiment, TrainSettings
from lrensemble.config.records import reason_of
from lrensemble.config.sweep import changed
from lrensemble.data import Dataset, Learnable, check_training
from lrensemble.errors import ConfigError, TrainingError
from lrensemble.language.base import base_of
from lrensemble.language.dataset import SequenceDataset, check_sequence_training
from lrensemble.models import MODELS
from lrensemble.policies import POLICIES, Policy
from lrensemble.policies.torch_adapter import momentum_in
from lrensemble.spec import Spec, Value, to_spec
from lrensemble.train.run.arithmetic.optimizers import check_optimizer
from lrensemble.train.run.one_row import check_no_lone_row
from lrensemble.train.run.own_loop.function import train_function
from lrensemble.train.sweep.points import Point


def checked_parts(experiment: Experiment, point: Point, dataset: Learnable | None = None) -> tuple[Spec, TrainSettings]:
    """Model and training settings of a point; its policy is checked as well.

    Raises:
        UnknownNameError, SpecError: a model or a policy that is unknown or refuses an argument.
        TrainingError: an optimizer that refuses one.
        ConfigError: a value that `[train]` refuses, or that has no meaning for the data.
    """
    POLICIES.check(point.policy)
    model = _model(experiment.model, point.values)
    models.check(model)
    values = {path.removeprefix("train."): v for path, v in point.values.items() if path.startswith("train.")}
    try:
        settings = changed(experiment.train, values) if values else experiment.train
    except ValidationError as error:
        raise ConfigError(f"sweep: {point.varied}: {reason_of(error.errors()[0])}") from None
    check_optimizer(settings)
    if settings.function is not None:
        train_function(settings.function)
    if dataset is not None:
        _check_with_data(dataset, model, settings)
    return model, settings


def _model(base: Spec, values: dict[str, Value]) -> Spec:
    """Model of a point.

    Raises:
        SpecError: no name with arguments, or an argument that is given twice.
    """
    given = values.get("model", base)
    if not isinstance(given, str | Spec):
        raise ConfigError(f"{given!r} is no model; give names, e.g. mlp or cnn(width=8)")
    own = to_spec(given)
    arguments = {path.removeprefix("model."): value for path, value in values.items() if path.startswith("model.")}
    if "model" in values and (twice := [key for key in arguments if key in own.arguments]):
        raise ConfigError(f"{own} has {twice[0]} as well as sweep.….model.{twice[0]}; keep one of the two")
    return Spec(own.name, {**own.arguments, **arguments})


def check_momentum(settings: TrainSettings, policy: Policy) -> None:
    """Refuse a policy that gives a momentum to an optimizer that takes none.

    Raises:
        TrainingError: with what to do.
    """
    if policy.gives_momentum and momentum_in(check_optimizer(settings).defaults) is None:
        raise TrainingError(
            f"optimizer {settings.optimizer.name!r} takes no momentum, but policy {policy.spec} gives one; "
            "leave cycle_momentum out, or choose sgd, adam or adamw"
        )


def _check_with_data(dataset: Learnable, model: Spec, settings: TrainSettings) -> None:
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
