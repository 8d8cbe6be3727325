"""From the points of a sweep to runs: every part of a recipe is checked before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass, replace

from pydantic import ValidationError

from lrensemble import models
from lrensemble.config import Experiment, Recipe, TrainSettings
from lrensemble.config.records import reason_of
from lrensemble.config.sweep import changed, samples_of
from lrensemble.data import Dataset, steps_per_epoch
from lrensemble.errors import ConfigError, LREnsembleError
from lrensemble.policies import POLICIES, build
from lrensemble.spec import Spec, Value, to_spec
from lrensemble.train.run.optimizers import check_optimizer
from lrensemble.train.run.runs import Run
from lrensemble.train.sweep.points import Point, point_of

LONG_RUN = 1_000_000
"""Steps of a run that no policy finds too short: with it their arguments are checked before the data are read."""


@dataclass(frozen=True, eq=False)
class Recipes:
    """What the runs of an experiment have in common."""

    experiment: Experiment
    dataset: Dataset

    def run(self, order: int, point: Point, *, epochs: int | None = None) -> Run:
        """The run of a point.

        Args:
            order: its place in the sweep.
            point: what varies.
            epochs: how long it is, in place of the experiment's.

        Raises:
            LREnsembleError: a part that does not take the point's values, alone or together.
        """
        model, settings = checked_parts(self.experiment, point)
        if epochs is not None:
            settings = changed(settings, {"epochs": epochs})
        steps = settings.epochs * self.epoch_steps(settings)
        policy = build(point.policy, steps)
        recipe = Recipe(
            data=self.experiment.data.source,
            fingerprint=self.dataset.fingerprint,
            split=self.experiment.split,
            model=model,
            policy=policy.spec,
            train=settings,
        )
        return Run(order, recipe, policy, point.varied)

    def epoch_steps(self, settings: TrainSettings) -> int:
        """Steps of an epoch.

        Raises:
            DataError: a batch is larger than the rows.
        """
        return steps_per_epoch(len(self.dataset.rows["train"]), settings.batch_size)

    def share(self, runs: int) -> int | None:
        """Epochs of each run where the experiment states those of all; None where it does not.

        Raises:
            ConfigError: they cannot be divided evenly.
        """
        total = self.experiment.sweep.epochs
        if total is None:
            return None
        if total % runs:
            below, above = total // runs * runs, (total // runs + 1) * runs
            choices = f"{below} or {above}" if below else f"{above}"
            raise ConfigError(f"sweep.epochs: {total} cannot be divided evenly among {runs} runs; give {choices}")
        return total // runs


def run_until(run: Run, epoch: int, order: int, successor: Run) -> Run:
    """The first epochs of a run as a run of its own, whose member is the network as it is then.

    Args:
        run: the whole.
        epoch: where it ends.
        order: its place in the sweep.
        successor: the run that goes on from there.
    """
    steps = run.policy.total // run.recipe.train.epochs * epoch
    return replace(
        run,
        order=order,
        recipe=run.recipe.model_copy(update={"at_epoch": epoch}),
        policy=replace(run.policy, total=steps),
        varied=", ".join(part for part in (run.varied, f"after epoch {epoch}") if part),
        successor=successor.id,
    )


def check_space(experiment: Experiment) -> None:
    """Refuse what a part of a recipe does not take; where it is a value of the space, with the path of its key.

    One path at a time moves through its values while the others stay at their first; what does not go together in
    other ways shows when the run is made.

    Raises:
        UnknownNameError, SpecError, TrainingError: a policy, a model or an optimizer as the experiment has it.
        ConfigError: a value of the space that one of them refuses.
    """
    for policy in experiment.policy:
        ranges = {path: samples_of(d) for path, d in experiment.sweep.ranges(policy.name).items()}
        first = {path: samples[0] for path, samples in ranges.items()}
        if not ranges:
            checked_parts(experiment, point_of(policy, {}))
        for path, samples in ranges.items():
            for sample in samples:
                try:
                    point = point_of(policy, {**first, path: sample})
                    checked_parts(experiment, point)
                    build(point.policy, LONG_RUN)
                except LREnsembleError as error:
                    raise ConfigError(f"{experiment.sweep.place(policy.name, path)}: {error}") from None


def checked_parts(experiment: Experiment, point: Point) -> tuple[Spec, TrainSettings]:
    """Model and training settings of a point; its policy is checked with them.

    Raises:
        UnknownNameError, SpecError: a model or a policy that is unknown or refuses an argument.
        TrainingError: an optimizer that refuses one.
        ConfigError: a value that `[train]` refuses.
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
    return model, settings


def _model(base: Spec, values: dict[str, Value]) -> Spec:
    """The model of a point.

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
