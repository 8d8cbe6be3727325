"""Metric that a strategy goes by: one that every run is scored by after every epoch."""

from __future__ import annotations

from lrensemble.config.sweep import changed
from lrensemble.errors import SpecError
from lrensemble.metrics import watched
from lrensemble.spec import Value
from lrensemble.train.sweep.points import values_of
from lrensemble.train.sweep.run_factory import RunFactory
from lrensemble.train.sweep.strategies.base import KEY


def watched_metric(factory: RunFactory, given: str | None) -> str:
    """Metric that all runs have a score by after every epoch: that given, or what suits the target.

    Raises:
        SpecError: it is not measured.
    """
    dataset, experiment = factory.dataset, factory.experiment
    forms: list[Value] = []
    for policy, along in experiment.sweep.entries(experiment.policy):
        listed = experiment.sweep.ranges(policy.name).get("train.form")
        forms += values_of(listed) if listed else [along.get("train.form", experiment.train.form)]
    settings = [changed(experiment.train, {"form": form}) for form in forms]
    served = frozenset.intersection(*(dataset.head(each.form).said.serves for each in settings))
    known = watched(dataset.target.kind, served)
    metric = given or dataset.target.default_metric(served)
    if metric not in known:
        raise SpecError(
            f"{KEY}: metric = {metric!r} is refused; runs are scored by {', '.join(known)} after every epoch"
        )
    return metric
