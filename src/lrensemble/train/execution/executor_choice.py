"""The executor of a sweep: the one that was asked for, with its devices, or none."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from lrensemble.config import Experiment
from lrensemble.errors import TrainingError
from lrensemble.executors import EXECUTORS, WORKER_PROCESSES, Executor
from lrensemble.spec import SpecLike


@dataclass(frozen=True)
class ExecutorChoice:
    """Who trains, and where."""

    executor: Executor = WORKER_PROCESSES
    devices: tuple[str, ...] | None = None
    """Device of each place, none where all is trained in this process; None where no executor was asked for, and the
    rule of the execution chooses between this process and worker processes."""


def executor_choice(
    experiment: Experiment, given: SpecLike | None, devices: Sequence[object], execution: str
) -> ExecutorChoice:
    """The executor that is given, or else that of the experiment, with the devices of its places.

    Args:
        experiment: what is trained.
        given: an executor in place of the experiment's own.
        devices: that were asked for.
        execution: one of `EXECUTIONS`.

    Raises:
        LREnsembleError: an unknown name, an argument that it refuses, or an executor that cannot be reached.
        TrainingError: an execution that contradicts the executor.
    """
    wanted = experiment.executor if given is None else given
    if wanted is None:
        return ExecutorChoice()
    if execution == "sharded":
        raise TrainingError(
            "execution sharded has the processes that `accelerate launch` starts, and no executor; give one of the two"
        )
    executor = EXECUTORS.call(wanted)
    found = ExecutorChoice(executor, executor.places([str(each) for each in devices], modules_of(experiment)))
    if execution == "workers" and not found.devices:
        raise TrainingError(f"execution workers and executor {wanted} contradict each other; give one of the two")
    return found


def modules_of(experiment: Experiment) -> tuple[str, ...]:
    """Modules that an experiment names: its plugins, and those of functions `package.module:function`."""
    named = re.findall(r'"([A-Za-z_][\w.]*):[A-Za-z_]\w*"', experiment.model_dump_json())
    return tuple(dict.fromkeys([*experiment.plugins, *named]))
