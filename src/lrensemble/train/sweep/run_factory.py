"""Factory of runs from the points of a sweep: every part of a recipe is checked before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from lrensemble import models
from lrensemble.config import Experiment, Recipe, TrainSettings
from lrensemble.config.space import RangeTestPeaks
from lrensemble.config.sweep import changed, representative_values
from lrensemble.data import Learnable, steps_per_epoch
from lrensemble.errors import ConfigError, LREnsembleError
from lrensemble.policies import build
from lrensemble.policies.epochs import beyond_the_end, meant_as_epochs
from lrensemble.spec import Spec
from lrensemble.train.run.arithmetic.groups import check_groups
from lrensemble.train.run.own_loop.function import refuse_function
from lrensemble.train.run.runs import Run
from lrensemble.train.sweep.checks import check_momentum, checked_parts
from lrensemble.train.sweep.points import Point, derived_seed, number_of_points, point_of

LONG_RUN = 1_000_000
"""Steps of a run that is too short for no policy: with it their arguments are checked before the data are read."""


@dataclass(frozen=True, eq=False)
class RunFactory:
    """Maker of the runs of an experiment, from what they have in common."""

    experiment: Experiment
    dataset: Learnable

    def run(self, order: int, point: Point, *, epochs: int | None = None) -> Run:
        """Run of a point.

        Args:
            order: its position in the sweep.
            point: the policy and the values of what else varies.
            epochs: its epochs, in place of the experiment's.

        Raises:
            LREnsembleError: a part that refuses the point's values, alone or together.
        """
        model, settings = checked_parts(self.experiment, point, self.dataset)
        if epochs is not None:
            settings = changed(settings, {"epochs": epochs})
        settings = self._seeded(point, settings)
        steps = settings.epochs * self.steps_per_epoch(settings)
        policy = build(point.policy, steps, self.steps_per_epoch(settings))
        check_momentum(settings, policy)
        if settings.group:
            head = self.dataset.head(settings.form)
            check_groups(_parameter_names(model, self.dataset.shape, head.outputs), settings.group)
        recipe = Recipe(
            data=self.experiment.data.source,
            fingerprint=self.dataset.fingerprint,
            split=self.experiment.split,
            model=model,
            policy=policy.spec,
            train=settings,
        )
        return Run(order, recipe, policy, point.varied)

    def _seeded(self, point: Point, settings: TrainSettings) -> TrainSettings:
        """Settings of a point with the seed of its run: one of its own, unless all share theirs or the space has it."""
        if self.experiment.sweep.seed == "shared" or "train.seed" in point.values:
            return settings
        return changed(settings, {"seed": point.seed(settings.seed)})

    def replica(self, run: Run, number: int, order: int) -> Run:
        """Run that differs from another one by its seed alone.

        Args:
            run: the first of them.
            number: its number among them; 0 is the first itself.
            order: its position in the sweep.
        """
        first = run.recipe.train.seed
        later = first + number if self.experiment.sweep.seed == "shared" else derived_seed(first, number)
        train = changed(run.recipe.train, {"seed": later if number else first})
        varied = ", ".join(part for part in (run.varied, f"seed={train.seed}") if part)
        return replace(run, order=order, recipe=run.recipe.model_copy(update={"train": train}), varied=varied)

    def steps_per_epoch(self, settings: TrainSettings) -> int:
        """Number of steps in an epoch.

        Raises:
            DataError: a batch is larger than the rows.
        """
        rows = len(self.dataset.rows["train"])
        return steps_per_epoch(rows, settings.batch_size, drop_last=settings.drop_last)

    def epochs_per_run(self, runs: int) -> int | None:
        """Epochs of each of so many runs where the experiment states those of all; None where it does not.

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


@lru_cache(maxsize=64)
def _parameter_names(model: Spec, shape: tuple[int, ...], outputs: int) -> tuple[str, ...]:
    """Names of what a network of these inputs and outputs trains."""
    network = models.build(model, shape, outputs, 0)
    return tuple(name for name, parameter in network.named_parameters() if parameter.requires_grad)


def run_of(recipe: Recipe, dataset: Learnable) -> Run:
    """Run that trains a recipe from its first step to where the recipe ends it.

    Raises:
        LREnsembleError: a policy that is unknown or refuses its arguments, or a batch larger than the rows.
    """
    train = recipe.train
    epoch_steps = steps_per_epoch(len(dataset.rows["train"]), train.batch_size, drop_last=train.drop_last)
    policy = build(recipe.policy, train.epochs * epoch_steps, epoch_steps)
    end = recipe.at_epoch or train.epochs
    return Run(0, recipe, replace(policy, total=end * epoch_steps))


