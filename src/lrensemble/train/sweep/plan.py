"""Plan of a sweep: what it will cost, known before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass

from lrensemble.config import Experiment
from lrensemble.data import Learnable
from lrensemble.errors import ConfigError
from lrensemble.files import scratch_folder
from lrensemble.spec import Spec
from lrensemble.train.sweep.setup import checked_factory, pool_of
from lrensemble.train.sweep.strategies import STRATEGIES, Round


@dataclass(frozen=True)
class Plan:
    """Cost of all runs of a sweep together, if none ends early."""

    runs: int
    """Number of members."""
    epochs: int
    """Passes over the training rows."""
    rows: int
    """Rows of one pass."""

    @property
    def samples(self) -> int:
        """Number of training rows that are passed, repeats counted."""
        return self.epochs * self.rows


def plan_of(experiment: Experiment, dataset: Learnable | None = None) -> Plan:
    """Plan of an experiment, all of whose names and arguments are checked. Nothing is written but to a scratch folder.

    Args:
        experiment: what is to be trained.
        dataset: its data, where they are read already.

    Raises:
        LREnsembleError: what `tune` would raise before any training.
    """
    strategy = experiment.sweep.strategy
    own = Spec(strategy.name, {key: value for key, value in strategy.arguments.items() if key != "storage"})
    sweep = experiment.sweep.model_copy(update={"strategy": own})
    factory = checked_factory(experiment.model_copy(update={"sweep": sweep}), dataset)
    with scratch_folder() as folder:
        first = next(iter(STRATEGIES.call(own, factory)(pool_of(factory.dataset, folder))), None)
    if first is None:
        raise ConfigError(f"sweep.strategy: {strategy} trains nothing")
    return Plan(len(first.runs) + first.remaining, _epochs(first), len(factory.dataset.rows["train"]))


def _epochs(first: Round) -> int:
    """Epochs of all runs, of which a strategy states the first ones; the others are as long as those, on average.

    What the runs of a chain have in common is trained once, and the recipe of each has the epochs of the whole.
    """
    stated = sum(run.recipe.train.epochs for run in first.runs)
    if any(run.successor is not None for run in first.runs):
        return stated
    return stated + round(first.remaining * stated / len(first.runs))
