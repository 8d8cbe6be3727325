"""From recipes to members: a whole sweep (`tune`), the life of a run (`live`), the loop alone (`fit`).

The names below are imported when they are first used: how a sweep stands is told without what trains.

Which recipes are trained is said by the `strategies`; `range_test` proposes peaks; `reproduce` trains a member again.
"""

from typing import TYPE_CHECKING

from lrensemble.lazy import lazily

if TYPE_CHECKING:
    from lrensemble.train.execution.events import Began, Counted, Ended, Event, OtherShards, OutOfTime, Planned
    from lrensemble.train.loggers import LOGGERS, Logger
    from lrensemble.train.reproduce import Reproduction, reproduce
    from lrensemble.train.run.arithmetic.optimizers import update_per_gradient
    from lrensemble.train.run.fit import DivergedError, fit
    from lrensemble.train.run.own_loop.life import policy_for
    from lrensemble.train.run.predictions import predict
    from lrensemble.train.run.progress.events import Epoch, Step
    from lrensemble.train.run.runs import Elsewhere, Run
    from lrensemble.train.run.single import SingleTrainee, initial_network
    from lrensemble.train.sweep.range_test import RangeTest, range_test
    from lrensemble.train.tune import tune

__all__ = [
    "LOGGERS",
    "Began",
    "Counted",
    "DivergedError",
    "Elsewhere",
    "Ended",
    "Epoch",
    "Event",
    "Logger",
    "OtherShards",
    "OutOfTime",
    "Planned",
    "RangeTest",
    "Reproduction",
    "Run",
    "SingleTrainee",
    "Step",
    "fit",
    "initial_network",
    "policy_for",
    "predict",
    "range_test",
    "reproduce",
    "tune",
    "update_per_gradient",
]

lazily(
    __name__,
    {
        "Began": "execution.events",
        "Counted": "execution.events",
        "DivergedError": "run.fit",
        "Elsewhere": "run.runs",
        "Ended": "execution.events",
        "Epoch": "run.progress.events",
        "Event": "execution.events",
        "LOGGERS": "loggers",
        "Logger": "loggers",
        "OtherShards": "execution.events",
        "OutOfTime": "execution.events",
        "Planned": "execution.events",
        "RangeTest": "sweep.range_test",
        "Reproduction": "reproduce",
        "Run": "run.runs",
        "SingleTrainee": "run.single",
        "Step": "run.progress.events",
        "fit": "run.fit",
        "initial_network": "run.single",
        "policy_for": "run.own_loop.life",
        "predict": "run.predictions",
        "range_test": "sweep.range_test",
        "reproduce": "reproduce",
        "tune": "tune",
        "update_per_gradient": "run.arithmetic.optimizers",
    },
)