def run_until(run: Run, epoch: int, order: int, successor: Run) -> Run:
    """Run of the first epochs of another, whose member is the network as it is then.

    Args:
        run: the whole run.
        epoch: the epoch after which the part ends.
        order: its position in the sweep.
        successor: the run that goes on from there.
    """
    steps = run.policy.total // run.recipe.train.epochs * epoch
    return replace(
        run,
        order=order,
        recipe=run.recipe.model_copy(update={"at_epoch": epoch}),
        policy=run.policy.until(steps),
        varied=", ".join(part for part in (run.varied, f"after epoch {epoch}") if part),
        successor=successor.id,
    )


def check_space(experiment: Experiment, dataset: Learnable | None = None) -> None:
    """Refuse values that a part of a recipe does not take; those of the space with the path of their key.

    One path at a time moves through its values while the others stay at their first; other combinations that do not
    fit are refused when their run is made.

    Args:
        experiment: what varies, and all else.
        dataset: the data, once they are read.

    Raises:
        UnknownNameError, SpecError, TrainingError: a policy, a model or an optimizer as the experiment has it.
        ConfigError: a value of the space that one of them refuses.
    """
    for policy in experiment.policy:
        ranges = {
            path: representative_values(distribution)
            for path, distribution in experiment.sweep.ranges(policy.name).items()
        }
        for path, distribution in experiment.sweep.ranges(policy.name).items():
            if isinstance(distribution, RangeTestPeaks):
                key = experiment.sweep.key_path(policy.name, path)
                refuse_function(experiment.train.function, f"{key}: a range test", "give the peaks yourself")
        first = {path: values[0] for path, values in ranges.items()}
        for path, values in ranges.items():
            for value in values:
                try:
                    point = point_of(policy, {**first, path: value})
                    _, settings = checked_parts(experiment, point, dataset)
                    build(point.policy, LONG_RUN, LONG_RUN // (experiment.sweep.epochs or settings.epochs))
                except LREnsembleError as error:
                    raise ConfigError(f"{experiment.sweep.key_path(policy.name, path)}: {error}") from None
    _check_zipped(experiment, dataset)


def _check_zipped(experiment: Experiment, dataset: Learnable | None) -> None:
    """Refuse a policy with the values that go along with it."""
    for policy, along in experiment.sweep.entries(experiment.policy):
        ranges = experiment.sweep.ranges(policy.name)
        first = {path: representative_values(each)[0] for path, each in ranges.items()}
        try:
            checked_parts(experiment, point_of(policy, along | first), dataset)
        except LREnsembleError as error:
            if not along:
                raise
            raise ConfigError(f"sweep.zip: {error}") from None


def parts_of_space(experiment: Experiment) -> Iterator[tuple[Spec, TrainSettings]]:
    """Models and settings of an experiment, each once: what varies beside the policies moves a path at a time, through
    all of a list or to both ends of an interval, while the others stay at their first.
    """
    found = list[tuple[Spec, TrainSettings]]()
    for policy, along in experiment.sweep.entries(experiment.policy):
        ranges = {path: representative_values(each) for path, each in experiment.sweep.ranges(policy.name).items()}
        first = along | {path: values[0] for path, values in ranges.items()}
        varied = {path: values[1:] for path, values in ranges.items() if not path.startswith("policy.")}
        for change in [{}, *({path: value} for path, values in varied.items() for value in values)]:
            parts = checked_parts(experiment, point_of(policy, first | change))
            if parts not in found:
                found.append(parts)
                yield parts


def doubtful_steps(factory: RunFactory) -> list[str]:
    """One line for each argument of the policies whose whole numbers must be meant as epochs, or lie beyond the end of
    the run, for people.
    """
    experiment = factory.experiment
    epochs = experiment.train.epochs
    if experiment.sweep.epochs is not None:
        epochs = max(1, experiment.sweep.epochs // (number_of_points(experiment) or 1))
    total = epochs * factory.steps_per_epoch(experiment.train)
    given = [point_of(policy, along).policy for policy, along in experiment.sweep.entries(experiment.policy)]
    for policy in experiment.policy:
        for path, distribution in experiment.sweep.ranges(policy.name).items():
            if path.startswith("policy."):
                key = path.removeprefix("policy.")
                given += [Spec(policy.name, {key: value}) for value in representative_values(distribution)]
    doubted = (meant_as_epochs, beyond_the_end)
    return list(dict.fromkeys(line for policy in given for each in doubted for line in each(policy, epochs, total)))
