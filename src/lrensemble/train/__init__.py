"""From recipes to members: one training run (`engine`), its exact resumption (`state`), a whole sweep (`tune`).

Which recipes are trained is said by the `strategies`; `range_test` proposes peaks.
"""

from lrensemble.train.execution.events import Began, Ended, Event, Planned
from lrensemble.train.run.engine import DivergedError, Step, fit, predict
from lrensemble.train.run.learner import Learner
from lrensemble.train.run.runs import Elsewhere, Run
from lrensemble.train.sweep.range_test import RangeTest, range_test
from lrensemble.train.tune import tune

__all__ = [
    "Began",
    "DivergedError",
    "Elsewhere",
    "Ended",
    "Event",
    "Learner",
    "Planned",
    "RangeTest",
    "Run",
    "Step",
    "fit",
    "predict",
    "range_test",
    "tune",
]
