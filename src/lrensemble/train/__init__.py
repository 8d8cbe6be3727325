"""From recipes to members: one training run (`engine`), its exact resumption (`state`), a whole sweep (`tune`)."""

from lrensemble.train.engine import DivergedError, Step, fit, predict
from lrensemble.train.member import Run
from lrensemble.train.tune import Began, Ended, Event, Planned, tune

__all__ = ["Began", "DivergedError", "Ended", "Event", "Planned", "Run", "Step", "fit", "predict", "tune"]
